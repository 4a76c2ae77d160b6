package push

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
)

func TestExpiredPageIsNotSentAndTheTimelineSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		s.Submit([]Job{db.add(Delivery{ID: "dlv_1", Kind: Page, IncidentID: "inc_1", ExpiresAt: stamp(time.Now())}, db.device("ana", APNs), "a")})
		synctest.Wait()
		wantState(t, db, "dlv_1", Expired)
		wantTold(t, db, "dlv_1", incident.EntryExpired)
		if len(s.apns.got()) > 0 {
			t.Error("it was sent")
		}
	})
}

func TestRetryAfterIsKeptInTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		a := set(db, "a", nil)
		a.fcm.answer = func(context.Context, Message) Result {
			return Result{Class: ClassProviderDown, Status: 503, Reason: "UNAVAILABLE", RetryAfter: 3 * time.Minute}
		}
		a.run(t)
		a.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ben", FCM), "a")})
		synctest.Wait()
		a.end(t) // the process is restarted meanwhile
		b := set(db, "b", nil).run(t)
		defer b.end(t)
		time.Sleep(4 * time.Minute)
		wantState(t, db, "dlv_1", Accepted)
		if at := b.fcm.sent[0].at; at < 3*time.Minute || at > 3*time.Minute+20*time.Second {
			t.Errorf("asked again after %s, want a little more than the 3m it wished for", at)
		}
	})
}

func TestPageOvertakesWaitingSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 5 })
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(100 * time.Millisecond); return yes }
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		for i := range 12 {
			id := fmt.Sprint("inc_old", i)
			db.content[id] = Content{Status: incident.Acknowledged}
			s.Submit([]Job{db.add(Delivery{ID: fmt.Sprint("dlv_settle", i), Kind: Settle, IncidentID: id}, ana, "a")})
		}
		s.Submit([]Job{db.page("dlv_page", "inc_1", ana, "a")})
		time.Sleep(50 * time.Millisecond)
		if got := s.apns.got(); !slices.Contains(got, "dlv_page") || len(got) != 5 {
			t.Errorf("in flight: %v; want four settles and, in the place kept for it, the page", got)
		}
		time.Sleep(time.Second)
		if n := len(s.apns.got()); n != 13 {
			t.Errorf("%d were sent, want all 13", n)
		}
	})
}

// Somebody acknowledged and it is triggered again: the old settle would quiet
// the page that rings now.
func TestSettleOvertakenByANewPageIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		s.Submit([]Job{db.add(Delivery{ID: "dlv_1", Kind: Settle, IncidentID: "inc_1"}, db.device("ana", APNs), "a")})
		synctest.Wait()
		wantState(t, db, "dlv_1", Cancelled)
		wantTold(t, db, "dlv_1", incident.EntryCancelled)
	})
}

func TestTooLargeIsSentOnceMoreAndLean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(_ context.Context, m Message) Result {
			if strings.Contains(string(m.Body), "subtitle") {
				return Result{Class: ClassTooLarge, Status: 413, Reason: "PayloadTooLarge"}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)
		if n := len(s.apns.got()); n != 2 {
			t.Errorf("sent %d times, want twice", n)
		}
	})
}

// Another node took the acknowledgement while this node's lane was closed.
func TestWhatWaitedBehindAClosedLaneIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(context.Context, Message) Result {
			if time.Since(storyStart) < 25*time.Second {
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
		s.Submit([]Job{db.page("dlv_gone", "inc_2", db.device("ana", APNs), "a"), db.page("dlv_open", "inc_3", db.device("ben", APNs), "a")})
		time.Sleep(11 * time.Second)
		db.acknowledge("inc_2") // no Cancel here: it happened on another node
		sent := len(s.apns.got())
		time.Sleep(time.Minute)
		if slices.Contains(s.apns.got()[sent:], "dlv_gone") {
			t.Error("a page was sent after its acknowledgement")
		}
		wantState(t, db, "dlv_gone", Cancelled)
		wantState(t, db, "dlv_open", Accepted)
	})
}

func TestMoreThanFitsIsLeftToItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight, c.MaxWaiting = 1, 2; c.Meter = meter.New() })
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(time.Second); return yes }
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		var jobs []Job
		for i := range 6 {
			jobs = append(jobs, db.page(fmt.Sprint("dlv_", i), "inc_1", ana, "a"))
		}
		s.Submit(jobs)
		time.Sleep(5 * time.Second)
		if got := s.apns.got(); len(got) != 3 {
			t.Errorf("sent %v, want the three that fit", got)
		}
		time.Sleep(time.Minute)
		for i := range 6 {
			wantState(t, db, fmt.Sprint("dlv_", i), Accepted)
		}
	})
}

func TestPanicCostsOneAttemptOfOnePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		first := true
		s.apns.answer = func(context.Context, Message) Result {
			if first {
				first = false
				panic("a bug")
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(10 * time.Second)
		wantState(t, db, "dlv_1", Accepted)
		wantTold(t, db, "dlv_1", incident.EntryRetrying, incident.EntrySent, incident.EntryAccepted)
	})
}

func TestProviderWithoutASenderHoldsItsPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { delete(c.Senders, FCM) }).run(t)
		defer s.end(t)
		ben := db.device("ben", FCM)
		s.Submit([]Job{db.page("dlv_1", "inc_1", ben, "a")})
		time.Sleep(5 * time.Minute)
		if d := db.delivery("dlv_1"); d.State != Scheduled || d.Attempt != 0 {
			t.Errorf("%s after %d attempts, want still waiting", d.State, d.Attempt)
		}
		if st := db.devices["ben"].State; st != DeviceActive {
			t.Errorf("the device is %s", st)
		}
		time.Sleep(30 * time.Minute)
		if d := db.delivery("dlv_1"); d.State != Expired && d.State != Failed {
			t.Errorf("after its time it is %s, want it told", d.State)
		}
	})
}

// FCM's INVALID_ARGUMENT means the token or our message: a fresh pipeline
// blames itself, one whose messages are taken blames the token.
func TestInvalidArgumentIsOursUntilProven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.fcm.answer = func(_ context.Context, m Message) Result {
			if m.Token == "token-odd" {
				return Result{Class: ClassTokenSuspect, Status: 400, Reason: "INVALID_ARGUMENT"}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		odd, ben := db.device("odd", FCM), db.device("ben", FCM)
		s.Submit([]Job{db.page("dlv_1", "inc_1", odd, "a")})
		synctest.Wait()
		if st := db.devices["odd"].State; st != DeviceActive {
			t.Errorf("the device is %s before any message of ours was taken", st)
		}
		s.Submit([]Job{db.page("dlv_2", "inc_1", ben, "a")})
		synctest.Wait()
		s.Submit([]Job{db.page("dlv_3", "inc_1", odd, "a")})
		synctest.Wait()
		if st := db.devices["odd"].State; st != DeviceSuspect {
			t.Errorf("the device is %s, want suspect", st)
		}
	})
}

func TestManyAppsDoNotMakeManyLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		for i := range 3 * maxLanes {
			dev := db.device(fmt.Sprint("dev", i), APNs)
			db.devices[dev.ID].App = fmt.Sprint("app", i)
			s.Submit([]Job{db.page(fmt.Sprint("dlv_", i), "inc_1", *db.devices[dev.ID], "a")})
			synctest.Wait()
		}
		if n := len(s.lanes.list()); n > maxLanes {
			t.Errorf("%d lanes, want at most %d", n, maxLanes)
		}
		for i := range 3 * maxLanes {
			wantState(t, db, fmt.Sprint("dlv_", i), Accepted)
		}
	})
}

func TestStopBeforeRunAndRunAfterStop(t *testing.T) {
	t.Parallel()
	s := set(newRows(), "a", nil)
	if err := s.Stop(t.Context()); err != nil {
		t.Errorf("stopping what never ran: %v", err)
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("it runs after its stop")
	}
}

// An acknowledgement is taken back while its settle still waits: sent after
// the new page, it would quiet it.
func TestSettleInHandOvertakenByANewPageIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(500 * time.Millisecond); return yes }
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_0", "inc_0", db.device("ben", APNs), "a")})
		db.page("dlv_1", "inc_1", ana, "a")
		db.acknowledge("inc_1")
		s.Submit([]Job{db.add(Delivery{ID: "dlv_2", Kind: Settle, IncidentID: "inc_1"}, ana, "a")})
		db.revise("inc_1")
		s.Submit([]Job{db.page("dlv_3", "inc_1", ana, "a")})
		time.Sleep(5 * time.Second)
		if got := s.apns.got(); !slices.Equal(got, []string{"dlv_0", "dlv_3"}) {
			t.Errorf("sent %v, want no settle after the new page", got)
		}
		wantState(t, db, "dlv_2", Cancelled)
	})
}

func TestRevokedForgetsButNotTooSoon(t *testing.T) {
	t.Parallel()
	r := revoked{keep: time.Minute}
	r.note("inc_1", 7, noon)
	for revision, want := range map[int64]bool{6: true, 7: false, 8: false} {
		if got := r.doubts("inc_1", revision); got != want {
			t.Errorf("read at %d, cancelled at 7: doubtful %v, want %v", revision, got, want)
		}
	}
	r.note("inc_1", 5, noon) // news of an earlier change, late
	r.note("inc_2", 1, noon.Add(59*time.Second))
	r.note("inc_3", 1, noon.Add(61*time.Second))
	if !r.doubts("inc_1", 6) {
		t.Error("forgotten after one turn, a minute may not have passed")
	}
	r.note("inc_4", 1, noon.Add(130*time.Second))
	if r.doubts("inc_1", 6) {
		t.Error("remembered for ever")
	}
}
