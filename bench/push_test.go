package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
	"github.com/nightbell/nightbell/push/pushtest/benchtest"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

const (
	pushLatency = 50 * time.Millisecond
	// together is how many pages one incident has: a large team's.
	together = 50
)

// BenchmarkPush is the whole push pipeline with the real senders of both
// providers at 50 ms: as fast as it goes, and its delays at half of the budget's
// rate. The emulator is another process, so CPU is the pipeline's alone.
func BenchmarkPush(b *testing.B) {
	for _, place := range []string{"memory", "sqlite"} {
		for _, pace := range []int{0, 5000} {
			name := place + "/flat out"
			if pace > 0 {
				name = fmt.Sprintf("%s/%d a second", place, pace)
			}
			b.Run(name, func(b *testing.B) { pushAll(b, place, pace) })
		}
	}
}

func pushAll(b *testing.B, place string, pace int) {
	r := newRun(b, place)
	defer r.close()
	pages := 40_000
	if pace > 0 {
		pages = 2 * pace
	}
	r.hand(0, 2*together) // connections and provider tokens are warm
	r.await(2 * together)
	r.reset()
	before, start := ownCPU(), time.Now()
	b.ResetTimer()
	var hands sync.WaitGroup
	for n := range 4 {
		hands.Go(func() {
			for i := n; i < pages/together; i += 4 {
				if pace > 0 {
					time.Sleep(time.Until(start.Add(time.Duration(i) * together * time.Second / time.Duration(pace))))
				}
				r.hand(i, together)
			}
		})
	}
	r.await(pages)
	took := time.Since(start)
	hands.Wait()
	b.ReportMetric(float64(pages)/took.Seconds(), "pushes/s")
	b.ReportMetric((ownCPU()-before).Seconds()/float64(pages)*10_000, "cpu-s/10k")
	if pace > 0 { // flat out, delays only say how long the queue was
		b.ReportMetric(ms(quantile(r.took, .5)), "p50-ms")
		b.ReportMetric(ms(quantile(r.took, .99)), "p99-ms")
	}
	for _, p := range []string{"apns", "fcm"} {
		b.ReportMetric(r.connections(p), p+"-conns")
	}
	b.ReportMetric(0, "ns/op")
}

// run is a pipeline on a store, and what came of its pages.
type run struct {
	b        *testing.B
	pipeline *push.Pipeline
	db       *models.DB // nil: in memory
	devices  []push.Device
	meter    *meter.Meter
	close    func()

	mu   sync.Mutex
	took []time.Duration // from the hand-over to the recorded answer
	more chan struct{}
}

func newRun(b *testing.B, place string) *run {
	b.Helper()
	e := benchtest.Start(b, pushLatency)
	r := &run{b: b, meter: meter.New(), more: make(chan struct{}, 1)}
	ios, err := apns.New(apns.Config{
		Apps:      []apns.App{{Name: "ios", Topic: benchtest.Bundle, TeamID: e.App.TeamID, KeyID: e.App.KeyID, KeyPEM: []byte(e.App.KeyPEM)}},
		Endpoints: map[string]string{apns.Production: e.APNs}, RootCAs: e.Roots(), Meter: r.meter,
	})
	if err != nil {
		b.Fatal(err)
	}
	android, err := fcm.New(fcm.Config{Apps: []fcm.App{{Name: "android", ServiceAccountJSON: e.Account, Endpoint: e.FCM}}, RootCAs: e.Roots(), Meter: r.meter})
	if err != nil {
		b.Fatal(err)
	}
	store := push.Store(memory{})
	if place == "sqlite" {
		r.db = modelstest.SQLite(b).Open(b, "bench")
		store = r.db.Deliveries()
	}
	r.makeDevices(e)
	r.pipeline = push.NewPipeline(push.Config{
		Store: watched{store, r}, Senders: map[push.Provider]push.Sender{push.APNs: ios, push.FCM: android},
		Signer: longSigner{}, BaseURL: "https://bell.example", Node: "bench", MaxWaiting: 1 << 20, Meter: r.meter,
	})
	go func() { _ = r.pipeline.Run(context.Background()) }() // ends with Stop
	r.close = func() {
		if err := r.pipeline.Stop(context.Background()); err != nil {
			b.Error(err)
		}
		ios.Close()
		android.Close()
	}
	return r
}

