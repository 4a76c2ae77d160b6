package queue_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/queue"
)

func TestAnItemIsTakenExactlyWhenItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.put("escalate", time.Now().Add(15*time.Minute))
		r := start(t, queue.New(queue.Config{}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		pass(16 * time.Minute)
		r.mustStop(t)
		if got := d.of("escalate"); !slices.Equal(got, []time.Duration{15 * time.Minute}) {
			t.Errorf("taken after %v, want once after 15m", got)
		}
	})
}

func TestAWakeBringsNewWorkAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		r := start(t, queue.New(queue.Config{Poll: time.Hour}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		pass(time.Minute)
		s.put("page", time.Now())
		r.Wake()
		r.Wake() // several are one, and none of them blocks
		synctest.Wait()
		if got := d.of("page"); !slices.Equal(got, []time.Duration{time.Minute}) {
			t.Errorf("taken after %v, want at the wake, 1m", got)
		}
		r.mustStop(t)
	})
}

func TestAWakeBeforeRunIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		r := queue.New(queue.Config{Poll: time.Hour}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) })
		r.Wake()
		s.put("page", time.Now())
		run := start(t, r)
		if d.len() != 1 {
			t.Error("work that was due before Run waits for the poll")
		}
		run.mustStop(t)
	})
}

func TestAnotherNodesWorkIsFoundByThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		r := start(t, queue.New(queue.Config{}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		pass(10*time.Second + time.Millisecond)
		s.put("page", time.Now()) // committed elsewhere; nobody wakes us
		pass(time.Second)
		if got := d.of("page"); len(got) != 1 || got[0] > 11*time.Second+time.Millisecond {
			t.Errorf("taken after %v, want within a second of 10s", got)
		}
		r.mustStop(t)
	})
}

func TestAnIdleRunnerOnlyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.put("tomorrow", time.Now().Add(24*time.Hour))
		r := start(t, queue.New(queue.Config{}, s, func(context.Context, string) {}))
		pass(time.Minute)
		if claims, looks := s.counts(); claims != 1 || looks < 55 || looks > 65 {
			t.Errorf("%d claims and %d looks in an idle minute, want 1 and about 60", claims, looks)
		}
		r.mustStop(t)
	})
}

func TestWorkLeftUndoneComesBackWhenItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.put("page", time.Now())
		r := start(t, queue.New(queue.Config{Lease: 30 * time.Second}, s, func(_ context.Context, id string) {
			if d.note(id); len(d.of(id)) == 2 {
				s.settle(id)
			}
		}))
		pass(5 * time.Minute)
		r.mustStop(t)
		if got := d.of("page"); !slices.Equal(got, []time.Duration{0, 30 * time.Second}) {
			t.Errorf("taken after %v, want at once and after the lease", got)
		}
	})
}

func TestAFullBatchIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		for i := range 250 {
			s.put(fmt.Sprint(i), time.Now())
		}
		r := start(t, queue.New(queue.Config{Batch: 100, Workers: 1000}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		if d.len() != 250 {
			t.Errorf("%d of 250 taken without waiting", d.len())
		}
		if claims, _ := s.counts(); claims != 3 {
			t.Errorf("%d claims, want 3", claims)
		}
		r.mustStop(t)
	})
}

func TestNeverMoreInHandThanWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		for i := range 100 {
			s.put(fmt.Sprint(i), time.Now())
		}
		var inHand atomic.Int64
		var full atomic.Bool
		r := start(t, queue.New(queue.Config{Workers: 4}, s, func(_ context.Context, id string) {
			if n := inHand.Add(1); n > 4 {
				t.Errorf("%d in hand", n)
			} else if n == 4 {
				full.Store(true)
			}
			time.Sleep(time.Second)
			inHand.Add(-1)
			d.note(id)
			s.settle(id)
		}))
		pass(25 * time.Second)
		if !full.Load() || d.len() != 100 {
			t.Errorf("%d done after 25s, want 100, by four at a time", d.len())
		}
		r.mustStop(t)
	})
}

func TestTwoNodesShareTheWorkWithoutRepeating(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		for i := range 500 {
			s.put(fmt.Sprint(i), time.Now().Add(time.Duration(i)*time.Millisecond))
		}
		do := func(_ context.Context, id string) {
			d.note(id)
			time.Sleep(50 * time.Millisecond)
			s.settle(id)
		}
		one := start(t, queue.New(queue.Config{Name: "one", Workers: 100}, s, do))
		two := start(t, queue.New(queue.Config{Name: "two", Workers: 100}, s, do))
		pass(time.Minute)
		one.mustStop(t)
		two.mustStop(t)
		for i := range 500 {
			if got := d.of(fmt.Sprint(i)); len(got) != 1 {
				t.Errorf("item %d taken %d times", i, len(got))
			}
		}
	})
}

