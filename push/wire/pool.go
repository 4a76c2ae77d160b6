package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
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
	// Proxy finds the HTTPS proxy for a request; nil means none.
	Proxy func(*http.Request) (*url.URL, error)
	// PingAfter is the silence after which a connection is probed, PingTimeout
	// how long the answer may take; a connection that fails is closed.
	PingAfter, PingTimeout time.Duration
	DialTimeout            time.Duration
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
	if c.DialTimeout == 0 {
		c.DialTimeout = 10 * time.Second
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
	closed   bool
	draining []*line // retired, still carrying requests
}

// line is one connection and what we know of it.
type line struct {
	cc       *http.ClientConn
	proved   bool
	inFlight int
	peak     int // the most it ever carried
	served   int64
}

// waiter is a caller whose turn has not come. ready is told once: to try
// again (nil) or that dialing failed.
type waiter struct{ ready chan error }

// New makes a pool. It dials when the first request comes, or at [Pool.Warm].
func New(cfg Config) *Pool {
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	return &Pool{cfg: cfg, transport: newTransport(cfg), ctx: ctx, stop: stop}
}

// acquire waits for a turn on some connection.
func (p *Pool) acquire(ctx context.Context) (*line, error) {
	var w *waiter
	for {
		l, waiting, err := p.tryAcquire(w)
		if l != nil || err != nil {
			return l, err
		}
		w = waiting
		select {
		case err := <-w.ready:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			p.abandon(w)
			return nil, ctx.Err()
		}
	}
}

// tryAcquire reserves a turn, or queues the caller: at the end, or, when it
// was queued before and woken for nothing, at the front.
func (p *Pool) tryAcquire(before *waiter) (*line, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	if before != nil || len(p.queue) == 0 {
		if l := p.reserveLocked(); l != nil {
			p.wakeLocked() // there may be room for the next one too
			return l, nil, nil
		}
	}
	p.growLocked()
	w := &waiter{ready: make(chan error, 1)}
	if before != nil {
		p.queue = slices.Insert(p.queue, 0, w)
	} else {
		p.queue = append(p.queue, w)
	}
	return nil, w, nil
}

func (p *Pool) reserveLocked() *line {
	for i := 0; i < len(p.lines); {
		l := p.lines[i]
		if !l.proved && l.inFlight > 0 {
			i++
			continue
		}
		switch l.reserve() {
		case reserved:
			return l
		case full:
			i++
		case leaving:
			p.retireLocked(i)
		}
	}
	return nil
}

type reservation int

const (
	reserved reservation = iota
	full
	leaving
)

// reserve takes a stream. A connection that was told to go away refuses just
// like a full one, and the standard library does not tell which it is; but
// only the one that is leaving refuses with fewer streams than it has carried
// before. A stream may end between the two questions, so they are asked again.
func (l *line) reserve() reservation {
	if l.served >= retireAfter {
		return leaving
	}
	for range 3 {
		if l.cc.Reserve() == nil {
			l.inFlight++
			l.served++
			l.peak = max(l.peak, l.cc.InFlight())
			return reserved
		}
		if l.cc.Err() != nil {
			return leaving
		}
		if n := l.cc.InFlight(); n > 0 && n >= l.peak {
			return full
		}
	}
	return leaving
}

// retireLocked takes a connection out of use; it closes with its last request.
func (p *Pool) retireLocked(i int) {
	l := p.lines[i]
	p.lines = slices.Delete(p.lines, i, i+1)
	if l.inFlight == 0 {
		p.closeLater(l.cc)
		return
	}
	p.draining = append(p.draining, l)
}

// closeLater closes a connection outside the lock: closing says goodbye to the
// peer, which may take a moment.
func (p *Pool) closeLater(cc *http.ClientConn) {
	p.work.Go(func() { _ = cc.Close() })
}

func (p *Pool) growLocked() {
	if p.dialing || len(p.lines) >= p.cfg.Conns || p.unprovedLocked() {
		return
	}
	p.dialing = true
	p.work.Go(p.dial)
}

// unprovedLocked: while a connection proves itself another would only have to
// do the same.
func (p *Pool) unprovedLocked() bool {
	return slices.ContainsFunc(p.lines, func(l *line) bool { return !l.proved })
}

func (p *Pool) dial() {
	cc, err := p.open(p.ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing = false
	if err != nil {
		p.cfg.Log.Warn("a push provider cannot be reached", "address", p.cfg.Address, "error", err)
		p.failLocked(err)
		return
	}
	if p.closed {
		p.closeLater(cc)
		return
	}
	p.cfg.Opened()
	p.lines = append(p.lines, &line{cc: cc, proved: p.cfg.Proves == nil})
	p.wakeLocked()
}

// release gives a turn back after its answer (nil if there was none).
func (p *Pool) release(l *line, resp *http.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.inFlight--
	if !l.proved && resp != nil && p.cfg.Proves(resp) {
		l.proved = true
	}
	if i := slices.Index(p.draining, l); i >= 0 && l.inFlight == 0 {
		p.draining = slices.Delete(p.draining, i, i+1)
		p.closeLater(l.cc)
	}
	p.wakeLocked()
}

// wakeLocked tells the first in the queue to try; one that succeeds wakes the
// next, so as many pass as there is room for and nobody else is disturbed.
func (p *Pool) wakeLocked() {
	if len(p.queue) == 0 {
		return
	}
	w := p.queue[0]
	p.queue = slices.Delete(p.queue, 0, 1)
	w.ready <- nil
}

func (p *Pool) failLocked(err error) {
	for _, w := range p.queue {
		w.ready <- err
	}
	p.queue = nil
}

// abandon takes a caller who gave up out of the queue. If it was just woken,
// the turn goes to the next.
func (p *Pool) abandon(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, w); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		return
	}
	p.wakeLocked()
}

// Warm opens the first connection, so that the first page does not pay for
// the handshake. It sends no request.
func (p *Pool) Warm(ctx context.Context) error {
	l, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	l.cc.Release()
	p.release(l, nil)
	return nil
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
