package realtime

import (
	"context"
	"sync"
	"time"
)

// replay sends what is older than the ring, a page per socket and turn, and
// gives each socket back to its shard when the ring covers the rest. The join
// leaves no gap because nothing but the cursor passes between the two.
type replay struct {
	hub   *Hub
	pages pages
	wake  chan struct{} // one slot per replayer

	mu    sync.Mutex
	queue []*socket // each at most once
}

func newReplay(h *Hub) *replay {
	return &replay{
		hub: h, wake: make(chan struct{}, replayers),
		pages: pages{since: h.since, encode: h.encode},
	}
}

// add queues a socket for its next page.
func (r *replay) add(s *socket) {
	r.mu.Lock()
	if !s.queued {
		s.queued = true
		r.queue = append(r.queue, s)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // all replayers have been called already
	}
}

func (r *replay) take() *socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		return nil
	}
	s := r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	s.queued = false
	return s
}

// run is one replayer.
func (r *replay) run(ctx context.Context) {
	for {
		s := r.take()
		if s == nil {
			select {
			case <-ctx.Done():
				return
			case <-r.wake:
			}
			continue
		}
		if !rest(ctx, r.turn(ctx, s)) {
			return
		}
	}
}

// rest waits for d and reports whether ctx is still alive.
func rest(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// turn sends one page to the socket and says how long to rest before the next.
func (r *replay) turn(ctx context.Context, s *socket) time.Duration {
	st := r.hub.ring.now()
	after, due := s.replayFrom(st)
	if !due {
		return 0
	}
	items, read, err := r.pages.get(ctx, st.gen, after)
	if err == nil && items == nil {
		err = r.missing(ctx, s, after)
	}
	if err != nil {
		if ctx.Err() == nil {
			r.hub.log.Error("replaying the timeline failed; trying again", "conn", s.name, "after", after, "error", err)
		}
		r.add(s)
		return r.hub.cfg.Poll
	}
	r.send(s, st, items)
	if !read {
		r.hub.metrics.pages.Add(1, "memory")
		return 0
	}
	r.hub.metrics.pages.Add(1, "database")
	return replayPause
}

// send gives the socket as much of the page as its wire takes. If the wire is
// busy, drained brings the socket back here; else it queues for its next turn,
// behind the others.
func (r *replay) send(s *socket, st stand, items []*item) {
	src := pageFrames{items}
	for more := len(items) > 0; more; {
		var err error
		if more, err = s.advance(replaying, st, src); err != nil {
			r.hub.log.Error("encoding an events frame failed", "conn", s.name, "error", err)
		}
	}
	if !s.wire.busy() {
		r.add(s)
	}
}

// missing tells why the database has no entry after the cursor, and resets the
// socket: the gap is said, never skipped.
func (r *replay) missing(ctx context.Context, s *socket, after int64) error {
	head, err := r.hub.head(ctx)
	if err != nil {
		return err
	}
	why := ResetRetention
	if head.first() <= after+1 {
		why = ResetGap
		r.hub.metrics.gaps.Add(1)
		r.hub.log.Error("the timeline has a hole", "after", after)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == replaying && s.cursor == after {
		s.resetLocked(r.hub.ring.now(), why)
	}
	return nil
}

// pageFrames is a page as a source of frames.
type pageFrames struct{ items []*item }

func (p pageFrames) next(after int64, v view) (batch, bool, error) {
	items := from(p.items, after+1)
	if items == nil {
		return batch{}, false, nil
	}
	b, err := encodeBatch(items, v)
	return b, err == nil, err
}

// replayFrom gives the cursor to replay from, or gives the socket back to its
// shard when the ring covers the rest (or another log has begun).
func (s *socket) replayFrom(st stand) (after int64, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != replaying {
		return 0, false
	}
	if s.gen == st.gen && s.cursor+1 < st.low {
		return s.cursor, true
	}
	s.phase = live
	s.shard.serve(s)
	return 0, false
}
