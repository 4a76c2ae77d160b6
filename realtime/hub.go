package realtime

import (
	"context"
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
	// buffers lend room for one message while it is read.
	buffers sync.Pool
	ready   chan struct{} // closed when the ring has met the log's head

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
	h.buffers.New = func() any { return new([maxMessage + 1]byte) }
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
