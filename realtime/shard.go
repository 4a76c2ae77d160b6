package realtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// shard is one writer goroutine with its share of the sockets.
//
// Only that goroutine touches sockets, wheel, behind and cache; everybody else
// leaves a note in the inbox and wakes it. The inbox is bounded by the number
// of sockets: each stands in each list at most once.
type shard struct {
	hub    *Hub
	wake   chan struct{} // one slot: a hundred commits wake it once
	frames atomic.Int64  // sent since last counted

	sockets []*socket
	wheel   wheel
	cache   ringFrames
	behind  []*socket // had more to send than one frame

	mu    sync.Mutex
	inbox inbox
}

// inbox is what others asked of a shard since it last looked.
type inbox struct {
	join, leave, serve []*socket
}

func newShard(h *Hub) *shard {
	return &shard{hub: h, wake: make(chan struct{}, 1), wheel: wheel{start: h.began}, cache: ringFrames{ring: &h.ring}}
}

// poke wakes the shard, if it is not awake already.
func (sh *shard) poke() {
	select {
	case sh.wake <- struct{}{}:
	default:
	}
}

func (sh *shard) join(s *socket) {
	sh.mu.Lock()
	sh.inbox.join = append(sh.inbox.join, s)
	sh.mu.Unlock()
	sh.poke()
}

func (sh *shard) leave(s *socket) {
	sh.mu.Lock()
	sh.inbox.leave = append(sh.inbox.leave, s)
	sh.mu.Unlock()
	sh.poke()
}

// serve asks the shard to look at this socket soon: it has something to get
// that no new entry will announce, or its deadlines have changed.
func (sh *shard) serve(s *socket) {
	sh.mu.Lock()
	if !s.serving {
		s.serving = true
		sh.inbox.serve = append(sh.inbox.serve, s)
	}
	sh.mu.Unlock()
	sh.poke()
}

func (sh *shard) run(ctx context.Context) {
	ticker := time.NewTicker(wheelTick)
	defer ticker.Stop()
	var served stand
	for {
		select {
		case <-ctx.Done():
			return
		case <-sh.wake:
		case <-ticker.C:
			sh.turn(time.Now())
		}
		sh.takeInbox()
		served = sh.pass(served)
	}
}

// turn looks at every socket whose moment has come and does the shard's sums.
func (sh *shard) turn(now time.Time) {
	for _, s := range sh.wheel.due(now) {
		sh.look(s, now)
	}
	sh.hub.metrics.frames.Add(float64(sh.frames.Swap(0)))
	sh.cache.made = nil // an idle shard holds no frames
}

func (sh *shard) look(s *socket, now time.Time) {
	if again, ok := s.look(now); ok {
		sh.wheel.put(s, again)
	}
}

// takeInbox applies what others asked for. Only here do sockets change seats,
// so a pass never misses one.
func (sh *shard) takeInbox() {
	sh.mu.Lock()
	notes := sh.inbox
	sh.inbox = inbox{}
	for _, s := range notes.serve {
		s.serving = false
	}
	sh.mu.Unlock()

	now := time.Now()
	for _, s := range notes.join {
		s.seat = len(sh.sockets)
		sh.sockets = append(sh.sockets, s)
		sh.look(s, now)
	}
	for _, s := range notes.serve {
		sh.look(s, now)
	}
	sh.behind = append(sh.behind, notes.serve...)
	for _, s := range notes.leave {
		sh.wheel.remove(s)
		last := len(sh.sockets) - 1
		moved := sh.sockets[last]
		sh.sockets[s.seat], moved.seat = moved, s.seat
		sh.sockets[last] = nil
		sh.sockets = sh.sockets[:last]
	}
}

// pass gives one frame to each socket that has something to get: to all when
// the log has moved since served, else to those that asked or are behind. One
// frame each and then the next: a socket with much to catch up delays nobody.
// It begins at another seat each time, so that nobody is always last.
func (sh *shard) pass(served stand) stand {
	st := sh.hub.ring.now()
	if st.gen != sh.cache.stand.gen || st.head != sh.cache.stand.head {
		sh.cache.made = nil
	}
	sh.cache.stand = st
	waiting := sh.behind
	sh.behind = nil
	if n := len(sh.sockets); n > 0 && (st.head != served.head || st.gen != served.gen) {
		waiting = nil // everybody is visited anyway
		start := rand.IntN(n)
		for i := range n {
			sh.visit(sh.sockets[(start+i)%n], st)
		}
	}
	for _, s := range waiting {
		sh.visit(s, st)
	}
	if len(sh.behind) > 0 {
		sh.poke()
	}
	return st
}

func (sh *shard) visit(s *socket, st stand) {
	more, err := s.advance(live, st, &sh.cache)
	if err != nil {
		sh.hub.log.Error("encoding an events frame failed", "conn", s.name, "error", err)
	}
	if more {
		sh.behind = append(sh.behind, s)
	}
}
