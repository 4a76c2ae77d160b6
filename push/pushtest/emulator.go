package pushtest

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Environments of APNs.
const (
	Production = "production"
	Sandbox    = "sandbox"
)

// Config says where an emulator listens and what clock it believes.
type Config struct {
	// Addr serves FCM, OAuth and the control API; empty: 127.0.0.1, any port.
	Addr string
	// APNsAddr and SandboxAddr serve APNs; empty: the ports after Addr's, or
	// any port when Addr leaves it open.
	APNsAddr, SandboxAddr string
	// WebPushAddr serves browsers' push service; empty: the port after those, or
	// any port.
	WebPushAddr string
	// ControlAddr serves the control API without TLS; empty: not at all. Only
	// for loopback: whoever reaches it decides what the phones get.
	ControlAddr string
	// Now is the clock for token ages and timestamps.
	Now func() time.Time
	Log *slog.Logger
	// History is how many pushes are remembered for each device; 0 means 200.
	History int
	// OnShow is told of each notification a phone shows, rewrites or clears, on
	// the connection's goroutine: it must be quick.
	OnShow func(Shown)
	// Press carries button presses to the server; nil: a client with a 10 s limit.
	Press *http.Client
}

// Emulator stands in for APNs, FCM and a push service of browsers. Its methods are safe for concurrent use.
type Emulator struct {
	cfg       Config
	authority *authority
	key       *apnsKey
	doors     []*door
	control   http.Handler
	faults    faults
	latency   atomic.Int64 // of every push, in nanoseconds
	seq       atomic.Int64
	pushes    [3]atomic.Int64 // accepted, by providerIndex
	changed   signal
	show      atomic.Pointer[func(Shown)]
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	work      sync.WaitGroup // control requests that came over HTTP/2

	mu       sync.RWMutex
	keys     map[string]*apnsKey             // by key id
	topics   map[string]string               // bundle id → team
	accounts map[string]*account             // by key id
	bearers  map[string]bearer               // access tokens we issued
	verified map[string]verified             // provider tokens whose signature was good
	vapid    map[string]jwt.RegisteredClaims // of VAPID tokens whose signature was good
	devices  map[deviceKey]*device
	refusals []Refusal
}

// Start opens the emulator. Close it when done.
func Start(cfg Config) (*Emulator, error) {
	cfg.setDefaults()
	addrs, err := addresses(cfg)
	if err != nil {
		return nil, err
	}
	e := &Emulator{
		cfg: cfg, keys: map[string]*apnsKey{}, topics: map[string]string{}, accounts: map[string]*account{},
		bearers: map[string]bearer{}, verified: map[string]verified{}, vapid: map[string]jwt.RegisteredClaims{}, devices: map[deviceKey]*device{},
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	if cfg.OnShow != nil {
		e.OnShow(cfg.OnShow)
	}
	if e.key, err = newAPNsKey(appleID(), ""); err != nil {
		return nil, err
	}
	e.keys[e.key.id] = e.key
	if e.authority, err = newAuthority(hosts(addrs)); err != nil {
		return nil, err
	}
	e.control = e.controlRoutes()
	if err := e.open(addrs); err != nil {
		_ = e.Close()
		return nil, err
	}
	return e, nil
}

func (c *Config) setDefaults() {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.History == 0 {
		c.History = 200
	}
	if c.Press == nil {
		c.Press = &http.Client{Timeout: 10 * time.Second}
	}
}

// addresses gives the addresses of FCM, APNs production and sandbox, and Web Push.
func addresses(cfg Config) ([]string, error) {
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("the emulator's address %q is not host:port: %w", cfg.Addr, err)
	}
	base, err := strconv.Atoi(port)
	if err != nil || base < 0 || base > 65532 {
		return nil, fmt.Errorf("the emulator's port %q must be a number from 0 to 65532 (three more follow it)", port)
	}
	addrs := []string{cfg.Addr, cfg.APNsAddr, cfg.SandboxAddr, cfg.WebPushAddr}
	for i, a := range addrs {
		if a == "" {
			addrs[i] = net.JoinHostPort(host, nextPort(base, i))
		}
	}
	return addrs, nil
}

func nextPort(base, i int) string {
	if base == 0 {
		return "0"
	}
	return strconv.Itoa(base + i)
}

func hosts(addrs []string) []string {
	var hs []string
	for _, a := range addrs {
		h, _, _ := net.SplitHostPort(a)
		hs = append(hs, h)
	}
	return hs
}

// webPushDoor is the place of the browsers' push service among the doors, and
// controlDoor, if there is one, that of the control API.
const (
	webPushDoor = 3
	controlDoor = 4
)

// open starts the doors in the order FCM, production, sandbox, Web Push, control.
func (e *Emulator) open(addrs []string) error {
	kinds := []doorKind{
		{name: "fcm", streams: 100, h1: true, handler: e.serveGoogle},
		{name: Production, streams: 1, handler: func(c *call) { e.serveAPNs(c, Production) }},
		{name: Sandbox, streams: 1, handler: func(c *call) { e.serveAPNs(c, Sandbox) }},
		{name: "webpush", streams: 100, h1: true, handler: e.serveWebPush},
	}
	for i, k := range kinds {
		d, err := openDoor(addrs[i], k, e.authority, e.control)
		if err != nil {
			return err
		}
		e.doors = append(e.doors, d)
	}
	if e.cfg.ControlAddr == "" {
		return nil
	}
	d, err := openPlainDoor(e.cfg.ControlAddr, e.control)
	if err != nil {
		return err
	}
	e.doors = append(e.doors, d)
	return nil
}

// Close ends all connections and waits for them.
func (e *Emulator) Close() error {
	e.stop()
	for _, d := range e.doors {
		d.close()
	}
	e.work.Wait()
	e.cfg.Press.CloseIdleConnections()
	return nil
}

// FCMURL is FCM's base address, to be followed by /v1/projects/….
func (e *Emulator) FCMURL() string { return "https://" + e.doors[0].addr() }

// APNsURL is the address of an APNs environment.
func (e *Emulator) APNsURL(environment string) string {
	if environment == Sandbox {
		return "https://" + e.doors[2].addr()
	}
	return "https://" + e.doors[1].addr()
}

// WebPushURL is the address of the browsers' push service.
func (e *Emulator) WebPushURL() string { return "https://" + e.doors[webPushDoor].addr() }

// ControlURL is the control API's address: plain HTTP where configured.
func (e *Emulator) ControlURL() string {
	if len(e.doors) > controlDoor {
		return "http://" + e.doors[controlDoor].addr() + "/emulator"
	}
	return e.FCMURL() + "/emulator"
}

// RootCAs holds the emulator's authority, for a sender's configuration.
func (e *Emulator) RootCAs() *x509.CertPool { return e.authority.pool() }

// CAPEM is the same authority as a PEM file.
func (e *Emulator) CAPEM() []byte { return e.authority.pem() }

// SetLatency makes every push take d.
func (e *Emulator) SetLatency(d time.Duration) { e.latency.Store(int64(d)) }

// OnShow replaces what is told of shown notifications; see Config.OnShow.
func (e *Emulator) OnShow(f func(Shown)) { e.show.Store(&f) }

func (e *Emulator) now() time.Time { return e.cfg.Now().UTC() }
