package apns_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/pushtest"
)

const bundle = "app.nightbell.ios"

// clock is a time that tests move.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 3, 1, 2, 10, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// world is a sender, the emulator it talks to, and one phone.
type world struct {
	t      *testing.T
	clock  *clock
	em     *pushtest.Emulator
	app    pushtest.APNsApp
	sender *apns.Sender
	phone  pushtest.Device
}

func newWorld(t *testing.T, change ...func(*apns.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	em, err := pushtest.Start(pushtest.Config{Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	w.em = em
	w.app = em.NewAPNsApp(bundle)
	cfg := apns.Config{
		Apps: []apns.App{{Name: "ios", Topic: bundle, TeamID: w.app.TeamID, KeyID: w.app.KeyID, KeyPEM: []byte(w.app.KeyPEM)}},
		Endpoints: map[string]string{
			apns.Production: em.APNsURL(pushtest.Production), apns.Sandbox: em.APNsURL(pushtest.Sandbox),
		},
		RootCAs: em.RootCAs(), Now: w.clock.now,
	}
	for _, c := range change {
		c(&cfg)
	}
	w.sender, err = apns.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sender.Close)
	w.phone = em.NewDevice(push.APNs, bundle)
	return w
}

func (w *world) message() push.Message {
	return push.Message{
		DeliveryID: "dlv_1", UUID: uuid.NewString(), Kind: push.Page, App: "ios", Environment: "production",
		TargetKind: push.TokenTarget, Token: w.phone.Token, High: true, CollapseID: "nb-1",
		ExpiresAt: w.clock.now().Add(5 * time.Minute),
		Body:      []byte(`{"aps":{"alert":{"title":"db down"},"sound":"default"}}`),
	}
}

func (w *world) send(m push.Message) push.Result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	return w.sender.Send(ctx, m)
}

func TestMain(m *testing.M) {
	if benchEmulator() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestSendReachesThePhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message()
	r := w.send(m)
	if r.Class != push.ClassAccepted || r.Status != 200 || r.ProviderID != m.UUID {
		t.Fatalf("got %+v", r)
	}
	got := w.em.Received(w.phone.Token)
	if len(got) != 1 {
		t.Fatalf("the phone got %d pushes", len(got))
	}
	p := got[0]
	want := pushtest.Push{
		Seq: 1, At: w.clock.now(), Provider: push.APNs, Environment: "production", App: bundle, Token: w.phone.Token,
		ID: m.UUID, PushType: "alert", Priority: 10, Expiration: strconv.FormatInt(m.ExpiresAt.Unix(), 10), CollapseID: "nb-1",
	}
	if string(p.Payload) != string(m.Body) {
		t.Errorf("payload %s", p.Payload)
	}
	p.Payload = nil
	if fmt.Sprint(p) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestPayloadBytesAreNotTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message()
	m.Body = slices.Concat([]byte(`{"aps":{"alert":"`), slices.Repeat([]byte("<"), 4077), []byte(`"}}`))
	if len(m.Body) != 4097 {
		t.Fatalf("the test's payload has %d bytes", len(m.Body))
	}
	if r := w.send(m); r.Class != push.ClassTooLarge || r.Reason != "PayloadTooLarge" {
		t.Errorf("one byte too many: %+v", r)
	}
	m.Body = slices.Concat([]byte(`{"aps":{"alert":"`), slices.Repeat([]byte("<"), 4076), []byte(`"}}`))
	if r := w.send(m); r.Class != push.ClassAccepted {
		t.Errorf("4096 bytes that marshaling would escape: %+v", r)
	}
}

func TestHeadersByKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name   string
		change func(*push.Message)
		want   pushtest.Push
	}{
		{"no end: one attempt, not stored", func(m *push.Message) { m.ExpiresAt = time.Time{} }, pushtest.Push{PushType: "alert", Priority: 10, Expiration: "0", CollapseID: "nb-1"}},
		{"quiet", func(m *push.Message) { m.High, m.CollapseID = false, ""; m.ExpiresAt = time.Time{} }, pushtest.Push{PushType: "alert", Priority: 5, Expiration: "0"}},
		{"background is never high", func(m *push.Message) {
			m.Background, m.ExpiresAt = true, time.Time{}
			m.Body = []byte(`{"aps":{"content-available":1}}`)
		}, pushtest.Push{PushType: "background", Priority: 5, Expiration: "0", CollapseID: "nb-1"}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := w.message()
			tt.change(&m)
			if r := w.send(m); r.Class != push.ClassAccepted {
				t.Fatalf("%+v; refusals %+v", r, w.em.Refusals())
			}
			got := w.em.Received(w.phone.Token)[i]
			got = pushtest.Push{PushType: got.PushType, Priority: got.Priority, Expiration: got.Expiration, CollapseID: got.CollapseID}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDeadToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	since := time.Date(2026, 2, 28, 11, 12, 13, 987e6, time.UTC)
	w.em.Kill(w.phone.Token, since)
	r := w.send(w.message())
	want := push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "Unregistered", Since: since}
	if r != want {
		t.Errorf("got %+v, want %+v (to the millisecond)", r, want)
	}
}

