package push

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// outage is what APNs does until it is mended.
type outage struct {
	lasts time.Duration
	// answer is what a push gets meanwhile; nil is an hour's wrong key.
	answer func(ctx context.Context, m Message) Result
	// late is the most that a page which is still wanted may come after the end:
	// the longest wait between two looks at the provider.
	late time.Duration
}

var outages = map[string]outage{
	"it hangs for 30 seconds": {30 * time.Second, hang, 31 * time.Second},
	"it answers 503 for 5 minutes": {5 * time.Minute, func(context.Context, Message) Result {
		return Result{Class: ClassifyAPNs(503, "ServiceUnavailable"), Status: 503, Reason: "ServiceUnavailable"}
	}, 60 * time.Second},
	"it closes connections for a minute": {time.Minute, func(context.Context, Message) Result {
		time.Sleep(20 * time.Millisecond)
		return Result{Class: ClassRetry, Reason: "connection_lost"}
	}, 60 * time.Second},
	"our key is wrong for an hour": {time.Hour, refuseKey, 33 * time.Second},
}

// During an outage of APNs incidents open and close. Every page that is still
// wanted arrives soon after it, what is resolved does not ring (I12), FCM's are
// never late, and no token is lost.
func TestOutageIsNobodyElsesAndEnds(t *testing.T) {
	t.Parallel()
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { goThrough(t, o) })
		})
	}
}

func goThrough(t *testing.T, o outage) {
	db := newRows()
	s := set(db, "a", nil)
	over := storyStart.Add(o.lasts)
	arrived := map[string]time.Time{}
	s.apns.answer = func(ctx context.Context, m Message) Result {
		if time.Now().Before(over) {
			return o.answer(ctx, m)
		}
		db.mu.Lock()
		defer db.mu.Unlock()
		if _, twice := arrived[m.DeliveryID]; twice {
			t.Errorf("%s rang twice", m.DeliveryID)
		}
		arrived[m.DeliveryID] = time.Now()
		return yes
	}
	s.run(t)
	defer s.end(t)
	const pages = 30
	for i := range pages {
		in := fmt.Sprintf("inc_%02d", i)
		ios, android := db.device(fmt.Sprintf("ios%02d", i), APNs), db.device(fmt.Sprintf("droid%02d", i), FCM)
		until := stamp(over.Add(10 * time.Minute))
		s.Submit([]Job{
			db.add(Delivery{ID: "dlv_a" + in, Kind: Page, IncidentID: in, ExpiresAt: until}, ios, "a"),
			db.add(Delivery{ID: "dlv_f" + in, Kind: Page, IncidentID: in, ExpiresAt: until}, android, "a"),
		})
		synctest.Wait()
		wantState(t, db, "dlv_f"+in, Accepted) // at once, whatever APNs does
		if i%3 == 2 {
			db.resolve(in)
		}
		time.Sleep(o.lasts / pages)
	}
	time.Sleep(o.late + time.Second)
	synctest.Wait()
	for i := range pages {
		in := fmt.Sprintf("inc_%02d", i)
		at, rang := arrived["dlv_a"+in]
		switch {
		case i%3 == 2 && rang:
			t.Errorf("%s was resolved and rang all the same", in)
		case i%3 != 2 && !rang:
			d := db.delivery("dlv_a" + in)
			t.Errorf("%s has not rung %s after the end: %s, due %s after it", in, o.late, d.State, d.DueAt.Sub(over))
		case rang && at.Sub(over) > o.late:
			t.Errorf("%s rang %s after the end", in, at.Sub(over))
		}
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	for id, d := range db.devices {
		if d.State != DeviceActive {
			t.Errorf("%s is %s", id, d.State)
		}
	}
}

// resolve ends an incident behind the pipeline's back, as another node would.
func (r *rows) resolve(incidentID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.content[incidentID]
	c.Status, c.By, c.ChangedAt = incident.Resolved, "Ana", time.Now()
	c.Revision++
	r.content[incidentID] = c
}

// A provider's wish is in the row, so a restart keeps it for the deliveries;
// the new process finds out about the lane by itself.
func TestWishOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		wish := func(context.Context, Message) Result {
			return Result{Class: ClassProviderDown, Status: 429, Reason: "QUOTA_EXCEEDED", RetryAfter: 2 * time.Minute}
		}
		first := set(db, "a", nil)
		first.fcm.answer = wish
		first.run(t)
		first.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ben", FCM), "a")})
		synctest.Wait()
		first.end(t)

		second := set(db, "b", nil)
		second.run(t)
		defer second.end(t)
		time.Sleep(2*time.Minute - 5*time.Second)
		if got := second.fcm.got(); len(got) != 0 {
			t.Errorf("sent %v before the wish was over", got)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)

		// The lane of the new process is open until it is told otherwise; once
		// is enough then.
		second.fcm.answer = wish
		cleo, dora := db.device("cleo", FCM), db.device("dora", FCM)
		second.Submit([]Job{db.page("dlv_2", "inc_2", cleo, "b")})
		synctest.Wait()
		second.Submit([]Job{db.page("dlv_3", "inc_3", dora, "b")})
		synctest.Wait()
		if n := len(second.fcm.got()); n != 2 {
			t.Errorf("%d sends; the second of two pages did not wait for the lane", n)
		}
	})
}

