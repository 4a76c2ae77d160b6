package push

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/incident"
)

func refuseKey(context.Context, Message) Result {
	return Result{Class: ClassConfigBroken, Status: 403, Reason: "InvalidProviderToken"}
}

// What a paused lane cannot send is not kept in this node's memory under a
// lease: it is due again, for any node, when the next probe may go.
func TestPausedLaneKeepsItsPagesInTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = refuseKey
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_0", "inc_1", ana, "a")})
		synctest.Wait()
		s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a")}) // handed over
		db.page("dlv_2", "inc_1", ana, "")                   // found in the database
		s.Wake()
		synctest.Wait()
		pending := func(id string, why string) {
			t.Helper()
			d := db.delivery(id)
			if due := d.DueAt.Sub(storyStart); d.LeaseNode != "" || due < 29*time.Second || due > 33*time.Second {
				t.Errorf("%s: %s is due after %s, leased to %q; want about 30s and nobody", why, id, due, d.LeaseNode)
			}
		}
		pending("dlv_2", "at once")
		time.Sleep(13 * time.Second)
		pending("dlv_1", "after its words got old")
	})
}

func TestPageThatExpiresBehindAPausedLaneIsToldOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = refuseKey
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_0", "inc_1", ana, "a")})
		synctest.Wait()
		s.Submit([]Job{db.add(Delivery{ID: "dlv_1", Kind: Page, IncidentID: "inc_1", ExpiresAt: stamp(time.Now().Add(20 * time.Second))}, ana, "a")})
		time.Sleep(20*time.Second + time.Millisecond)
		synctest.Wait()
		wantState(t, db, "dlv_1", Expired)
		wantTold(t, db, "dlv_1", incident.EntryExpired)
	})
}

// Reads work, writes do not: a full disk.
func TestNothingIsSentTwiceWhileItCannotBeWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		n := &readOnly{node: &node{rows: db, name: "a"}}
		s := set(db, "a", func(c *Config) { c.Store = n })
		s.run(t)
		defer s.end(t)
		n.broken.Store(true)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(15 * time.Second)
		n.broken.Store(false)
		time.Sleep(time.Minute)
		wantTold(t, db, "dlv_1", incident.EntrySent, incident.EntryAccepted)
		if got := s.apns.got(); len(got) != 1 {
			t.Errorf("sent %v, want once", got)
		}
		if c := n.whileBroken.Load(); c > 1 {
			t.Errorf("%d claims while nothing could be written down", c)
		}
	})
}

// One impossible row, and nothing else to compare it with: paging goes on.
func TestImpossibleRowAloneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		db.spoilt = "dlv_bad"
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_bad", "inc_1", ana, "a")})
		synctest.Wait()
		db.page("dlv_1", "inc_1", ana, "") // only a claim finds it
		time.Sleep(time.Minute)
		wantState(t, db, "dlv_1", Accepted)
		db.mu.Lock()
		db.spoilt = ""
		db.mu.Unlock()
	})
}

func TestSenderThatIgnoresItsDeadlineIsNotGivenThePageAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(50 * time.Second); return yes }
		s.run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(time.Minute)
		wantState(t, db, "dlv_1", Accepted)
		if got := s.apns.got(); len(got) != 1 {
			t.Errorf("sent %v, want once", got)
		}
	})
}

func TestFullBatchIsFollowedByTheNextAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.Batch = 10 })
		ana := db.device("ana", APNs)
		for i := range 500 {
			db.page(fmt.Sprintf("dlv_%03d", i), "inc_1", ana, "")
		}
		s.run(t)
		defer s.end(t)
		time.Sleep(100 * time.Millisecond)
		if n := len(s.apns.got()); n != 500 {
			t.Errorf("%d of 500 due pages were sent within 100 ms", n)
		}
	})
}

func TestStopTellsWhenTheDatabaseStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		db.setAway(errors.New("gone"))
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		synctest.Wait()
		ctx, done := context.WithTimeout(t.Context(), 5*time.Second)
		defer done()
		if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop says %v, want that time ran out", err)
		}
		<-s.ran
	})
}

func TestRecoveredLaneDrainsInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(context.Context, Message) Result {
			time.Sleep(50 * time.Millisecond)
			if time.Since(storyStart) < 2*time.Second {
				return Result{Class: ClassProviderDown, Status: 503}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		for i := range downsToClose {
			s.Submit([]Job{db.page(fmt.Sprint("dlv_", i), "inc_1", db.device(fmt.Sprint("dev", i), APNs), "a")})
		}
		time.Sleep(time.Second / 2)
		ana := db.device("ana", APNs)
		for i := range 300 {
			s.Submit([]Job{db.page(fmt.Sprintf("dlv_w%03d", i), "inc_1", ana, "a")})
		}
		time.Sleep(4*time.Second + 500*time.Millisecond) // probes at about 1.2 s and 3.4 s
		for i := range 300 {
			wantState(t, db, fmt.Sprintf("dlv_w%03d", i), Accepted)
		}
	})
}

// Half a second after a first failure comes sooner than the next poll.
func TestEarlyRetryIsNotLeftToThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.Rand = func() float64 { return 0 } })
		s.apns.answer = func(context.Context, Message) Result {
			if time.Since(storyStart) < 200*time.Millisecond {
				return Result{Class: ClassRetry, Status: 500}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		time.Sleep(100 * time.Millisecond)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(2 * time.Second)
		wantState(t, db, "dlv_1", Accepted)
		if at := s.apns.sent[1].at; at != 600*time.Millisecond {
			t.Errorf("tried again at %s, want at 600ms", at)
		}
	})
}

// Behind a slow provider the words get old in an open lane too; meanwhile
// another node may take an acknowledgement, or take it back.
func TestWhatWaitedTooLongIsReadAnew(t *testing.T) {
	for name, c := range map[string]struct {
		kind   Kind
		before incident.Status
		after  incident.Status
	}{
		"page":   {Page, incident.Triggered, incident.Acknowledged},
		"settle": {Settle, incident.Acknowledged, incident.Triggered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newRows()
				s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
				s.apns.answer = func(context.Context, Message) Result { time.Sleep(6 * time.Second); return yes }
				s.run(t)
				defer s.end(t)
				ana := db.device("ana", APNs)
				s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a"), db.page("dlv_2", "inc_1", ana, "a")})
				db.content["inc_2"] = Content{Status: c.before}
				s.Submit([]Job{db.add(Delivery{ID: "dlv_3", Kind: c.kind, IncidentID: "inc_2"}, ana, "a")})
				time.Sleep(time.Second)
				db.mu.Lock()
				db.content["inc_2"] = Content{Status: c.after}
				db.mu.Unlock()
				time.Sleep(time.Minute)
				wantState(t, db, "dlv_3", Cancelled)
				wantState(t, db, "dlv_2", Accepted)
			})
		})
	}
}