func TestAnswersAreSorted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.clock.now().Add(90 * time.Second)
	tests := []struct {
		name  string
		fault pushtest.Fault
		want  push.Result
	}{
		{"a proxy's page, not Apple's", pushtest.Fault{Status: 404, Body: "<html>no</html>"}, push.Result{Class: push.ClassProviderDown, Status: 404, Reason: "http_404"}},
		{"a bare 410 proves nothing", pushtest.Fault{Status: 410, Body: "gone"}, push.Result{Class: push.ClassProviderDown, Status: 410, Reason: "http_410"}},
		{"410 without a timestamp", pushtest.Fault{Status: 410, Reason: "ExpiredToken"}, push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "ExpiredToken"}},
		{"this device is flooded", pushtest.Fault{Status: 429, Reason: "TooManyRequests", RetryAfter: "30"}, push.Result{Class: push.ClassDeviceThrottled, Status: 429, Reason: "TooManyRequests", RetryAfter: 30 * time.Second}},
		{"tokens renewed too often", pushtest.Fault{Status: 429, Reason: "TooManyProviderTokenUpdates"}, push.Result{Class: push.ClassRetry, Status: 429, Reason: "TooManyProviderTokenUpdates"}},
		{"internal error", pushtest.Fault{Status: 500, Reason: "InternalServerError"}, push.Result{Class: push.ClassRetry, Status: 500, Reason: "InternalServerError"}},
		{"unavailable until a date", pushtest.Fault{Status: 503, Reason: "ServiceUnavailable", RetryAfter: at.Format(http.TimeFormat)}, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "ServiceUnavailable", RetryAfter: 90 * time.Second}},
		{"shutting down", pushtest.Fault{Status: 503, Reason: "Shutdown"}, push.Result{Class: push.ClassRetry, Status: 503, Reason: "Shutdown"}},
		{"key refused", pushtest.Fault{Status: 403, Reason: "InvalidProviderToken"}, push.Result{Class: push.ClassConfigBroken, Status: 403, Reason: "InvalidProviderToken"}},
		{"wrong environment", pushtest.Fault{Status: 400, Reason: "BadDeviceToken"}, push.Result{Class: push.ClassTokenSuspect, Status: 400, Reason: "BadDeviceToken"}},
		{"a redirect is not followed", pushtest.Fault{Status: 307, Body: ""}, push.Result{Class: push.ClassProviderDown, Status: 307, Reason: "http_307"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.Times = 1
			w.em.Inject(tt.fault)
			if r := w.send(w.message()); r != tt.want {
				t.Errorf("got  %+v\nwant %+v", r, tt.want)
			}
		})
	}
	if n := len(w.em.Received(w.phone.Token)); n != 0 {
		t.Errorf("the phone got %d of the refused pushes", n)
	}
}

func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name   string
		change func(*push.Message)
		want   push.Result
	}{
		{"no such app", func(m *push.Message) { m.App = "other" }, push.Result{Class: push.ClassConfigBroken, Reason: "unknown_app"}},
		{"a token that would change the path", func(m *push.Message) { m.Token = "ab/../../x" }, push.Result{Class: push.ClassTokenSuspect, Reason: "malformed_token"}},
		{"an odd token", func(m *push.Message) { m.Token = "abc" }, push.Result{Class: push.ClassTokenSuspect, Reason: "malformed_token"}},
		{"nobody waits for it any more", func(m *push.Message) { m.ExpiresAt = w.clock.now() }, push.Result{Class: push.ClassRetry, Reason: "expired_before_send"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := w.message()
			tt.change(&m)
			if r := w.send(m); r != tt.want {
				t.Errorf("got %+v, want %+v", r, tt.want)
			}
		})
	}
	if opened, _ := w.em.Connections(push.APNs); opened != 0 {
		t.Errorf("%d connections were opened for nothing", opened)
	}
}

// burst sends n pushes at once and gives how often each result came.
func (w *world) burst(n int) map[push.Result]int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	var (
		mu      sync.Mutex
		results = map[push.Result]int{}
		work    sync.WaitGroup
	)
	for range n {
		work.Go(func() {
			m := w.message()
			m.ExpiresAt = m.ExpiresAt.Add(time.Hour) // the clock may jump while it waits for its turn
			r := w.sender.Send(ctx, m)
			r.ProviderID = ""
			mu.Lock()
			results[r]++
			mu.Unlock()
		})
	}
	work.Wait()
	return results
}

var accepted = push.Result{Class: push.ClassAccepted, Status: 200}

func TestColdBurstStaysOnOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.SetLatency(20 * time.Millisecond)
	if got := w.burst(200); got[accepted] != 200 {
		t.Errorf("results: %+v", got)
	}
	if opened, _ := w.em.Connections(push.APNs); opened != 1 {
		t.Errorf("%d connections were opened; 1 has room for all", opened)
	}
}

func TestMoreInFlightThanStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *apns.Config) { c.MaxInFlight = 3000 })
	w.em.SetLatency(30 * time.Millisecond)
	if got := w.burst(2500); got[accepted] != 2500 {
		t.Errorf("results: %+v", got)
	}
	if opened, _ := w.em.Connections(push.APNs); opened != 1 {
		t.Errorf("%d connections were opened; the rest should wait for streams", opened)
	}
}

func TestGoAwayMidBurstLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.message())
	w.em.SetLatency(20 * time.Millisecond)
	w.em.Inject(pushtest.Fault{GoAway: true, Reason: "Shutdown", Skip: 50, Times: 1})
	if got := w.burst(200); got[accepted] != 200 {
		t.Errorf("results: %+v", got)
	}
	if n := w.em.Accepted(push.APNs); n != 201 {
		t.Errorf("the phone got %d pushes, want 201: none lost, none twice", n)
	}
	if opened, open := w.em.Connections(push.APNs); opened != 2 || open > 2 {
		t.Errorf("%d connections opened, %d open", opened, open)
	}
}

func TestRefusedStreamIsResentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Refuse: true, Times: 1})
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("after one refused stream: %+v", r)
	}
	w.em.Inject(pushtest.Fault{Refuse: true, Times: 2})
	if r := w.send(w.message()); r.Class != push.ClassRetry || r.Reason != "connection_lost" {
		t.Errorf("after two refused streams: %+v", r)
	}
}

func TestGracefulGoAwayBetweenPushes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		if r := w.send(w.message()); r.Class != push.ClassAccepted {
			t.Fatalf("%+v", r)
		}
		w.em.GoAway(push.APNs, "maintenance")
	}
	if opened, _ := w.em.Connections(push.APNs); opened < 2 || opened > 3 {
		t.Errorf("%d connections opened for 3 pushes with a GOAWAY after each", opened)
	}
}

func TestCutConnectionIsRetriedByTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Cut: true, Deliver: true, Times: 1})
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassRetry, Reason: "connection_lost"}) {
		t.Errorf("%+v", r)
	}
	if n := w.em.Accepted(push.APNs); n != 1 {
		t.Errorf("the phone got %d pushes: the sender must not repeat what may have rung", n)
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestHangEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Hang: true, Token: w.phone.Token})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := w.sender.Send(ctx, w.message()); r != (push.Result{Class: push.ClassRetry, Reason: "timeout"}) {
		t.Errorf("%+v", r)
	}
	w.em.Clear()
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestShutdownCutsASend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Hang: true, Deliver: true})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan push.Result)
	go func() { result <- w.sender.Send(ctx, w.message()) }()
	if _, err := w.em.WaitPushes(t.Context(), w.phone.Token, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if r := <-result; r != (push.Result{Class: push.ClassCut, Reason: "cut"}) {
		t.Errorf("%+v", r)
	}
}

func TestUnreachableAndUntrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *apns.Config) { c.RootCAs = nil })
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassConfigBroken, Reason: "tls_untrusted"}) {
		t.Errorf("an unknown authority: %+v", r)
	}
	w = newWorld(t)
	_ = w.em.Close()
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassProviderDown, Reason: "unreachable"}) {
		t.Errorf("nobody there: %+v", r)
	}
}

func TestSandboxAndProductionAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message()
	m.Environment = "sandbox"
	if r := w.send(m); r.Class != push.ClassTokenSuspect || r.Reason != "BadDeviceToken" {
		t.Errorf("a production token in the sandbox: %+v", r)
	}
	sandbox := pushtest.Device{Provider: push.APNs, App: bundle, Token: "00ff", Environment: pushtest.Sandbox}
	if err := w.em.AddDevice(sandbox); err != nil {
		t.Fatal(err)
	}
	m.Token = "00FF"
	if r := w.send(m); r.Class != push.ClassAccepted || r.ProviderID == m.UUID || r.ProviderID == "" {
		t.Errorf("in the sandbox the unique id is the useful one: %+v", r)
	}
}

func TestWarmOpensOneConnectionAndSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *apns.Config) { c.Apps[0].Environments = []string{"production"} })
	if err := w.sender.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	opened, _ := w.em.Connections(push.APNs)
	if opened != 1 || w.em.Accepted(push.APNs) != 0 || len(w.em.Refusals()) != 0 {
		t.Errorf("%d connections, %d pushes, refusals %v", opened, w.em.Accepted(push.APNs), w.em.Refusals())
	}
	w.sender.CloseIdleConnections()
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("after closing idle connections: %+v", r)
	}
}
