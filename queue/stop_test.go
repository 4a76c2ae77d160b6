package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/queue"
)

func TestStoppingWaitsForWhatIsInHandAndTakesNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.put("slow", time.Now())
		var cut error
		r := start(t, queue.New(queue.Config{}, s, func(ctx context.Context, id string) {
			d.note(id)
			time.Sleep(5 * time.Second)
			cut = ctx.Err()
			s.settle(id)
		}))
		pass(time.Second)
		r.cancel()
		s.put("late", time.Now())
		r.Wake()
		began := time.Now()
		if err := <-r.result; err != nil || time.Since(began) != 4*time.Second {
			t.Errorf("Run returned %v after %v, want nil when the item was done, 4s", err, time.Since(began))
		}
		if cut != nil || d.of("late") != nil {
			t.Errorf("the item in hand saw %v; the late one was taken %v", cut, d.of("late"))
		}
	})
}

// far is a shelf across a network: a claim takes a while, and a caller who
// leaves before the answer leases all the same.
type far struct{ *shelf }

func (f far) Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]string, error) {
	items, err := f.shelf.Claim(ctx, now, n, until)
	select {
	case <-time.After(time.Second):
		return items, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestStoppingDuringAClaimLosesNothingOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.put("due", time.Now())
		r := start(t, queue.New(queue.Config{}, far{s}, func(_ context.Context, id string) { s.settle(id) }))
		pass(500 * time.Millisecond)
		r.mustStop(t)
		if len(s.due) != 0 {
			t.Errorf("%v is leased and nobody has it in hand", s.due)
		}
	})
}

func TestTheDrainDeadlineCutsWorkShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.put("stuck", time.Now())
		var cause error
		r := start(t, queue.New(queue.Config{Lease: time.Hour, Drain: 10 * time.Second}, s, func(ctx context.Context, _ string) {
			<-ctx.Done()
			cause = context.Cause(ctx)
		}))
		began := time.Now()
		r.mustStop(t)
		if !errors.Is(cause, queue.ErrStopping) || time.Since(began) != 10*time.Second {
			t.Errorf("cut after %v with %v, want ErrStopping after 10s", time.Since(began), cause)
		}
	})
}

func TestWorkThatIgnoresItsCancellationIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.put("deaf", time.Now())
		r := start(t, queue.New(queue.Config{Name: "timers", Drain: 8 * time.Second}, s, func(context.Context, string) {
			time.Sleep(time.Minute)
		}))
		began := time.Now()
		err := r.stop()
		if err == nil || !strings.Contains(err.Error(), "timers: 1 items") || time.Since(began) != 10*time.Second {
			t.Errorf("Run returned %v after %v, want the item counted after 10s", err, time.Since(began))
		}
		pass(time.Minute)
	})
}

func TestWorkIsCutBeforeItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.put("stuck", time.Now())
		began := time.Now()
		r := start(t, queue.New(queue.Config{Lease: 30 * time.Second}, s, func(ctx context.Context, id string) {
			<-ctx.Done()
			if after := time.Since(began); after != 27*time.Second || !errors.Is(context.Cause(ctx), queue.ErrLeaseOver) {
				t.Errorf("cut after %v with %v, want ErrLeaseOver after 27s of 30s", after, context.Cause(ctx))
			}
			s.settle(id)
		}))
		pass(time.Minute)
		if _, some, _ := s.NextDue(t.Context()); some {
			t.Error("the item was never cut")
		}
		r.mustStop(t)
	})
}

func TestAStoreThatHangsDoesNotHoldUpAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, queue.New(queue.Config{}, hanging{}, func(context.Context, string) {}))
		pass(10 * time.Second)
		began := time.Now()
		r.mustStop(t)
		if time.Since(began) > 2*time.Second {
			t.Errorf("stopped after %v, want within two seconds", time.Since(began))
		}
	})
}

func TestAStoreThatHangsIsGivenUpAndAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meter.New()
		r := start(t, queue.New(queue.Config{Name: "q", Lease: 30 * time.Second, Meter: m}, hanging{}, func(context.Context, string) {}))
		pass(65 * time.Second)
		if text := metrics(m); !strings.Contains(text, "nightbell_queue_store_errors_total{queue=\"q\"} 2") {
			t.Errorf("a claim that takes longer than its lease is not given up:\n%s", text)
		}
		r.mustStop(t)
	})
}

func TestNothingIsClaimedAfterTheStop(t *testing.T) {
	for range 20 { // a select with two ready cases may choose right by luck
		synctest.Test(t, func(t *testing.T) {
			s := newShelf()
			for i := range 100 {
				s.put(fmt.Sprint(i), time.Now())
			}
			ctx, cancel := context.WithCancel(t.Context())
			last := &lastClaim{shelf: s, n: 3, then: cancel}
			if err := queue.New(queue.Config{Batch: 1}, last, func(context.Context, string) {}).Run(ctx); err != nil {
				t.Error(err)
			}
			if claims, _ := s.counts(); claims != 3 {
				t.Errorf("%d claims, want none after the third, which stopped the node", claims)
			}
		})
	}
}

// lastClaim does something during its nth claim.
type lastClaim struct {
	*shelf
	n    int
	then func()
}

func (l *lastClaim) Claim(ctx context.Context, now time.Time, n int, until time.Time) ([]string, error) {
	if l.n--; l.n == 0 {
		l.then()
	}
	return l.shelf.Claim(ctx, now, n, until)
}

// hanging answers only when its context ends.
type hanging struct{}

func (hanging) Claim(ctx context.Context, _ time.Time, _ int, _ time.Time) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hanging) NextDue(ctx context.Context) (time.Time, bool, error) {
	<-ctx.Done()
	return time.Time{}, false, ctx.Err()
}
