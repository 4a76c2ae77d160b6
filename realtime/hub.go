package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Hub is the stream of one node: a tail, a ring, shards and their sockets.
type Hub struct {
	cfg      Config
	log      *slog.Logger
	metrics  metrics
	upgrader websocket.Upgrader
	origins  map[string]bool
	began    time.Time // heartbeats are measured from here, on the monotonic clock

	ring   ring
	tail   *tail
	replay *replay
	shards []*shard
	turn   atomic.Uint64 // deals sockets out to shards
	ready  chan struct{} // closed when the ring has met the log's head

	// lives counts what belongs to sockets: readers, flushes, actions.
	lives sync.WaitGroup
	// life ends when actions under way must end too.
	life    context.Context
	endLife context.CancelFunc
	stop    chan struct{} // closed: Run ends
	ended   chan struct{} // closed: Run has ended
	running atomic.Bool

	mu       sync.Mutex
	stopping bool
	count    int // sockets, and upgrades under way
	sockets  map[*socket]struct{}
	devices  map[string]*socket
}

// New builds a hub. Nothing runs until Run, and until Run has met the log's
// head, connections are refused as unavailable.
func New(cfg Config) *Hub {
	h := &Hub{
		cfg: cfg.withDefaults(), metrics: newMetrics(cfg.Meter), origins: originSet(cfg.Origins), began: time.Now(),
		ready: make(chan struct{}), stop: make(chan struct{}), ended: make(chan struct{}),
		sockets: make(map[*socket]struct{}), devices: make(map[string]*socket),
	}
	h.log = h.cfg.Logger
	h.ring.slots = make([]*item, h.cfg.Ring)
	h.upgrader = newUpgrader(h.cfg)
	h.life, h.endLife = context.WithCancel(context.Background())
	h.tail = &tail{hub: h, nudges: make(chan struct{}, 1)}
	h.replay = newReplay(h)
	for range h.cfg.Shards {
		h.shards = append(h.shards, newShard(h))
	}
	return h
}

// Nudge says that something was committed. It never blocks.
func (h *Hub) Nudge() { h.tail.nudge() }

// Ready is closed when the stream has caught up with the log once; before
// that, connections are refused.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Sockets gives the number of open connections.
func (h *Hub) Sockets() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

func (h *Hub) pokeAll() {
	for _, sh := range h.shards {
		sh.poke()
	}
}

// Run does the hub's work until Stop, or until ctx ends; then it first sends
// the sockets away, with little patience. Call it once.
func (h *Hub) Run(ctx context.Context) {
	if !h.running.CompareAndSwap(false, true) {
		return
	}
	defer close(h.ended)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var loops sync.WaitGroup
	loops.Go(func() { h.tail.run(work) })
	for _, sh := range h.shards {
		loops.Go(func() { sh.run(work) })
	}
	for range replayers {
		loops.Go(func() { h.replay.run(work) })
	}
	select {
	case <-h.stop:
	case <-ctx.Done():
		short, done := context.WithTimeout(work, closeWait)
		if err := h.drain(short); err != nil {
			h.log.Warn("not every socket went in time", "error", err)
		}
		done()
	}
	cancel()
	loops.Wait()
}

// Stop refuses new connections, closes the open ones with 4001 and waits for
// everything the hub has started, at most until ctx ends: then connections are
// cut. It says how many goroutines' worth of work would not end, if any.
func (h *Hub) Stop(ctx context.Context) error {
	err := h.drain(ctx)
	h.mu.Lock()
	select {
	case <-h.stop:
	default:
		close(h.stop)
	}
	h.mu.Unlock()
	if h.running.CompareAndSwap(false, true) {
		return err // never ran, and never will
	}
	<-h.ended
	return err
}

// errLeft means that something ignored its deadline; it is named in the log.
var errLeft = errors.New("some connections' work did not end in time")

// drain sends every socket away and waits for them.
func (h *Hub) drain(ctx context.Context) error {
	h.mu.Lock()
	h.stopping = true
	open := h.openLocked()
	h.mu.Unlock()
	for _, s := range open {
		s.close(CloseDrain, advise("this node is going away; reconnect"))
	}
	gone := make(chan struct{})
	go func() { // ends with the last reader; see errLeft for when that fails
		h.lives.Wait()
		close(gone)
	}()
	defer h.endLife()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	h.endLife()
	for _, s := range open {
		_ = s.wire.Close()
	}
	select {
	case <-gone:
		return nil
	case <-time.After(closeWait):
		return errLeft
	}
}

func (h *Hub) openLocked() []*socket {
	open := make([]*socket, 0, len(h.sockets))
	for s := range h.sockets {
		open = append(open, s)
	}
	return open
}

// reserve takes a place for one more connection, if there is one. Each place
// is given back once, by release or forget.
func (h *Hub) reserve() (ok, stopping bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping || h.count >= h.cfg.MaxConns {
		return false, h.stopping
	}
	h.count++
	h.lives.Add(1)
	h.metrics.sockets.Set(float64(h.count))
	return true, false
}

func (h *Hub) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	h.lives.Done()
	h.metrics.sockets.Set(float64(h.count))
}

// enter makes an upgraded socket known; a hub that began to stop meanwhile
// sends it away at once.
func (h *Hub) enter(s *socket) {
	h.mu.Lock()
	stopping := h.stopping
	h.sockets[s] = struct{}{}
	h.mu.Unlock()
	s.shard.join(s)
	if stopping {
		s.close(CloseDrain, advise("this node is going away; reconnect"))
	}
}

// forget is enter's inverse, for a socket whose reader ends.
func (h *Hub) forget(s *socket) {
	h.mu.Lock()
	delete(h.sockets, s)
	h.unclaimLocked(s)
	h.mu.Unlock()
	s.shard.leave(s)
	h.release()
}

// claim makes s the one connection of its device and gives the one before.
func (h *Hub) claim(s *socket, device string) (older *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unclaimLocked(s)
	if device == "" {
		return nil
	}
	older = h.devices[device]
	h.devices[device], s.device = s, device
	return older
}

func (h *Hub) unclaimLocked(s *socket) {
	if h.devices[s.device] == s {
		delete(h.devices, s.device)
	}
}
