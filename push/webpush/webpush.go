package webpush

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Config is what a sender needs.
type Config struct {
	Key *Key
	// Subject is how push services reach whoever runs this server: a mailto: or
	// https: address. Empty is left out of the token, which Apple refuses.
	Subject string
	// Hosts may be pushed to.
	Hosts Hosts
	// AllowPrivate lets pushes go to addresses that are not public: for the
	// emulator, and for a push service of one's own on a closed network.
	AllowPrivate bool
	RootCAs      *x509.CertPool // nil: the system's
	// Conns bounds the connections to each push service; 0 means 4.
	Conns int
	// MaxInFlight bounds the pushes on their way to each of them; 0 means 400.
	MaxInFlight int
	// Timeout bounds a send whose context has no deadline; 0 means 10 s.
	Timeout time.Duration
	// Proxy finds the HTTPS proxy; nil means the usual environment variables.
	// With one, what a name resolves to is the proxy's to judge.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver finds addresses; nil: the system's.
	Resolver *net.Resolver
	// Dial replaces the connection altogether, and the check of its address with
	// it; for tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time
	Log  *slog.Logger
	// Meter counts connections.
	Meter *meter.Meter
}

// Sender pushes to browsers. It implements push.Sender.
type Sender struct {
	cfg    Config
	opened *meter.Counter
	work   sync.WaitGroup // closing what was evicted

	mu      sync.Mutex
	origins map[string]*origin // by audience
	closed  bool
}

var _ push.Sender = (*Sender)(nil)

// New makes a sender. It connects to a push service at the first push there.
func New(cfg Config) (*Sender, error) {
	if cfg.Key == nil {
		return nil, errors.New("making the Web Push sender: it has no key")
	}
	cfg.setDefaults()
	return &Sender{
		cfg: cfg, origins: map[string]*origin{},
		opened: cfg.Meter.Counter("nightbell_push_connections_opened_total", "Connections opened to push providers.", "provider", "environment"),
	}, nil
}

func (c *Config) setDefaults() {
	if c.Conns <= 0 {
		c.Conns = 4
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 400
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	if c.Dial == nil && c.AllowPrivate {
		c.Dial = (&net.Dialer{KeepAlive: 15 * time.Second, Resolver: c.Resolver}).DialContext
	}
	if c.Dial == nil {
		c.Dial = guardedDial(c.Resolver)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// PublicKey is what a page subscribes with (applicationServerKey).
func (s *Sender) PublicKey() string { return s.cfg.Key.Public() }

// CheckSubscription refuses what a browser's PushSubscription can never be,
// naming the field (fault.Invalid), and gives the endpoint in its one spelling.
func (s *Sender) CheckSubscription(endpoint string, keys push.Keys) (string, error) {
	endpoint, err := s.cfg.Hosts.Check(endpoint)
	if err != nil {
		return "", err
	}
	if keys.P256DH == "" || keys.Auth == "" {
		return "", fault.Field("keys", "missing_field", "a browser's registration needs keys: p256dh and auth from PushSubscription.toJSON()")
	}
	return endpoint, CheckKeys(keys)
}

// Warm keeps the connections to the push services that were used lately open,
// so that the next page does not pay for a TLS handshake. It sends nothing.
func (s *Sender) Warm(ctx context.Context) error {
	var errs []error
	for name, o := range s.borrowAll() {
		if !o.isOld.Load() {
			if err := o.pool.Warm(ctx); err != nil && !errors.Is(err, wire.ErrNotHTTP2) {
				errs = append(errs, fmt.Errorf("warming up Web Push to %s: %w", name, err))
			}
		}
		s.giveBack(o)
	}
	return errors.Join(errs...)
}

func (s *Sender) borrowAll() map[string]*origin {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]*origin, len(s.origins))
	if s.closed {
		return all
	}
	for name, o := range s.origins {
		o.users++
		all[name] = o
	}
	return all
}

// CloseIdleConnections closes connections that carry nothing.
func (s *Sender) CloseIdleConnections() {
	for _, o := range s.borrowAll() {
		o.pool.CloseIdleConnections()
		o.old.CloseIdleConnections()
		s.giveBack(o)
	}
}

// Close cuts all connections. Sends on their way return push.ClassCut.
func (s *Sender) Close() {
	s.mu.Lock()
	s.closed = true
	all := s.origins
	s.origins = map[string]*origin{}
	s.mu.Unlock()
	for _, o := range all {
		o.close()
	}
	s.work.Wait()
}
