package wire

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// waiter is a caller whose turn has not come. ready is told once: to try
// again (nil) or that dialing failed.
type waiter struct{ ready chan error }

// turn is a reserved stream.
type turn struct {
	*line
	began   time.Time
	answers int64 // of the line when the turn began
}

// acquire waits for a turn on some connection.
func (p *Pool) acquire(ctx context.Context) (turn, error) {
	var w *waiter
	for {
		t, waiting, err := p.tryAcquire(w)
		if t.line != nil || err != nil {
			return t, err
		}
		w = waiting
		select {
		case err := <-w.ready:
			if err != nil {
				return turn{}, err
			}
		case <-ctx.Done():
			p.abandon(w)
			return turn{}, ctx.Err()
		}
	}
}

// tryAcquire reserves a turn, or queues the caller: at the end, or, when it
// was queued before and woken for nothing, at the front.
func (p *Pool) tryAcquire(before *waiter) (turn, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return turn{}, nil, ErrClosed
	}
	if before != nil || len(p.queue) == 0 {
		if l := p.reserveLocked(); l != nil {
			p.wakeLocked() // there may be room for the next one too
			return turn{l, time.Now(), l.answers}, nil, nil
		}
	}
	p.growLocked()
	w := &waiter{ready: make(chan error, 1)}
	if before != nil {
		p.queue = slices.Insert(p.queue, 0, w)
	} else {
		p.queue = append(p.queue, w)
	}
	return turn{}, w, nil
}

// release gives a turn back after its answer (nil if there was none).
func (p *Pool) release(t turn, resp *http.Response, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.inFlight--
	if resp != nil {
		t.line.answers++
		t.proved = t.proved || p.cfg.Proves(resp)
	}
	if i := slices.Index(p.lines, t.line); i >= 0 && p.suspect(t, err) {
		p.cfg.Log.Warn("a push provider's connection has gone silent; opening another", "address", p.cfg.Address)
		p.retireLocked(i)
	}
	if i := slices.Index(p.draining, t.line); i >= 0 && t.inFlight == 0 {
		p.draining = slices.Delete(p.draining, i, i+1)
		p.closeLater(t.cc)
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
