package fcm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// defaultEndpoint is FCM's address.
const defaultEndpoint = "https://fcm.googleapis.com"

// App is a Firebase project with the account that may send for it.
type App struct {
	Name string // what devices call it (push.Device.App)
	// ServiceAccountJSON is the key file; see [ParseServiceAccount].
	ServiceAccountJSON []byte
	// Ambient uses the machine's own credentials instead, for ProjectID.
	Ambient   bool
	ProjectID string
	// Endpoint overrides FCM's address (https://host:port), for the emulator.
	// The token endpoint is in the service account.
	Endpoint string
}

// Config is what a sender needs.
type Config struct {
	Apps    []App
	RootCAs *x509.CertPool // nil: the system's
	// MaxInFlight bounds the pushes on their way for each app; 0 means 1,000.
	MaxInFlight int
	// Conns bounds the connections to each endpoint; 0 means 10. FCM allows
	// about 100 pushes at once on each.
	Conns int
	// Timeout bounds a send whose context has no deadline; 0 means 15 s.
	Timeout time.Duration
	// Proxy finds the HTTPS proxy; nil means the usual environment variables.
	Proxy func(*http.Request) (*url.URL, error)
	Now   func() time.Time
	Log   *slog.Logger
	Meter *meter.Meter

	plainWrites bool // benchmarks compare
}

// Sender pushes to all configured projects. It implements push.Sender.
type Sender struct {
	cfg   Config
	apps  map[string]*app
	pools map[string]*wire.Pool // by address: projects share connections
}

var _ push.Sender = (*Sender)(nil)

// app is one project's client and the turns on it.
type app struct {
	client *messaging.Client
	trip   *roundTripper
	flight chan struct{} // one token for each push on its way
	budget *budget       // Google's limits; nil at other endpoints
}

// New makes a sender. It connects at the first push, or at [Sender.Warm].
// Errors name the app and what is wrong with it (fault.Invalid).
func New(cfg Config) (*Sender, error) {
	cfg.setDefaults()
	s := &Sender{cfg: cfg, apps: map[string]*app{}, pools: map[string]*wire.Pool{}}
	opened := cfg.Meter.Counter("nightbell_push_connections_opened_total", "Connections opened to push providers.", "provider", "environment")
	for _, a := range cfg.Apps {
		if err := s.add(a, opened); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (c *Config) setDefaults() {
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 1000
	}
	if c.Conns <= 0 {
		c.Conns = 10
	}
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
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

func (s *Sender) add(a App, opened *meter.Counter) error {
	if strings.TrimSpace(a.Name) == "" {
		return fault.Field("name", "bad_fcm_app", "an FCM app has no name; give each one, devices refer to it")
	}
	project, tokens, err := s.credentials(a)
	if err != nil {
		return fmt.Errorf("app %s: %w", a.Name, err)
	}
	base, address, err := endpoint(a.Endpoint)
	if err != nil {
		return err
	}
	if s.pools[address] == nil {
		s.pools[address] = wire.New(wire.Config{
			Address: address, TLS: s.tls(), Conns: s.cfg.Conns, Proxy: s.cfg.Proxy, Log: s.cfg.Log, PlainWrites: s.cfg.plainWrites,
			Opened: func() { opened.Add(1, "fcm", "production") },
		})
	}
	trip := &roundTripper{pool: s.pools[address], tokens: newTokens(tokens, s.cfg.Now), log: s.cfg.Log}
	client, err := newMessaging(project, base, trip)
	if err != nil {
		return fmt.Errorf("making the FCM client of %s: %w", a.Name, err)
	}
	s.apps[a.Name] = &app{client: client, trip: trip, flight: make(chan struct{}, s.cfg.MaxInFlight)}
	if a.Endpoint == "" {
		s.apps[a.Name].budget = newBudget(s.cfg.Now())
	}
	return nil
}

// credentials tells the app's project and where its access tokens come from.
func (s *Sender) credentials(a App) (project string, from source, err error) {
	if a.Ambient {
		if strings.TrimSpace(a.ProjectID) == "" {
			return "", nil, fault.Field("project_id", "bad_fcm_app", "the FCM app %q names no project_id, which the machine's own credentials do not say for sure", a.Name)
		}
		return a.ProjectID, &ambient{s.oauthClient()}, nil
	}
	account, err := ParseServiceAccount(a.ServiceAccountJSON)
	if err != nil {
		return "", nil, err
	}
	if a.ProjectID != "" {
		account.ProjectID = a.ProjectID // an account may send for a project that is not its own
	}
	return account.ProjectID, &signed{account, s.oauthClient()}, nil
}

// newMessaging makes firebase's client over our transport. Given an HTTP
// client it adds neither credentials nor telemetry of its own.
func newMessaging(project, base string, trip http.RoundTripper) (*messaging.Client, error) {
	ctx := context.Background() // only carries values here
	fb, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: project},
		option.WithHTTPClient(&http.Client{Transport: trip, CheckRedirect: noRedirect}),
		option.WithEndpoint(base+"/v1"), option.WithTelemetryDisabled())
	if err != nil {
		return nil, err
	}
	return fb.Messaging(ctx)
}

// noRedirect: FCM never redirects, so whoever does is not FCM.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func endpoint(override string) (base, address string, err error) {
	if override == "" {
		override = defaultEndpoint
	}
	u, err := url.Parse(override)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", "", fault.New(fault.Invalid, "bad_fcm_endpoint", "the FCM endpoint %q must be https://host or https://host:port", override)
	}
	address = u.Host
	if u.Port() == "" {
		address += ":443"
	}
	return "https://" + u.Host, address, nil
}

func (s *Sender) tls() *tls.Config {
	return &tls.Config{RootCAs: s.cfg.RootCAs, MinVersion: tls.VersionTLS12}
}

// oauthClient talks to the token endpoint, once an hour.
func (s *Sender) oauthClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: s.tls(), Proxy: s.cfg.Proxy, ForceAttemptHTTP2: true,
			IdleConnTimeout: time.Minute, TLSHandshakeTimeout: fetchTimeout,
		},
		CheckRedirect: noRedirect,
	}
}

// Warm opens a connection to every endpoint and fetches every project's access
// token, so that the first page pays for neither. It sends nothing.
func (s *Sender) Warm(ctx context.Context) error {
	for _, p := range s.pools {
		if err := p.Warm(ctx); err != nil {
			return fmt.Errorf("warming up FCM: %w", err)
		}
	}
	for name, a := range s.apps {
		if _, err := a.trip.tokens.get(ctx); err != nil {
			return fmt.Errorf("warming up FCM for %s: %w", name, err)
		}
	}
	return nil
}

// CloseIdleConnections closes connections that carry nothing.
func (s *Sender) CloseIdleConnections() {
	for _, p := range s.pools {
		p.CloseIdleConnections()
	}
}

// Close cuts all connections. Sends on their way return push.ClassCut.
func (s *Sender) Close() {
	for _, p := range s.pools {
		p.Close()
	}
	for _, a := range s.apps {
		a.trip.tokens.close()
	}
}
