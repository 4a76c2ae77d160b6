package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// ErrClosed says the pool was closed.
var ErrClosed = errors.New("the connection pool is closed")

// retireAfter is how many requests one connection may carry: half of what
// HTTP/2's stream ids allow, since a connection out of ids only refuses.
const retireAfter = 1 << 29

// Config says where a pool connects and how many connections it may fill.
type Config struct {
	Address string // host:port
	// TLS is cloned; nil means the system's roots.
	TLS *tls.Config
	// Conns is how many connections may take requests at once; at least 1. One
	// that is told to go away drains beside them.
	Conns int
	// Proves, when set, lets a new connection carry one request at a time until
	// an answer satisfies it (APNs: the first accepted provider token).
	Proves func(*http.Response) bool
	// Dial opens the TCP connection; nil means directly. It is not used to reach
	// a proxy, which is the operator's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy finds the HTTPS proxy for a request; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// PingAfter is the silence after which a connection is probed, PingTimeout
	// how long the answer may take; a connection that fails is closed.
	PingAfter, PingTimeout time.Duration
	DialTimeout            time.Duration
	// SuspectAfter is how long a request must have waited in vain, on a
	// connection that answered nobody meanwhile, before that connection is given
	// up; 0 means 3 s. A peer that vanished without a word is otherwise found
	// only by the ping, and pages time out until then.
	SuspectAfter time.Duration
	// PlainWrites writes every frame by itself; for comparison in benchmarks.
	PlainWrites bool
	// Opened is told of each new connection; it must not block.
	Opened func()
	Log    *slog.Logger
}

func (c *Config) setDefaults() {
	c.Conns = max(c.Conns, 1)
	if c.PingAfter == 0 {
		c.PingAfter = 30 * time.Second
	}
	if c.PingTimeout == 0 {
		c.PingTimeout = 10 * time.Second
	}
	if c.SuspectAfter == 0 {
		c.SuspectAfter = 3 * time.Second
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 10 * time.Second
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if c.Opened == nil {
		c.Opened = func() {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// Pool hands out turns on its connections. It is safe for concurrent use.
type Pool struct {
	cfg       Config
	transport *http.Transport
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	work      sync.WaitGroup // dials and closes

	mu       sync.Mutex
	lines    []*line
	queue    []*waiter // first come, first served
	dialing  bool
	failed   time.Time // when dialing last failed
	closed   bool
	draining []*line // retired, still carrying requests
	watching bool
	// lost is told when a connection has ended or was told to; one slot.
	lost chan struct{}
}

// New makes a pool. It dials when the first request comes, or at [Pool.Warm].
func New(cfg Config) *Pool {
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	return &Pool{cfg: cfg, transport: newTransport(cfg), ctx: ctx, stop: stop, lost: make(chan struct{}, 1)}
}

// Warm opens the first connection, so that the first page does not pay for
// the handshake. It sends no request.
func (p *Pool) Warm(ctx context.Context) error {
	t, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	t.cc.Release()
	p.release(t, nil, nil)
	return nil
}

// Renew takes all connections out of use that were opened before the moment:
// the peer has bound them to something that is over, and only new ones help.
// What they carry is finished.
func (p *Pool) Renew(before time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.lines) - 1; i >= 0; i-- {
		if p.lines[i].born.Before(before) {
			p.retireLocked(i)
		}
	}
}

// Conns gives the number of open connections, draining ones included.
func (p *Pool) Conns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines) + len(p.draining)
}

// CloseIdleConnections closes connections that carry nothing.
func (p *Pool) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.lines) - 1; i >= 0; i-- {
		if p.lines[i].inFlight == 0 {
			p.retireLocked(i)
		}
	}
}

// Close cuts all connections; requests in flight fail. It waits for what it started.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	all := slices.Concat(p.lines, p.draining)
	p.lines, p.draining = nil, nil
	p.failLocked(ErrClosed)
	p.mu.Unlock()
	p.stop()
	p.work.Wait()
	for _, l := range all {
		_ = l.cc.Close()
	}
}
