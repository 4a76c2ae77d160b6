package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// provider is a stand-in sender: it remembers what it was given and answers as
// the story says.
type provider struct {
	answer func(ctx context.Context, m Message) Result

	mu   sync.Mutex
	sent []sending
}

type sending struct {
	at time.Duration // since the story began
	Message
}

var yes = Result{Class: ClassAccepted, Status: 200, ProviderID: "p1"}

func (p *provider) Send(ctx context.Context, m Message) Result {
	p.mu.Lock()
	p.sent = append(p.sent, sending{time.Since(storyStart), m})
	p.mu.Unlock()
	if p.answer == nil {
		return yes
	}
	return p.answer(ctx, m)
}

// storyStart is when every synctest bubble's clock begins.
var storyStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// got gives the ids sent so far, in order.
func (p *provider) got() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []string
	for _, s := range p.sent {
		ids = append(ids, s.DeliveryID)
	}
	return ids
}

// hang answers nothing until the sender gives up.
func hang(ctx context.Context, _ Message) Result {
	<-ctx.Done()
	return Result{Class: ClassRetry, Reason: "timeout"}
}

// stage is one node on a database, with an APNs and an FCM.
type stage struct {
	*Pipeline
	db   *rows
	node *node
	apns *provider
	fcm  *provider
	ran  chan struct{}
}

// set builds a stage on db without starting it; the test may change conf.
func set(db *rows, name string, change func(*Config)) *stage {
	s := &stage{db: db, node: &node{rows: db, name: name}, apns: &provider{}, fcm: &provider{}, ran: make(chan struct{})}
	conf := Config{
		Store: s.node, Senders: map[Provider]Sender{APNs: s.apns, FCM: s.fcm},
		BaseURL: "https://bell.example", Node: name, Rand: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&conf)
	}
	s.Pipeline = NewPipeline(conf)
	return s
}

func (s *stage) run(t *testing.T) *stage {
	t.Helper()
	go func() {
		defer close(s.ran)
		if err := s.Run(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	return s
}

// end stops the stage with time to spare and complains if it could not.
func (s *stage) end(t *testing.T) {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
	<-s.ran
}

func wantState(t *testing.T, db *rows, id string, want DeliveryState) {
	t.Helper()
	if d := db.delivery(id); d.State != want {
		t.Errorf("delivery %s is %s after %d attempts, want %s; timeline %v", id, d.State, d.Attempt, want, db.told(id))
	}
}

func wantTold(t *testing.T, db *rows, id string, want ...incident.EntryType) {
	t.Helper()
	if got := db.told(id); !slices.Equal(got, want) {
		t.Errorf("the timeline says %v of %s, want %v", got, id, want)
	}
}

func TestCommittedPageLeavesAtOnceWithoutAClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)
		wantTold(t, db, "dlv_1", incident.EntrySent, incident.EntryAccepted)
		if n := db.claims(); n != 0 {
			t.Errorf("%d deliveries were claimed for the fast path, want none", n)
		}
		if at := s.apns.sent[0].at; at != 0 {
			t.Errorf("the page left after %s, want at once", at)
		}
	})
}

func TestPageSubmittedBeforeRunLeavesWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		s.run(t)
		defer s.end(t)
		wantState(t, db, "dlv_1", Accepted)
	})
}

func TestDueDeliveriesAreClaimedToTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		db.page("dlv_1", "inc_1", db.device("ana", APNs), "")
		db.mu.Lock()
		db.deliveries["dlv_1"].DueAt = time.Now().Add(90*time.Second + 250*time.Millisecond)
		db.mu.Unlock()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)
		if at := s.apns.sent[0].at; at != 90*time.Second+250*time.Millisecond {
			t.Errorf("the page left after %s, want 1m30.25s", at)
		}
	})
}

func TestAcknowledgeStopsWhatHasNotLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(3 * time.Second); return yes }
		s.run(t)
		defer s.end(t)
		ana, ben := db.device("ana", APNs), db.device("ben", APNs)
		s.Submit([]Job{db.page("dlv_1", "inc_other", ana, "a"), db.page("dlv_2", "inc_1", ben, "a")})
		time.Sleep(time.Second) // the first is in flight, the second waits behind it
		db.acknowledge("inc_1")
		s.Cancel("inc_1", 2)
		time.Sleep(time.Minute)
		if got := s.apns.got(); !slices.Equal(got, []string{"dlv_1"}) {
			t.Errorf("sent %v, want only dlv_1", got)
		}
		wantState(t, db, "dlv_2", Cancelled)
		wantTold(t, db, "dlv_2") // the acknowledgement has said it
	})
}

func TestARemovedDeviceGetsNothingThatWaitedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(3 * time.Second); return yes }
		s.run(t)
		defer s.end(t)
		ana, ben, cleo := db.device("ana", APNs), db.device("ben", APNs), db.device("cleo", APNs)
		s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a"), db.page("dlv_2", "inc_1", ben, "a"), db.page("dlv_3", "inc_1", cleo, "a")})
		time.Sleep(time.Second) // the first is in flight, the others wait behind it
		db.mu.Lock()
		db.deliveries["dlv_2"].State = Cancelled
		db.mu.Unlock()
		s.Moved(ben.ID)
		s.Moved(cleo.ID) // registered anew by its owner: still wanted
		time.Sleep(time.Minute)
		if got := s.apns.got(); !slices.Equal(got, []string{"dlv_1", "dlv_3"}) {
			t.Errorf("sent %v, want dlv_1 and dlv_3", got)
		}
		wantState(t, db, "dlv_2", Cancelled)
		wantState(t, db, "dlv_3", Accepted)
	})
}

// Two changes may hand over and cancel in another order than they committed.
func TestCancelNeverLosesAPageThatIsStillWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		job := db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")
		time.Sleep(time.Millisecond)
		s.Cancel("inc_1", 1) // of an earlier change; this page was made after it
		s.Submit([]Job{job})
		time.Sleep(time.Second)
		wantState(t, db, "dlv_1", Accepted)
		if at := s.apns.sent[0].at; at > 100*time.Millisecond {
			t.Errorf("the page left after %s, want within a moment", at)
		}
		if n := db.claims(); n != 0 {
			t.Errorf("it was claimed %d times, want it sent as it was handed over", n)
		}
	})
}

func TestHandedOverAfterItsCancelIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		job := db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")
		time.Sleep(time.Millisecond)
		db.acknowledge("inc_1")
		s.Cancel("inc_1", 2)
		s.Submit([]Job{job}) // the goroutine that committed first was slower
		time.Sleep(time.Minute)
		if got := s.apns.got(); len(got) != 0 {
			t.Errorf("sent %v, want nothing", got)
		}
	})
}

func TestPageInFlightAtTheAcknowledgementIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(_ context.Context, m Message) Result {
			if m.Kind == Page {
				time.Sleep(1100 * time.Millisecond)
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(500 * time.Millisecond)
		db.acknowledge("inc_1")
		s.Cancel("inc_1", 2)
		time.Sleep(650 * time.Millisecond) // it lands, and its settle follows at once
		wantState(t, db, "dlv_1", Accepted)
		wantTold(t, db, "dlv_1", incident.EntrySent, incident.EntryAccepted)
		wantState(t, db, "dlv_follow1", Accepted)
		last := s.apns.sent[len(s.apns.sent)-1]
		if last.Kind != Settle || last.CollapseID != s.apns.sent[0].CollapseID {
			t.Errorf("last sent: %s %s, want a settle that replaces the page", last.Kind, last.CollapseID)
		}
	})
}

func TestOneProviderHangingLeavesTheOtherAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 2; c.MaxWaiting = 3; c.Batch = 4 })
		s.apns.answer = hang
		s.run(t)
		defer s.end(t)
		iphone, android := db.device("ana", APNs), db.device("ben", FCM)
		for i := range 40 { // far more than the lane may hold, older than Ben's
			db.page(fmt.Sprintf("dlv_a%02d", i), "inc_1", iphone, "")
		}
		time.Sleep(time.Minute)
		db.page("dlv_b", "inc_2", android, "")
		start := time.Now()
		for db.delivery("dlv_b").State == Scheduled && time.Since(start) < time.Minute {
			time.Sleep(10 * time.Millisecond)
		}
		wantState(t, db, "dlv_b", Accepted)
		if late := time.Since(start); late > 1100*time.Millisecond {
			t.Errorf("the healthy provider's page left after %s, want within a poll", late)
		}
	})
}

func TestAfterFiveMinutesOfTroubleEveryPageArrives(t *testing.T) {
	for _, p := range []Provider{APNs, FCM} {
		t.Run(string(p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newRows()
				s := set(db, "a", nil)
				trouble := func(context.Context, Message) Result {
					if time.Since(storyStart) < 5*time.Minute {
						return Result{Class: ClassProviderDown, Status: 503, Reason: "ServiceUnavailable"}
					}
					return yes
				}
				s.apns.answer, s.fcm.answer = trouble, trouble
				s.run(t)
				defer s.end(t)
				for i := range 50 {
					dev := db.device(fmt.Sprint("dev", i), p)
					id := fmt.Sprintf("dlv_%02d", i)
					s.Submit([]Job{db.page(id, "inc_1", dev, "a")})
					time.Sleep(time.Second)
				}
				time.Sleep(7 * time.Minute)
				for i := range 50 {
					wantState(t, db, fmt.Sprintf("dlv_%02d", i), Accepted)
				}
				if n := len(s.apns.sent) + len(s.fcm.sent); n > 250 {
					t.Errorf("a provider in trouble was asked %d times for 50 pages", n)
				}
			})
		})
	}
}

