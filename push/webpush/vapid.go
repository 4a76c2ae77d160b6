package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/fault"
)

const (
	// tokenLife is how long a token is good for. RFC 8292 allows a day, and a
	// clock that is hours off must not spoil it.
	tokenLife = 12 * time.Hour
	// tokenRest is the age at which the next one is made. Apple wants a token
	// kept for an hour at least.
	tokenRest = tokenLife / 2
)

// Key is the server's own key pair. Browsers subscribe with the public half,
// and then take pushes from nobody else: a lost key means that every browser
// has to subscribe again.
type Key struct {
	private *ecdsa.PrivateKey
	public  string
}

// NewKey makes a key pair.
func NewKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a Web Push key: %w", err)
	}
	return newKey(private)
}

// ParseKey reads what [Key.Bytes] gave.
func ParseKey(raw []byte) (*Key, error) {
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, errors.New("the Web Push key is no private key of P-256")
	}
	return newKey(private)
}

func newKey(private *ecdsa.PrivateKey) (*Key, error) {
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing a Web Push key: %w", err)
	}
	return &Key{private, base64.RawURLEncoding.EncodeToString(point)}, nil
}

// Public is the uncompressed point in base64url, as PushManager.subscribe
// takes it for applicationServerKey.
func (k *Key) Public() string { return k.public }

// Bytes is the private half, 32 bytes, to be kept sealed.
func (k *Key) Bytes() ([]byte, error) { return k.private.Bytes() }

// CheckSubject refuses what push services do not take for "sub" (RFC 8292,
// 2.1): how they reach whoever runs this server. Apple wants a real domain.
func CheckSubject(subject string) error {
	u, err := url.Parse(subject)
	domain := ""
	switch {
	case err != nil:
	case u.Scheme == "mailto":
		_, domain, _ = strings.Cut(u.Opaque, "@")
	case u.Scheme == "https" && u.User == nil:
		domain = u.Hostname()
	}
	if domain == "" || strings.ContainsAny(subject, " <>,") {
		return fault.New(fault.Invalid, "bad_subject", "%q is neither mailto:somebody@example.com nor https://example.com", subject)
	}
	if _, ip := netip.ParseAddr(domain); ip == nil || !strings.Contains(strings.Trim(domain, "."), ".") {
		return fault.New(fault.Invalid, "bad_subject", "%q has no public domain, and Apple refuses such a subject", subject)
	}
	return nil
}

// tokens hands out the token for one push service. Signing costs more than
// encrypting, so it is done once for thousands of pushes.
type tokens struct {
	key               *Key
	audience, subject string
	now               func() time.Time

	mu     sync.Mutex
	header string // the whole Authorization header
	issued time.Time
}

// authorization gives the Authorization header that is good now.
func (t *tokens) authorization() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	// Before its birth: the clock was set back, and "exp" may be too far away.
	if age := now.Sub(t.issued); t.header != "" && age >= 0 && age < tokenRest {
		return t.header, nil
	}
	claims := jwt.MapClaims{"aud": t.audience, "exp": now.Add(tokenLife).Unix()}
	if t.subject != "" {
		claims["sub"] = t.subject
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodES256, claims).SignedString(t.key.private)
	if err != nil {
		return "", fmt.Errorf("signing a VAPID token for %s: %w", t.audience, err)
	}
	t.header, t.issued = "vapid t="+token+", k="+t.key.public, now
	return t.header, nil
}
