package fcm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/fcm"
	"github.com/nightbell/nightbell/push/pushtest"
)

const project = "nightbell-test"

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
	t       *testing.T
	clock   *clock
	em      *pushtest.Emulator
	account []byte
	sender  *fcm.Sender
	phone   pushtest.Device
}

func newWorld(t *testing.T, change ...func(*fcm.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock()}
	em, err := pushtest.Start(pushtest.Config{Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	w.em = em
	w.account, err = em.NewServiceAccount(project)
	if err != nil {
		t.Fatal(err)
	}
	cfg := fcm.Config{
		Apps:    []fcm.App{{Name: "android", ServiceAccountJSON: w.account, Endpoint: em.FCMURL()}},
		RootCAs: em.RootCAs(), Now: w.clock.now,
	}
	for _, c := range change {
		c(&cfg)
	}
	w.sender, err = fcm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sender.Close)
	w.phone = em.NewDevice(push.FCM, project)
	return w
}

func (w *world) message() push.Message {
	return push.Message{
		DeliveryID: "dlv_1", Kind: push.Page, App: "android", Environment: "production",
		TargetKind: push.TokenTarget, Token: w.phone.Token, High: true,
		ExpiresAt: w.clock.now().Add(5*time.Minute + 400*time.Millisecond),
		Data:      map[string]string{"delivery_id": "dlv_1", "title": "db <down> & out", "kind": "page"},
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
	if r.Class != push.ClassAccepted || r.Status != 200 {
		t.Fatalf("got %+v; refusals %+v", r, w.em.Refusals())
	}
	p := w.em.Received(w.phone.Token)[0]
	if p.ID != r.ProviderID || !p.High || p.TTL != "300s" || !maps.Equal(p.Data, m.Data) || p.CollapseID != "" {
		t.Errorf("the phone got %+v (result %+v)", p, r)
	}
	var body struct {
		Message map[string]json.RawMessage `json:"message"`
	}
	if err := json.Unmarshal(p.Payload, &body); err != nil || body.Message["notification"] != nil {
		t.Errorf("the message must be data only: %s (%v)", p.Payload, err)
	}
}

func TestMessageByKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name   string
		change func(*push.Message)
		want   string // High, TTL, CollapseID
	}{
		{"settle: quiet, each of its own", func(m *push.Message) { m.High, m.Kind = false, push.Settle }, "false 300s "},
		{"update: quiet, the newest is enough", func(m *push.Message) { m.High, m.Kind = false, push.Update }, "false 300s nightbell-update"},
		{"digest: quiet, the newest is enough", func(m *push.Message) { m.High, m.Kind = false, push.Digest }, "false 300s nightbell-digest"},
		{"notice: quiet, the newest is enough", func(m *push.Message) { m.High, m.Kind = false, push.Notice }, "false 300s nightbell-notice"},
		{"loud test: as a page", func(m *push.Message) { m.Kind = push.Test }, "true 300s "},
		{"probe: quiet", func(m *push.Message) { m.High, m.Kind = false, push.Probe }, "false 300s "},
		{"no end: now or never", func(m *push.Message) { m.ExpiresAt = time.Time{} }, "true 0s "},
		{"the last half second", func(m *push.Message) { m.ExpiresAt = w.clock.now().Add(time.Second / 2) }, "true 0s "},
		{"longer than FCM keeps anything", func(m *push.Message) { m.ExpiresAt = w.clock.now().AddDate(1, 0, 0) }, "true 2419200s "},
		{"an installation id", func(m *push.Message) { m.TargetKind = push.FIDTarget }, "true 300s "},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := w.message()
			tt.change(&m)
			if r := w.send(m); r.Class != push.ClassAccepted {
				t.Fatalf("%+v; refusals %+v", r, w.em.Refusals())
			}
			p := w.em.Received(w.phone.Token)[i]
			if got := fmt.Sprint(p.High, " ", p.TTL, " ", p.CollapseID); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnswersAreSorted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name  string
		fault pushtest.Fault
		want  push.Result
	}{
		{"gone", pushtest.Fault{Reason: "UNREGISTERED", Status: 404}, push.Result{Class: push.ClassTokenDead, Status: 404, Reason: "UNREGISTERED"}},
		{"a bare 404 is a proxy's", pushtest.Fault{Status: 404, Body: "<html>"}, push.Result{Class: push.ClassProviderDown, Status: 404, Reason: "http_404"}},
		{"bad token or bad message", pushtest.Fault{Reason: "INVALID_ARGUMENT", Status: 400}, push.Result{Class: push.ClassTokenSuspect, Status: 400, Reason: "INVALID_ARGUMENT"}},
		{"another project's token", pushtest.Fault{Reason: "SENDER_ID_MISMATCH", Status: 403}, push.Result{Class: push.ClassTokenSuspect, Status: 403, Reason: "SENDER_ID_MISMATCH"}},
		{"quota", pushtest.Fault{Reason: "QUOTA_EXCEEDED", Status: 429, RetryAfter: "60"}, push.Result{Class: push.ClassProviderDown, Status: 429, Reason: "QUOTA_EXCEEDED", RetryAfter: time.Minute}},
		{"unavailable is seen as it is, not retried by firebase", pushtest.Fault{Reason: "UNAVAILABLE", Status: 503, RetryAfter: "17"}, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "UNAVAILABLE", RetryAfter: 17 * time.Second}},
		{"internal", pushtest.Fault{Reason: "INTERNAL", Status: 500}, push.Result{Class: push.ClassRetry, Status: 500, Reason: "INTERNAL"}},
		{"a proxy in trouble", pushtest.Fault{Status: 502, Body: "bad gateway"}, push.Result{Class: push.ClassProviderDown, Status: 502, Reason: "http_502"}},
		{"APNs credentials in Firebase", pushtest.Fault{Reason: "THIRD_PARTY_AUTH_ERROR", Status: 401}, push.Result{Class: push.ClassConfigBroken, Status: 401, Reason: "THIRD_PARTY_AUTH_ERROR"}},
		{"a redirect is not followed", pushtest.Fault{Status: 302}, push.Result{Class: push.ClassProviderDown, Status: 302, Reason: "http_302"}},
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
	if n := w.em.Accepted(push.FCM); n != 0 {
		t.Errorf("the phone got %d of the refused pushes", n)
	}
}

func TestDeadAndUnknownTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := push.Result{Class: push.ClassTokenDead, Status: 404, Reason: "UNREGISTERED"}
	w.em.Kill(w.phone.Token, w.clock.now())
	if r := w.send(w.message()); r != dead {
		t.Errorf("killed: %+v", r)
	}
	m := w.message()
	m.Token = w.phone.Token + "x"
	if r := w.send(m); r != dead {
		t.Errorf("never heard of: %+v", r)
	}
	m.Token = "no token"
	if r := w.send(m); r.Class != push.ClassTokenSuspect || r.Reason != "INVALID_ARGUMENT" {
		t.Errorf("not a token: %+v", r)
	}
	other := w.em.NewDevice(push.FCM, "another-project")
	m.Token = other.Token
	if r := w.send(m); r.Class != push.ClassTokenSuspect || r.Reason != "SENDER_ID_MISMATCH" {
		t.Errorf("of another project: %+v", r)
	}
}

func TestNotSentAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message()
	m.App = "other"
	if r := w.send(m); r != (push.Result{Class: push.ClassConfigBroken, Reason: "unknown_app"}) {
		t.Errorf("no such app: %+v", r)
	}
	m = w.message()
	m.ExpiresAt = w.clock.now()
	if r := w.send(m); r != (push.Result{Class: push.ClassRetry, Reason: "expired_before_send"}) {
		t.Errorf("nobody waits for it: %+v", r)
	}
	m = w.message()
	m.Token = ""
	if r := w.send(m); r != (push.Result{Class: push.ClassPayloadBug, Reason: "message_refused_by_library"}) {
		t.Errorf("no target: %+v", r)
	}
	if opened, _ := w.em.Connections(push.FCM); opened != 0 {
		t.Errorf("%d connections were opened for nothing", opened)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message()
	m.Data["body"] = string(make([]byte, 4096))
	if r := w.send(m); r.Status != 400 || r.Reason != "INVALID_ARGUMENT" {
		t.Errorf("%+v", r)
	}
}

// burst sends n pushes at once and counts the results.
func (w *world) burst(n int) map[push.Result]int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	var (
		mu      sync.Mutex
		results = map[push.Result]int{}
		work    sync.WaitGroup
	)
	for range n {
		work.Go(func() {
			r := w.sender.Send(ctx, w.message())
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

func TestColdBurstOpensFewConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.SetLatency(20 * time.Millisecond)
	if got := w.burst(600); got[accepted] != 600 {
		t.Errorf("results: %+v", got)
	}
	// One more than the sender's limit: the token endpoint has its own client.
	if opened, _ := w.em.Connections(push.FCM); opened > 11 {
		t.Errorf("%d connections were opened", opened)
	}
}

func TestGoAwayMidBurstLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.message())
	w.em.SetLatency(20 * time.Millisecond)
	w.em.Inject(pushtest.Fault{Provider: push.FCM, GoAway: true, Skip: 50, Times: 1})
	if got := w.burst(150); got[accepted] != 150 {
		t.Errorf("results: %+v", got)
	}
	if n := w.em.Accepted(push.FCM); n != 151 {
		t.Errorf("the phone got %d pushes, want 151: none lost, none twice", n)
	}
}

func TestLostAnswerIsNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Cut: true, Deliver: true, Times: 1})
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassRetry, Reason: "connection_lost"}) {
		t.Errorf("%+v", r)
	}
	if n := w.em.Accepted(push.FCM); n != 1 {
		t.Errorf("the phone got %d pushes: firebase repeats what may have rung", n)
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("afterwards: %+v", r)
	}
}

func TestHangEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.sender.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := w.em.Inject(pushtest.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := w.sender.Send(ctx, w.message()); r != (push.Result{Class: push.ClassRetry, Reason: "timeout"}) {
		t.Errorf("%+v", r)
	}
	w.em.Clear(id)
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
	w := newWorld(t, func(c *fcm.Config) { c.RootCAs = nil })
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassConfigBroken, Reason: "oauth_tls_untrusted"}) {
		t.Errorf("an unknown authority: %+v", r)
	}
	w = newWorld(t)
	if err := w.sender.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sender.CloseIdleConnections()
	_ = w.em.Close()
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassProviderDown, Reason: "unreachable"}) {
		t.Errorf("nobody there: %+v", r)
	}
}
