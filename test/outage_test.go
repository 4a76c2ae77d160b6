package test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// outages of APNs, in the clock's time. push tells the same stories to the
// moment, on a database in memory; these are about the real ones.
var outages = map[string]struct {
	lasts, step time.Duration
	answer      push.Result
}{
	"it hangs for 30 seconds":            {30 * time.Second, time.Second, push.Result{Class: push.ClassRetry, Reason: "timeout"}},
	"it answers 503 for 5 minutes":       {5 * time.Minute, 5 * time.Second, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "ServiceUnavailable"}},
	"it closes connections for a minute": {time.Minute, 2 * time.Second, push.Result{Class: push.ClassRetry, Reason: "connection_lost"}},
	"our key is wrong for an hour":       {time.Hour, time.Minute, push.Result{Class: push.ClassConfigBroken, Status: 403, Reason: "InvalidProviderToken"}},
}

// TestOutages: during each, incidents open and a third of them is resolved.
// Every page that is still wanted arrives afterwards, once; what was resolved
// does not ring; the other provider's pages are not held up; no token is lost.
func TestOutages(t *testing.T) {
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			modelstest.Each(t, func(t *testing.T, db *models.DB) {
				n := newNight(t, db)
				n.apns.Store(&o.answer)
				const pages = 12
				for i := range pages {
					n.open(t, i, 3*o.lasts)
					n.until(t, func() bool { return n.rung(push.FCM) > i }) // whatever APNs does
					if i%3 == 2 {
						n.resolve(t, i)
					}
					for end := n.now().Add(o.lasts / pages); n.now().Before(end); n.pass(o.step) {
					}
				}
				if got := n.rung(push.APNs); got != 0 {
					t.Errorf("%d pages rang during the outage", got)
				}
				n.apns.Store(nil)
				n.until(t, func() bool { n.pass(2 * time.Second); return n.rung(push.APNs) >= pages*2/3 })
				for range 40 { // nothing more may come
					n.pass(2 * time.Second)
				}
				n.judge(t, pages)
			})
		})
	}
}

// night is a database, a pipeline with two providers that the test commands,
// and a clock that it moves.
type night struct {
	db       *models.DB
	pipeline *push.Pipeline
	clock    atomic.Int64
	apns     atomic.Pointer[push.Result] // nil: it works
	phones   [2]push.Device              // APNs, FCM
	cases    []respond.Case

	mu   sync.Mutex
	sent map[push.Provider]map[string]int // accepted, by incident
}

func newNight(t *testing.T, db *models.DB) *night {
	t.Helper()
	n := &night{db: db, sent: map[push.Provider]map[string]int{push.APNs: {}, push.FCM: {}}}
	n.clock.Store(time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC).UnixNano())
	ana := auth.User{ID: id.New(id.User), Email: "ana@example.com", Name: "Ana", Role: auth.Responder, TimeZone: "UTC", CreatedAt: n.now()}
	state, err := db.Setup().Configuration(t.Context())
	if err == nil {
		err = db.Setup().Apply(t.Context(), setup.Changes{Version: state.Version, Users: []auth.User{ana}})
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range []push.Device{{Platform: push.IOS, Provider: push.APNs, Token: "ab12"}, {Platform: push.Android, Provider: push.FCM, Token: "token"}} {
		d.ID, d.UserID, d.App, d.Environment, d.TargetKind = id.New(id.Device), ana.ID, "app", "production", push.TokenTarget
		d.State, d.RegisteredAt, d.CreatedAt = push.DeviceActive, n.now(), n.now()
		if n.phones[i], err = db.Devices().RegisterDevice(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	n.pipeline = push.NewPipeline(push.Config{
		Store: db.Deliveries(), Senders: map[push.Provider]push.Sender{push.APNs: line{n, push.APNs}, push.FCM: line{n, push.FCM}},
		BaseURL: "https://bell.example", Now: n.now, Poll: 5 * time.Millisecond,
	})
	done := make(chan struct{})
	go func() { defer close(done); _ = n.pipeline.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.pipeline.Stop(ctx); err != nil {
			t.Error(err)
		}
		<-done
	})
	return n
}

func (n *night) now() time.Time { return time.Unix(0, n.clock.Load()).UTC() }

// pass lets the clock go on, and gives the pipeline a moment of real time.
func (n *night) pass(d time.Duration) {
	n.clock.Add(int64(d))
	n.pipeline.Wake()
	time.Sleep(5 * time.Millisecond)
}

func (n *night) until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain; rung so far: %d by APNs, %d by FCM", n.rung(push.APNs), n.rung(push.FCM))
		}
	}
}

