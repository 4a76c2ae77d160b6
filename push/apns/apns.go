package apns

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sideshow/apns2"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Environments of APNs, as devices name them.
const (
	Production = "production"
	Sandbox    = "sandbox"
)

// App is an iOS app and the key that may push to it.
type App struct {
	Name   string // what devices call it (push.Device.App)
	Topic  string // the bundle id
	TeamID string
	KeyID  string
	// KeyPEM is the .p8 file; see [ParseKey].
	KeyPEM []byte
	// Environments the key is good for; empty means both.
	Environments []string
}

// Config is what a sender needs.
type Config struct {
	Apps []App
	// Endpoints overrides Apple's addresses by environment (https://host:port),
	// for the emulator.
	Endpoints map[string]string
	RootCAs   *x509.CertPool // nil: the system's
	// MaxInFlight bounds the pushes on their way for each key and environment;
	// 0 means 500, well below the 1,000 streams Apple usually allows.
	MaxInFlight int
	// Timeout bounds a send whose context has no deadline; 0 means 10 s.
	Timeout time.Duration
	// Proxy finds the HTTPS proxy; nil means the usual environment variables.
	Proxy func(*http.Request) (*url.URL, error)
	Now   func() time.Time
	Log   *slog.Logger
	Meter *meter.Meter

	plainWrites bool // benchmarks compare
}

// Sender pushes to all configured apps. It implements push.Sender.
type Sender struct {
	cfg     Config
	lanes   map[laneKey]lane
	clients []*client
	resends *meter.Counter
}

var _ push.Sender = (*Sender)(nil)

type laneKey struct{ app, environment string }

// lane is one app in one environment.
type lane struct {
	topic  string
	client *client
}

// New makes a sender. It connects at the first push, or at [Sender.Warm].
// Errors name the app and what is wrong with it (fault.Invalid).
func New(cfg Config) (*Sender, error) {
	cfg.setDefaults()
	s := &Sender{cfg: cfg, lanes: map[laneKey]lane{}}
	s.resends = cfg.Meter.Counter("nightbell_apns_resends_total", "Pushes sent again at once with another provider token or on a new connection.")
	opened := cfg.Meter.Counter("nightbell_push_connections_opened_total", "Connections opened to push providers.", "provider", "environment")
	shared := map[string]*client{}
	for _, app := range cfg.Apps {
		if err := app.validate(); err != nil {
			return nil, err
		}
		for _, environment := range app.environments() {
			id := app.TeamID + "/" + app.KeyID + "/" + environment
			if shared[id] == nil {
				c, err := newClient(cfg, app, environment, opened)
				if err != nil {
					return nil, err
				}
				shared[id] = c
				s.clients = append(s.clients, c)
			}
			s.lanes[laneKey{app.Name, environment}] = lane{app.Topic, shared[id]}
		}
	}
	return s, nil
}

func (c *Config) setDefaults() {
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 500
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func (a App) environments() []string {
	if len(a.Environments) == 0 {
		return []string{Production, Sandbox}
	}
	return a.Environments
}

func (a App) validate() error {
	for _, f := range []struct{ name, value string }{
		{"name", a.Name}, {"topic", a.Topic}, {"team_id", a.TeamID}, {"key_id", a.KeyID},
	} {
		if strings.TrimSpace(f.value) == "" {
			return fault.Field(f.name, "bad_apns_app", "the APNs app %q has no %s; fill it in from your Apple developer account", a.Name, f.name)
		}
	}
	for _, e := range a.environments() {
		if e != Production && e != Sandbox {
			return fault.Field("environments", "bad_apns_app", "the APNs app %q names the environment %q; there are production and sandbox", a.Name, e)
		}
	}
	return nil
}

// client is an apns2 client and the turns on it.
type client struct {
	apns2  *apns2.Client
	trip   *roundTripper
	flight chan struct{} // one token for each push on its way
}

func newClient(cfg Config, app App, environment string, opened *meter.Counter) (*client, error) {
	key, err := ParseKey(app.KeyPEM)
	if err != nil {
		return nil, fmt.Errorf("app %s: %w", app.Name, err)
	}
	endpoint, address, err := endpoint(cfg, environment)
	if err != nil {
		return nil, err
	}
	trip := &roundTripper{
		tokens: &tokens{team: app.TeamID, keyID: app.KeyID, key: key, now: cfg.Now},
		pool: wire.New(wire.Config{
			Address: address, TLS: &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
			Conns: 1, Proves: proves, Proxy: cfg.Proxy, Log: cfg.Log, PlainWrites: cfg.plainWrites,
			Opened: func() { opened.Add(1, "apns", environment) },
		}),
	}
	return &client{
		// The literal, because NewTokenClient brings a transport of its own and
		// Production() and Development() change a client that others are using.
		apns2:  &apns2.Client{Host: endpoint, HTTPClient: &http.Client{Transport: trip, CheckRedirect: noRedirect}},
		trip:   trip,
		flight: make(chan struct{}, cfg.MaxInFlight),
	}, nil
}

// noRedirect: Apple never redirects, so whoever does is not Apple.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// proves: an answer that Apple gives only after it accepted the provider
// token, upon which it lets more than one stream in.
func proves(r *http.Response) bool {
	switch r.StatusCode {
	case http.StatusOK, http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

func endpoint(cfg Config, environment string) (base, address string, err error) {
	base = apns2.HostProduction
	if environment == Sandbox {
		base = apns2.HostDevelopment
	}
	if o := cfg.Endpoints[environment]; o != "" {
		base = o
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", "", fault.New(fault.Invalid, "bad_apns_endpoint", "the APNs endpoint %q for %s must be https://host or https://host:port", base, environment)
	}
	address = u.Host
	if u.Port() == "" {
		address += ":443"
	}
	return "https://" + u.Host, address, nil
}

// Warm opens the connections, so that the first page does not pay for a TLS
// handshake. It sends nothing, and reports the first that failed.
func (s *Sender) Warm(ctx context.Context) error {
	errs := make([]error, len(s.clients))
	var work sync.WaitGroup
	for i, c := range s.clients {
		work.Go(func() { errs[i] = c.trip.pool.Warm(ctx) })
	}
	work.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("warming up APNs: %w", err)
		}
	}
	return nil
}

// CloseIdleConnections closes connections that carry nothing.
func (s *Sender) CloseIdleConnections() {
	for _, c := range s.clients {
		c.apns2.CloseIdleConnections()
	}
}

// Serves reports whether the app has a key for the environment. Whether Apple
// takes it there is only known by pushing.
func (s *Sender) Serves(app, environment string) bool {
	_, ok := s.lanes[laneKey{app, environment}]
	return ok
}

// Close cuts all connections. Sends on their way return push.ClassCut.
func (s *Sender) Close() {
	for _, c := range s.clients {
		c.trip.pool.Close()
	}
}
