package queue

import (
	"context"
	"fmt"
	"time"
)

// crowded is the wait when something is due that a claim was not given:
// another node is just taking it, or its row is locked. Asking again at once
// would only spin.
const crowded = 20 * time.Millisecond

// rest sleeps until there is a reason to claim: a wake, or something due. An
// idle poll costs one read; it claims (a write) only when there is something.
// claimedAt is the moment of the claim that was not filled.
func (r *Runner[T]) rest(ctx context.Context, claimedAt time.Time) error {
	for {
		at, some, err := r.nextDue(ctx)
		if err != nil {
			return err
		}
		wait := r.conf.Poll
		if some {
			wait = min(wait, max(at.Sub(r.now()), 0))
		}
		if some && !at.After(claimedAt) {
			wait = min(crowded, r.conf.Poll)
		}
		if !r.waitFor(ctx, wait) || some && !at.After(r.now()) {
			return nil
		}
	}
}

func (r *Runner[T]) nextDue(ctx context.Context) (time.Time, bool, error) {
	ctx, end := context.WithTimeout(ctx, r.conf.Lease)
	defer end()
	at, some, err := r.source.NextDue(ctx)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("asking when work is due: %w", err)
	}
	r.pause = backoff{}
	return at, some, nil
}

// waitFor is true when the time has passed, and false when a wake or the end
// of ctx came first.
func (r *Runner[T]) waitFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.wake:
		return false
	case <-ctx.Done():
		return false
	}
}

// sleep waits for d or the end of ctx. A wake does not shorten it: a store in
// trouble is not helped by being asked more often.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// drain waits for the items in hand: first for Drain in peace, then a quarter
// of it after cutting them short. All tokens back means nothing is in hand.
func (r *Runner[T]) drain(cut context.CancelCauseFunc) error {
	left := r.gather(r.conf.Workers, r.conf.Drain)
	if left == 0 {
		return nil
	}
	r.conf.Log.Warn("work still in hand after the drain deadline is cut short", "items", left)
	cut(ErrStopping)
	if left = r.gather(left, r.conf.Drain/4); left > 0 {
		return fmt.Errorf("queue %s: %d items ignored their cancelled context and were left running", r.conf.Name, left)
	}
	return nil
}

// gather collects n tokens, for d at most, and says how many are missing.
func (r *Runner[T]) gather(n int, d time.Duration) int {
	t := time.NewTimer(d)
	defer t.Stop()
	for n > 0 {
		select {
		case <-r.free:
			n--
		case <-t.C:
			return n
		}
	}
	return 0
}