// makeDevices are a thousand phones, half of each provider, of fifty people.
func (r *run) makeDevices(e *benchtest.Emulator) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range 500 {
		for _, d := range []push.Device{
			{Platform: push.IOS, Provider: push.APNs, App: "ios", Token: e.IOS[i]},
			{Platform: push.Android, Provider: push.FCM, App: "android", Token: e.Android[i]},
		} {
			d.ID, d.UserID, d.Environment, d.TargetKind = id.New(id.Device), fmt.Sprintf("usr_%02d", i/10), "production", push.TokenTarget
			d.State, d.RegisteredAt, d.CreatedAt = push.DeviceActive, now, now
			d.Capabilities = push.Capabilities{Alerts: true, Critical: true, TimeSensitive: true}
			r.devices = append(r.devices, d)
		}
	}
	if r.db == nil {
		return
	}
	var c setup.Changes
	for n := range 50 {
		u := person(n)
		c.Users = append(c.Users, u)
	}
	state, err := r.db.Setup().Configuration(r.b.Context())
	if err != nil {
		r.b.Fatal(err)
	}
	c.Version = state.Version
	if err := r.db.Setup().Apply(r.b.Context(), c); err != nil {
		r.b.Fatal(err)
	}
	for i, d := range r.devices {
		if r.devices[i], err = r.db.Devices().RegisterDevice(r.b.Context(), d); err != nil {
			r.b.Fatal(err)
		}
	}
}

// hand opens an incident with n pages, as the desk does, and hands them over
// after the commit.
func (r *run) hand(i, n int) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	c := respond.Case{Incident: incident.Incident{
		ID: id.New(id.Incident), ServiceID: "svc_1", ServiceName: "Checkout", IntegrationID: "int_1", DedupKey: strconv.Itoa(i),
		Title: "Checkout answers 500 in Madrid", Severity: incident.Critical, Urgency: incident.High, Status: incident.Triggered,
		Revision: 1, CreatedAt: now, UpdatedAt: now,
	}, Plan: oncall.Plan{PolicyID: "pol_1", PolicyName: "Default"}}
	jobs := make([]push.Job, n)
	pages := make([]push.Delivery, n)
	for k := range jobs {
		dev := r.devices[(i*n+k)%len(r.devices)]
		pages[k] = push.Delivery{
			ID: id.New(id.Delivery), Kind: push.Page, NotificationID: "ntf_1", IncidentID: c.Incident.ID, Revision: 1, UserID: dev.UserID,
			DeviceID: dev.ID, State: push.Scheduled, DueAt: now, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			LeaseUntil: now.Add(30 * time.Second), LeaseNode: "bench",
		}
		jobs[k] = push.Job{Delivery: pages[k], Device: dev, Content: push.Content{
			Number: int64(i), Revision: 1, Title: c.Incident.Title, ServiceName: "Checkout", Severity: incident.Critical,
			Urgency: incident.High, Status: incident.Triggered, ChangedAt: now,
		}}
	}
	if r.db != nil {
		err := r.db.Desk().Write(r.b.Context(), strconv.Itoa(i), func(tx respond.Tx) error {
			if err := tx.Open(&c); err != nil {
				return err
			}
			return tx.AddDeliveries(pages)
		})
		if err != nil {
			r.b.Error(err)
			return
		}
	}
	r.pipeline.Submit(jobs)
}

// await waits until so many answers are recorded.
func (r *run) await(n int) {
	for {
		r.mu.Lock()
		have := len(r.took)
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-r.more:
		case <-r.b.Context().Done():
			return
		}
	}
}

func (r *run) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = nil
}

// connections is how many the sender has opened to the provider.
func (r *run) connections(provider string) (n float64) {
	w := httptest.NewRecorder()
	r.meter.Handler().ServeHTTP(w, httptest.NewRequestWithContext(r.b.Context(), http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if m := opened.FindStringSubmatch(strings.TrimSpace(line)); m != nil && strings.Contains(m[1], `provider="`+provider+`"`) {
			v, _ := strconv.ParseFloat(m[2], 64)
			n += v
		}
	}
	return n
}

var opened = regexp.MustCompile(`^nightbell_push_connections_opened_total\{(.*)\} (\S+)$`)

// watched is a store that says what was recorded.
type watched struct {
	push.Store
	run *run
}

func (w watched) Record(ctx context.Context, outcomes []push.Outcome) error {
	if err := w.Store.Record(ctx, outcomes); err != nil {
		return err
	}
	now := time.Now()
	w.run.mu.Lock()
	for _, o := range outcomes {
		if o.Final != push.Accepted {
			w.run.b.Errorf("a page was %s: %+v", o.Final, o.Result)
		}
		w.run.took = append(w.run.took, now.Sub(o.Job.Delivery.CreatedAt))
	}
	w.run.mu.Unlock()
	select {
	case w.run.more <- struct{}{}:
	default:
	}
	return nil
}

// memory is a database that takes everything and forgets it.
type memory struct{}

func (memory) Claim(context.Context, time.Time, int, time.Time) ([]push.Job, error) { return nil, nil }
func (memory) NextDue(context.Context) (time.Time, bool, error)                     { return time.Time{}, false, nil }
func (memory) Release(context.Context, []string) error                              { return nil }
func (memory) Record(_ context.Context, outcomes []push.Outcome) error {
	for _, o := range outcomes {
		_ = o.Apply(o.Job.Delivery, o.Job.Device)
	}
	return nil
}

// longSigner makes action tokens of the usual length, at no cost.
type longSigner struct{}

func (longSigner) SignAction(push.Action) (string, error) { return strings.Repeat("t", 420), nil }

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
