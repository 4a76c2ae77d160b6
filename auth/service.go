package auth

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// Lifetimes. A session lives as long as its app is used at least every
// [RefreshIdle], and a year at most; access tokens are short because they
// cannot be called back.
const (
	AccessLife   = 15 * time.Minute
	RefreshIdle  = 60 * 24 * time.Hour
	SessionLife  = 365 * 24 * time.Hour
	RefreshGrace = 30 * time.Second
	// MaxActionLife bounds action tokens, whatever their notification says:
	// signing keys are published this much longer than they sign.
	MaxActionLife = 7 * 24 * time.Hour
)

// MinSecret is the least length of the instance secret, in bytes.
const MinSecret = 32

// Config is what the service stands on.
type Config struct {
	Store Store
	// Secret is the instance secret; it seals the signing keys and makes the
	// receipt keys. At least
	// [MinSecret] bytes. Losing it ends all sessions and voids all buttons.
	Secret []byte
	// Issuer is the instance's public base URL: the "iss" of every token.
	Issuer string
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: discard
}

// Service signs people in and tells who is asking.
type Service struct {
	store    Store
	issuer   string
	now      func() time.Time
	log      *slog.Logger
	sealer   sealer
	receipts receiptKeys
	keys     atomic.Pointer[keyring] // nil until Prepare
	alive    *principals
}

// New builds a service. Call [Service.Prepare] before using it, and every
// minute or so from then on. It panics when Store, Issuer or a long
// enough Secret is missing: the configuration is validated before this.
func New(c Config) *Service {
	if c.Store == nil || c.Issuer == "" || len(c.Secret) < MinSecret {
		panic("auth: New needs a Store, an Issuer and a Secret of at least 32 bytes")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{store: c.Store, issuer: c.Issuer, log: c.Log, sealer: newSealer(c.Secret), receipts: newReceiptKeys(c.Secret)}
	s.now = func() time.Time { return c.Now().UTC().Truncate(time.Microsecond) }
	s.alive = newPrincipals(s.now)
	return s
}