func TestAStoreInTroubleIsAskedLessAndLessAndThenServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.broken = true
		s.put("page", time.Now())
		m := meter.New()
		r := start(t, queue.New(queue.Config{Name: "timers", Meter: m}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		for range 600 { // a wake every 100 ms must not break the backoff
			r.Wake()
			pass(100 * time.Millisecond)
		}
		claims, _ := s.counts()
		if claims < 12 || claims > 40 {
			t.Errorf("asked %d times in a minute of trouble, want about 18", claims)
		}
		s.set(func(s *shelf) { s.broken = false })
		pass(5 * time.Second)
		if d.len() != 1 {
			t.Error("not served within the longest backoff after the store came back")
		}
		r.mustStop(t)
		if text := metrics(m); !strings.Contains(text, fmt.Sprintf("nightbell_queue_store_errors_total{queue=\"timers\"} %d", claims)) ||
			!strings.Contains(text, "nightbell_queue_claimed_total{queue=\"timers\"} 1") {
			t.Errorf("metrics do not tell the story:\n%s", text)
		}
	})
}

func TestNewTroubleIsAskedOftenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.broken = true
		r := start(t, queue.New(queue.Config{}, s, func(context.Context, string) {}))
		pass(time.Minute) // the backoff is at its longest now
		s.set(func(s *shelf) { s.broken = false })
		pass(10 * time.Second)
		s.set(func(s *shelf) { s.broken = true })
		before, looks := s.counts()
		pass(2 * time.Second)
		if after, more := s.counts(); after+more-before-looks < 4 {
			t.Errorf("asked %d times in the first two seconds of new trouble, want the backoff begun afresh", after+more-before-looks)
		}
		r.mustStop(t)
	})
}

func TestASourceThatGivesTooMuchDoesNotOverloadTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		for i := range 5 {
			s.put(fmt.Sprint(i), time.Now())
		}
		var inHand atomic.Int64
		r := start(t, queue.New(queue.Config{Workers: 2, Lease: 10 * time.Second}, generous{s}, func(_ context.Context, id string) {
			if n := inHand.Add(1); n > 2 {
				t.Errorf("%d in hand, two allowed", n)
			}
			time.Sleep(time.Second)
			inHand.Add(-1)
			d.note(id)
			s.settle(id)
		}))
		pass(time.Minute)
		if d.len() != 5 {
			t.Errorf("%d of 5 done; the surplus should come back with its lease", d.len())
		}
		r.mustStop(t)
	})
}

// generous gives all that is due, whatever it is asked for.
type generous struct{ *shelf }

func (g generous) Claim(ctx context.Context, now time.Time, _ int, until time.Time) ([]string, error) {
	return g.shelf.Claim(ctx, now, 1000, until)
}

func TestARowThatIsDueButNotGivenDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.locked = true // another node's transaction holds it
		s.put("page", time.Now())
		r := start(t, queue.New(queue.Config{}, s, func(_ context.Context, id string) { d.note(id); s.settle(id) }))
		pass(time.Second)
		if claims, _ := s.counts(); claims < 10 || claims > 60 {
			t.Errorf("%d claims in a second, want about 50", claims)
		}
		s.set(func(s *shelf) { s.locked = false })
		pass(20 * time.Millisecond)
		if d.len() != 1 {
			t.Error("not taken soon after it was unlocked")
		}
		r.mustStop(t)
	})
}

func TestAPanicCostsOnlyItsItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newShelf(), newDiary()
		s.put("bad", time.Now())
		s.put("good", time.Now())
		m := meter.New()
		r := start(t, queue.New(queue.Config{Name: "q", Meter: m, Workers: 1}, s, func(_ context.Context, id string) {
			if id == "bad" {
				panic("no such map")
			}
			d.note(id)
			s.settle(id)
		}))
		pass(time.Second)
		if d.len() != 1 {
			t.Error("the good item was not done: the panic kept the only worker")
		}
		r.mustStop(t)
		if text := metrics(m); !strings.Contains(text, "nightbell_queue_panics_total{queue=\"q\"} 1") || !strings.Contains(text, "nightbell_queue_in_hand{queue=\"q\"} 0") {
			t.Errorf("metrics do not tell the panic:\n%s", text)
		}
	})
}

func metrics(m *meter.Meter) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
