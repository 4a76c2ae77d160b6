package realtime

import (
	"context"
	"errors"
	"sync"
	"time"
)

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