// An hour's wrong key, and it is mended through the API: the lane tries at
// once, and an answer to the old key says nothing about the new one.
func TestMendedLaneProbesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = refuseKey
		s.run(t)
		defer s.end(t)
		ana, ben := db.device("ana", APNs), db.device("ben", APNs)
		s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a")})
		synctest.Wait()
		s.Submit([]Job{db.page("dlv_2", "inc_2", ben, "a")}) // waits in memory
		synctest.Wait()
		slow := make(chan struct{})
		s.apns.answer = func(context.Context, Message) Result { <-slow; return refuseKey(context.Background(), Message{}) }
		time.Sleep(5 * time.Second)
		synctest.Wait()
		s.Mended(APNs, "nightbell") // a first time, in vain: that key is wrong too, and slow
		synctest.Wait()
		s.apns.answer = nil
		db.page("dlv_3", "inc_3", ana, "")
		s.Mended(APNs, "nightbell")
		synctest.Wait()
		close(slow)
		synctest.Wait()
		wantState(t, db, "dlv_3", Accepted)
		s.Submit([]Job{db.page("dlv_4", "inc_4", ben, "a")})
		synctest.Wait()
		wantState(t, db, "dlv_4", Accepted) // the old key's answer has not paused the lane
		if at := time.Since(storyStart); at > 6*time.Second {
			t.Errorf("it took until %s", at)
		}
	})
}

func TestSwitchLetsTheOldSenderFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewSwitch(APNs)
		if r := w.Send(t.Context(), Message{}); r.Class != ClassConfigBroken {
			t.Errorf("nobody answers %+v", r)
		}
		old, next := &provider{}, &provider{}
		old.answer = func(context.Context, Message) Result { time.Sleep(time.Minute); return yes }
		w.Set(old)()
		answered := make(chan Result, 1)
		go func() { answered <- w.Send(context.Background(), Message{DeliveryID: "dlv_1"}) }()
		synctest.Wait()
		empty := w.Set(next)
		began := time.Now()
		if r := w.Send(t.Context(), Message{DeliveryID: "dlv_2"}); r.Class != ClassAccepted || time.Since(began) > 0 {
			t.Errorf("the new one answers %+v after %s", r, time.Since(began))
		}
		empty()
		if r := <-answered; r.Class != ClassAccepted || time.Since(began) != time.Minute {
			t.Errorf("the old one's send ended with %+v after %s", r, time.Since(began))
		}
	})
}

// A lane that stays closed longer than a page's level: the page expires, the
// next level has its own, and the timeline says once why.
func TestPageThatOutwaitsItsLevelSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = refuseKey
		s.run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_0", "inc_0", db.device("ana", APNs), "a")})
		synctest.Wait()
		s.Submit([]Job{db.add(Delivery{ID: "dlv_1", Kind: Page, IncidentID: "inc_1", ExpiresAt: stamp(time.Now().Add(5 * time.Minute))}, db.device("ben", APNs), "a")})
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		d := db.delivery("dlv_1")
		if d.State != Expired && d.State != Failed {
			t.Errorf("the page is %s", d.State)
		}
		said := 0
		db.mu.Lock()
		defer db.mu.Unlock()
		for _, e := range db.entries {
			if e.Detail.DeliveryID == "dlv_1" && e.Type != incident.EntryRetrying {
				said++
				if e.Type == incident.EntryExpired && !strings.Contains(e.Detail.Text, "mend the push app") {
					t.Errorf("the timeline says %q", e.Detail.Text)
				}
			}
		}
		if said != 1 {
			t.Errorf("the end was told %d times", said)
		}
	})
}