// line is one provider.
type line struct {
	night *night
	of    push.Provider
}

// Send implements push.Sender.
func (l line) Send(_ context.Context, m push.Message) push.Result {
	if bad := l.night.apns.Load(); l.of == push.APNs && bad != nil {
		return *bad
	}
	l.night.mu.Lock()
	defer l.night.mu.Unlock()
	l.night.sent[l.of][m.DeliveryID]++
	return push.Result{Class: push.ClassAccepted, Status: 200}
}

// rung is how many pages a provider has taken.
func (n *night) rung(of push.Provider) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sent[of])
}

// open commits an incident with a page to each phone, as the desk would.
func (n *night) open(t *testing.T, i int, life time.Duration) {
	t.Helper()
	now := n.now().Truncate(time.Microsecond)
	c := respond.Case{Plan: oncall.Plan{PolicyID: "pol_1", PolicyName: "Default"}, Incident: incident.Incident{
		ID: id.New(id.Incident), ServiceID: "svc_1", ServiceName: "Checkout", IntegrationID: "int_1", DedupKey: fmt.Sprint(i), Title: "Down",
		Severity: incident.Critical, Urgency: incident.High, Status: incident.Triggered, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}}
	err := n.db.Desk().Write(t.Context(), c.Incident.DedupKey, func(tx respond.Tx) error {
		if err := tx.Open(&c); err != nil {
			return err
		}
		var pages []push.Delivery
		for k, phone := range n.phones {
			pages = append(pages, push.Delivery{
				ID: pageID(c, k), Kind: push.Page, NotificationID: "ntf_1", IncidentID: c.Incident.ID, Revision: 1, UserID: phone.UserID,
				DeviceID: phone.ID, State: push.Scheduled, DueAt: now, CreatedAt: now, ExpiresAt: now.Add(life),
			})
		}
		return tx.AddDeliveries(pages)
	})
	if err != nil {
		t.Fatal(err)
	}
	n.cases = append(n.cases, c)
	n.pipeline.Wake()
}

func pageID(c respond.Case, phone int) string {
	return fmt.Sprintf("dlv_%s%d", c.Incident.ID[len("inc_")+1:], phone)
}

// resolve ends an incident behind the pipeline's back, as another node would.
func (n *night) resolve(t *testing.T, i int) {
	t.Helper()
	c := n.cases[i]
	c.Incident.Status, c.Incident.ResolvedAt, c.Incident.Revision = incident.Resolved, n.now().Truncate(time.Microsecond), 2
	if err := n.db.Desk().Write(t.Context(), c.Incident.DedupKey, func(tx respond.Tx) error { return tx.Save(c) }); err != nil {
		t.Fatal(err)
	}
}

func (n *night) judge(t *testing.T, pages int) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, c := range n.cases {
		want := 1
		if i%3 == 2 {
			want = 0 // resolved meanwhile
		}
		if got := n.sent[push.APNs][pageID(c, 0)]; got != want {
			t.Errorf("incident %d rang %d times by APNs, want %d", i, got, want)
		}
		if got := n.sent[push.FCM][pageID(c, 1)]; got != 1 {
			t.Errorf("incident %d rang %d times by FCM, want once", i, got)
		}
	}
	devices, err := n.db.Devices().Devices(t.Context(), n.phones[0].UserID)
	if err != nil || len(devices) != 2 {
		t.Fatal(devices, err)
	}
	for _, d := range devices {
		if d.State != push.DeviceActive {
			t.Errorf("the phone of %s is %s after the outage", d.Provider, d.State)
		}
	}
	t.Logf("%d pages rang by APNs after the outage, %d by FCM during it", len(n.sent[push.APNs]), pages)
}
