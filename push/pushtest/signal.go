package pushtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// signal tells waiters that something changed. Raising it costs one load
// while nobody waits.
type signal struct {
	waiting atomic.Int32
	mu      sync.Mutex
	ch      chan struct{}
}

func (s *signal) raise() {
	if s.waiting.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// next gives a channel that is closed by the next raise.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

// Wait blocks until done reports true: it is asked now and after every change
// of what the emulator has seen. It fails when ctx or the emulator ends.
func (e *Emulator) Wait(ctx context.Context, done func() bool) error {
	e.changed.waiting.Add(1)
	defer e.changed.waiting.Add(-1)
	for {
		changed := e.changed.next() // before asking, or a change in between is missed
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the phones: %w", context.Cause(ctx))
		case <-e.ctx.Done():
			return errors.New("waiting for the phones: the emulator was closed")
		}
	}
}

// WaitPushes waits until the phone has got n pushes in all, and gives those
// remembered.
func (e *Emulator) WaitPushes(ctx context.Context, token string, n int) ([]Push, error) {
	err := e.Wait(ctx, func() bool {
		d := e.find(token)
		if d == nil {
			return false
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.total >= n
	})
	return e.Received(token), err
}

// WaitScreen waits until the phone's screen satisfies the predicate.
func (e *Emulator) WaitScreen(ctx context.Context, token string, ok func([]Notification) bool) ([]Notification, error) {
	var screen []Notification
	err := e.Wait(ctx, func() bool {
		screen = e.Screen(token)
		return ok(screen)
	})
	return screen, err
}