func TestBrokenConfigurationHoldsTheLaneAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		mended := 10 * time.Minute
		s.apns.answer = func(context.Context, Message) Result {
			if time.Since(storyStart) < mended {
				return Result{Class: ClassConfigBroken, Status: 403, Reason: "InvalidProviderToken"}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		ana := db.device("ana", APNs)
		for i := range 20 {
			s.Submit([]Job{db.page(fmt.Sprintf("dlv_%02d", i), "inc_1", ana, "a")})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(9 * time.Minute)
		if n := len(s.apns.got()); n > 25 {
			t.Errorf("a paused lane sent %d times in nine minutes, want one probe every 30 s", n)
		}
		time.Sleep(2 * time.Minute)
		for i := range 20 {
			id := fmt.Sprintf("dlv_%02d", i)
			wantState(t, db, id, Accepted)
			if d := db.delivery(id); d.Attempt != 1 {
				t.Errorf("%s counts %d attempts, want 1: our own broken key costs none", id, d.Attempt)
			}
		}
		if st := db.devices["ana"].State; st != DeviceActive {
			t.Errorf("the device is %s after our key was refused, want active", st)
		}
	})
}

func TestShutdownCostsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
		s.apns.answer = hang
		s.run(t)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_air", "inc_1", ana, "a"), db.page("dlv_wait", "inc_2", ana, "a")})
		time.Sleep(time.Second)
		ctx, done := context.WithTimeout(t.Context(), 4*time.Second)
		defer done()
		began := time.Now()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(began); took > 3500*time.Millisecond {
			t.Errorf("stopping took %s of 4s; nothing was kept back for the last write", took)
		}
		for _, id := range []string{"dlv_air", "dlv_wait"} {
			d := db.delivery(id)
			if d.State != Scheduled || d.Attempt != 0 || !d.LeaseUntil.IsZero() {
				t.Errorf("%s: %s, %d attempts, lease until %v; want given back, free of charge", id, d.State, d.Attempt, d.LeaseUntil)
			}
			wantTold(t, db, id)
		}
	})
}

func TestShutdownLetsWhatIsInFlightFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(context.Context, Message) Result { time.Sleep(2 * time.Second); return yes }
		s.run(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		s.end(t)
		wantState(t, db, "dlv_1", Accepted)
	})
}

func TestKilledNodeHandsOverWithItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		a := set(db, "a", nil)
		a.apns.answer = hang
		a.run(t)
		a.Submit([]Job{db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")})
		time.Sleep(time.Second)
		db.mu.Lock()
		a.node.dead = true
		db.mu.Unlock()
		gone, kill := context.WithCancel(t.Context())
		kill()
		if err := a.Stop(gone); err == nil {
			t.Error("a stop without time says it wrote everything down")
		}
		<-a.ran

		b := set(db, "b", nil).run(t)
		defer b.end(t)
		time.Sleep(28 * time.Second)
		synctest.Wait()
		if got := b.apns.got(); len(got) != 0 {
			t.Errorf("%v was sent while the first node's lease ran", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)
	})
}

func TestDatabaseAwayWhileSendingLosesAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil).run(t)
		defer s.end(t)
		job := db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")
		db.setAway(errors.New("the database is restarting"))
		s.Submit([]Job{job})
		time.Sleep(2 * time.Minute) // its lease is long over
		db.setAway(nil)
		time.Sleep(time.Minute)
		wantState(t, db, "dlv_1", Accepted)
		wantTold(t, db, "dlv_1", incident.EntrySent, incident.EntryAccepted)
		if got := s.apns.got(); len(got) != 1 {
			t.Errorf("sent %v, want once", got)
		}
	})
}

func TestOneImpossibleRowDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		db.spoilt = "dlv_bad"
		s := set(db, "a", nil)
		ana := db.device("ana", APNs)
		s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a"), db.page("dlv_bad", "inc_1", ana, "a"), db.page("dlv_3", "inc_1", ana, "a")})
		s.run(t)
		defer s.end(t)
		time.Sleep(time.Minute)
		s.Submit([]Job{db.page("dlv_4", "inc_1", ana, "a")})
		time.Sleep(10 * time.Second)
		for _, id := range []string{"dlv_1", "dlv_3", "dlv_4"} {
			wantState(t, db, id, Accepted)
		}
		db.mu.Lock()
		db.spoilt = ""
		db.mu.Unlock()
	})
}
