package app

import (
	"context"
	"sync"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/queue"
)

// pulse remembers whether a loop that claims due work still gets answers from
// its store. Only the store's refusals count, and silence where limit is set:
// a push loop whose provider hangs must not take this node's events away from
// it, so it has no limit.
type pulse struct {
	what  string
	limit time.Duration
	now   func() time.Time

	mu     sync.Mutex
	failed error
	last   time.Time
}

func newPulse(what string, limit time.Duration, now func() time.Time) *pulse {
	return &pulse{what: what, limit: limit, now: now, last: now()}
}

func (p *pulse) beat(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.last = err, p.now()
}

// check is the readiness probe.
func (p *pulse) check(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return fault.Wrap(p.failed, fault.Unavailable, "not_claiming", "%s cannot be claimed: the database refused; see the log", p.what)
	}
	if silent := p.now().Sub(p.last); p.limit > 0 && silent > p.limit {
		return fault.New(fault.Unavailable, "not_claiming", "%s have not been looked at for %s; if it stays, restart the node", p.what, silent.Round(time.Second))
	}
	return nil
}

// watchedSource is a queue.Source whose answers are felt by a pulse.
type watchedSource[T any] struct {
	queue.Source[T]
	pulse *pulse
}

// Claim implements queue.Source.
func (s watchedSource[T]) Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]T, error) {
	items, err := s.Source.Claim(ctx, now, n, until)
	s.pulse.beat(unlessOver(ctx, err))
	return items, err
}

// NextDue implements queue.Source. While nothing is due, the loop only ever
// asks this: without its beat, a quiet night would look like a dead loop.
func (s watchedSource[T]) NextDue(ctx context.Context) (time.Time, bool, error) {
	at, ok, err := s.Source.NextDue(ctx)
	s.pulse.beat(unlessOver(ctx, err))
	return at, ok, err
}

// watchedStore is the same for the push pipeline.
type watchedStore struct {
	push.Store
	pulse *pulse
}

// Claim implements push.Store.
func (s watchedStore) Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]push.Job, error) {
	jobs, err := s.Store.Claim(ctx, now, n, until)
	s.pulse.beat(unlessOver(ctx, err))
	return jobs, err
}

// unlessOver forgives an error that came of our own stopping.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}
