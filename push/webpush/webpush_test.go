package webpush_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/push/webpush"
	"github.com/nightbell/nightbell/push/wire"
)

var now = time.Date(2026, 3, 1, 2, 10, 0, 0, time.UTC)

// world is a sender, the push service it talks to, and one browser.
type world struct {
	t       *testing.T
	em      *pushtest.Emulator
	sender  *webpush.Sender
	browser pushtest.Browser
}

func newWorld(t *testing.T, change ...func(*webpush.Config)) *world {
	t.Helper()
	em, err := pushtest.Start(pushtest.Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	w := &world{t: t, em: em}
	cfg := webpush.Config{
		Key: newKey(t), Subject: "mailto:ops@example.com", Hosts: hosts(t, strings.TrimPrefix(em.WebPushURL(), "https://")),
		AllowPrivate: true, RootCAs: em.RootCAs(), Now: func() time.Time { return now },
	}
	for _, c := range change {
		c(&cfg)
	}
	if w.sender, err = webpush.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sender.Close)
	w.browser = w.newBrowser()
	return w
}

func newKey(t testing.TB) *webpush.Key {
	t.Helper()
	key, err := webpush.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func hosts(t testing.TB, extra ...string) webpush.Hosts {
	t.Helper()
	h, err := webpush.ParseHosts(extra)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (w *world) newBrowser() pushtest.Browser {
	w.t.Helper()
	b, err := w.em.NewBrowser(w.sender.PublicKey(), "Firefox")
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (w *world) message() push.Message {
	return push.Message{
		DeliveryID: "dlv_1", Kind: push.Page, App: "web", TargetKind: push.EndpointTarget, Token: w.browser.Endpoint, Keys: w.browser.Keys,
		High: true, CollapseID: "nb-0123456789abcdef0123456789abcdef", ExpiresAt: now.Add(5 * time.Minute), Body: []byte(`{"title":"db-7 is down"}`),
	}
}

func (w *world) send(m push.Message) push.Result {
	w.t.Helper()
	return w.sender.Send(w.t.Context(), m)
}

func TestPageReachesABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.send(w.message())
	if r.Class != push.ClassAccepted || r.Status != 201 || len(r.ProviderID) != 32 {
		t.Fatalf("%+v, refusals %+v", r, w.em.Refusals())
	}
	got := w.em.Received(w.browser.Endpoint)
	if len(got) != 1 || string(got[0].Payload) != `{"title":"db-7 is down"}` || got[0].TTL != "300" || got[0].Urgency != "high" ||
		got[0].Topic != webpush.Topic("nb-0123456789abcdef0123456789abcdef") || len(got[0].Topic) != 32 {
		t.Errorf("the browser got %+v", got)
	}
}

// A settle takes the place of a page that has not been fetched, and wakes
// nobody for silence.
func TestSettleReplacesByTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Leave(w.browser.Endpoint)
	other := w.message()
	other.CollapseID = "nb-other"
	settle := w.message()
	settle.Kind, settle.High, settle.Body = push.Settle, false, []byte(`{"title":"Acknowledged"}`)
	update := settle
	update.Kind, update.CollapseID = push.Update, ""
	for _, m := range []push.Message{w.message(), other, settle, update} {
		if r := w.send(m); r.Class != push.ClassAccepted {
			t.Fatalf("%+v, refusals %+v", r, w.em.Refusals())
		}
	}
	w.em.Return(w.browser.Endpoint)
	got := w.em.Received(w.browser.Endpoint)
	if len(got) != 3 || got[0].Urgency != "high" || got[1].Urgency != "normal" || string(got[1].Payload) != `{"title":"Acknowledged"}` || got[2].Urgency != "low" || got[2].Topic != "" {
		t.Errorf("the browser got %+v", got)
	}
}

// Every answer, from the wire to the class.
func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		fault pushtest.Fault
		want  push.Result
	}{
		{"gone", pushtest.Fault{Status: 410, Reason: "106"}, push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "errno_106"}},
		{"not found", pushtest.Fault{Status: 404, Body: "<html>push subscription not found"}, push.Result{Class: push.ClassTokenDead, Status: 404, Reason: "http_404"}},
		{"too large", pushtest.Fault{Status: 413, Reason: "104"}, push.Result{Class: push.ClassTooLarge, Status: 413, Reason: "errno_104"}},
		{"flooded", pushtest.Fault{Status: 429, Body: `{"reason":"TooManyRequests"}`, RetryAfter: "120"},
			push.Result{Class: push.ClassDeviceThrottled, Status: 429, Reason: "TooManyRequests", RetryAfter: 2 * time.Minute}},
		{"flooded until a date", pushtest.Fault{Status: 429, Body: "x", RetryAfter: now.Add(time.Minute).Format(http.TimeFormat)},
			push.Result{Class: push.ClassDeviceThrottled, Status: 429, Reason: "http_429", RetryAfter: time.Minute}},
		{"a bad JWT at Apple", pushtest.Fault{Status: 403, Body: `{"reason":"BadJwtToken"}`}, push.Result{Class: push.ClassConfigBroken, Status: 403, Reason: "BadJwtToken"}},
		{"another key at Apple", pushtest.Fault{Status: 400, Body: `{"reason":"VapidPkHashMismatch"}`}, push.Result{Class: push.ClassTokenSuspect, Status: 400, Reason: push.VAPIDMismatch}},
		{"another key at Google", pushtest.Fault{Status: 403, Body: "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n"},
			push.Result{Class: push.ClassTokenSuspect, Status: 403, Reason: push.VAPIDMismatch}},
		{"unauthorized", pushtest.Fault{Status: 401, Reason: "109"}, push.Result{Class: push.ClassConfigBroken, Status: 401, Reason: "errno_109"}},
		{"malformed", pushtest.Fault{Status: 400, Reason: "110"}, push.Result{Class: push.ClassPayloadBug, Status: 400, Reason: "errno_110"}},
		{"broken", pushtest.Fault{Status: 500, Body: "x"}, push.Result{Class: push.ClassRetry, Status: 500, Reason: "http_500"}},
		{"down", pushtest.Fault{Status: 503, Body: "x", RetryAfter: "7"}, push.Result{Class: push.ClassProviderDown, Status: 503, Reason: "http_503", RetryAfter: 7 * time.Second}},
		{"elsewhere", pushtest.Fault{Status: 307, Body: "x", Location: w.browser.Endpoint}, push.Result{Class: push.ClassProviderDown, Status: 307, Reason: "http_307"}},
		{"a long word", pushtest.Fault{Status: 500, Body: `{"reason":"` + strings.Repeat("x", 101) + `"}`}, push.Result{Class: push.ClassRetry, Status: 500, Reason: "http_500"}},
		{"cut", pushtest.Fault{Cut: true}, push.Result{Class: push.ClassRetry, Reason: wire.ReasonConnectionLost}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fault.Times, c.fault.Token = 1, w.browser.Endpoint
			w.em.Inject(c.fault)
			if got := w.send(w.message()); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if n := w.em.Accepted(push.WebPush); n != 0 {
		t.Errorf("%d pushes reached the browser; was the redirect followed?", n)
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("after all that: %+v", r)
	}
	w.em.Kill(w.browser.Endpoint, now)
	if r := w.send(w.message()); r.Class != push.ClassTokenDead || r.Status != 410 || !r.Since.IsZero() {
		t.Errorf("unsubscribed: %+v", r)
	}
	w.em.RemoveDevice(w.browser.Endpoint)
	if r := w.send(w.message()); r.Class != push.ClassTokenDead || r.Status != 404 {
		t.Errorf("unknown: %+v", r)
	}
}

// A browser that subscribed with another instance's key must not stop the lane.
func TestForeignSubscriptionIsDoubtedAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	foreign, err := w.em.NewBrowser(newKey(t).Public(), "somebody's")
	if err != nil {
		t.Fatal(err)
	}
	m := w.message()
	m.Token, m.Keys = foreign.Endpoint, foreign.Keys
	if r := w.send(m); r != (push.Result{Class: push.ClassTokenSuspect, Status: 403, Reason: push.VAPIDMismatch}) {
		t.Errorf("%+v", r)
	}
	m.Token = w.browser.Endpoint // the keys of another browser
	if r := w.send(m); r.Class != push.ClassPayloadBug {
		t.Errorf("with the wrong keys: %+v", r)
	}
}

func TestNothingLeavesForWhatIsNotASubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(*push.Message)
		want   push.Result
	}{
		"an address at home": {func(m *push.Message) { m.Token = "https://127.0.0.1:1/push/x" }, push.Result{Class: push.ClassTokenSuspect, Reason: webpush.ReasonEndpoint}},
		"no keys":            {func(m *push.Message) { m.Keys = push.Keys{} }, push.Result{Class: push.ClassTokenSuspect, Reason: webpush.ReasonKeys}},
		"late":               {func(m *push.Message) { m.ExpiresAt = now }, push.Result{Class: push.ClassRetry, Reason: webpush.ReasonExpired}},
		"long":               {func(m *push.Message) { m.Body = make([]byte, webpush.MaxPlain+1) }, push.Result{Class: push.ClassTooLarge, Reason: webpush.ReasonTooLarge}},
	} {
		m := w.message()
		c.change(&m)
		if got := w.send(m); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if opened, _ := w.em.Connections(push.WebPush); opened != 0 {
		t.Errorf("%d connections were opened", opened)
	}
	m := w.message()
	m.Body, m.ExpiresAt = make([]byte, webpush.MaxPlain), time.Time{}
	if r := w.send(m); r.Class != push.ClassAccepted || w.em.Received(w.browser.Endpoint)[0].TTL != "0" {
		t.Errorf("the longest payload, now or never: %+v, refusals %+v", r, w.em.Refusals())
	}
}

// A name of the list may still lead home: what is dialled is judged.
func TestNamesThatLeadHomeAreNotDialled(t *testing.T) {
	t.Parallel()
	var dialled atomic.Int32
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			_ = c.Close()
		}
	})
	defer work.Wait()
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w := newWorld(t, func(c *webpush.Config) {
		c.AllowPrivate, c.Hosts = false, hosts(t, "localhost:"+port, "127.0.0.1:"+port, "10.0.0.1", "169.254.169.254")
		c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	})
	for _, endpoint := range []string{"https://localhost:" + port + "/x", "https://127.0.0.1:" + port + "/x", "https://10.0.0.1/x", "https://169.254.169.254/latest"} {
		m := w.message()
		m.Token = endpoint
		if r := w.send(m); r != (push.Result{Class: push.ClassRetry, Reason: webpush.ReasonPrivate}) {
			t.Errorf("%s: %+v", endpoint, r)
		}
	}
	if n := dialled.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestHangEndsAtTheDeadlineAndShutdownCuts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.Inject(pushtest.Fault{Hang: true, Deliver: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := w.sender.Send(ctx, w.message()); r != (push.Result{Class: push.ClassRetry, Reason: wire.ReasonTimeout}) {
		t.Errorf("%+v", r)
	}
	w.browser = w.newBrowser() // on a slow machine the first push may not have got there
	m := w.message()
	done := make(chan push.Result)
	go func() { done <- w.sender.Send(t.Context(), m) }()
	if _, err := w.em.WaitPushes(t.Context(), w.browser.Endpoint, 1); err != nil {
		t.Fatal(err)
	}
	w.sender.Close()
	if r := <-done; r.Class != push.ClassCut && r.Reason != wire.ReasonConnectionLost {
		t.Errorf("%+v", r)
	}
	if r := w.send(w.message()); r != (push.Result{Class: push.ClassCut, Reason: wire.ReasonCut}) {
		t.Errorf("after Close: %+v", r)
	}
}

func TestManyPushesShareFewConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var work sync.WaitGroup
	for range 600 {
		work.Go(func() {
			if r := w.send(w.message()); r.Class != push.ClassAccepted {
				t.Errorf("%+v", r)
			}
		})
	}
	work.Wait()
	if opened, _ := w.em.Connections(push.WebPush); opened > 4 || w.em.Accepted(push.WebPush) != 600 {
		t.Errorf("%d connections for %d pushes", opened, w.em.Accepted(push.WebPush))
	}
	w.sender.CloseIdleConnections()
	if err := w.sender.Warm(t.Context()); err != nil {
		t.Error(err)
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("%+v", r)
	}
}

// A push service of one's own may sit behind a proxy that speaks no HTTP/2.
func TestServiceWithoutHTTP2(t *testing.T) {
	t.Parallel()
	var got atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/away" {
			http.Redirect(rw, r, "/here", http.StatusPermanentRedirect)
			return
		}
		if r.ProtoMajor == 1 && len(body) > 100 && r.Header.Get("TTL") == "300" {
			got.Add(1)
		}
		rw.WriteHeader(http.StatusCreated)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	w := newWorld(t, func(c *webpush.Config) {
		c.RootCAs, c.Hosts = roots, hosts(t, strings.TrimPrefix(srv.URL, "https://"))
	})
	m := w.message()
	m.Token = srv.URL + "/here"
	for range 3 {
		if r := w.send(m); r.Class != push.ClassAccepted {
			t.Errorf("%+v", r)
		}
	}
	m.Token = srv.URL + "/away"
	if r := w.send(m); r.Class != push.ClassProviderDown || r.Status != 308 {
		t.Errorf("the redirect: %+v", r)
	}
	if got.Load() != 3 {
		t.Errorf("%d pushes arrived, want 3", got.Load())
	}
	if err := w.sender.Warm(t.Context()); err != nil {
		t.Error(err)
	}
}

// Registrations can name as many hosts of a service as they like; what is held
// open for them is bounded.
func TestOriginsAreBounded(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	w := newWorld(t, func(c *webpush.Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			return nil, io.ErrClosedPipe
		}
	})
	for i := range 200 {
		m := w.message()
		m.Token = fmt.Sprintf("https://dc%d.notify.windows.com/w", i)
		if r := w.send(m); r != (push.Result{Class: push.ClassProviderDown, Reason: wire.ReasonUnreachable}) {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	if n := w.sender.Origins(); n > 64 || dials.Load() != 200 {
		t.Errorf("%d origins are held after %d dials", n, dials.Load())
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("world", func(t *testing.T) {
		w := newWorld(t)
		if r := w.send(w.message()); r.Class != push.ClassAccepted {
			t.Errorf("%+v", r)
		}
	})
	goleak.VerifyNone(t, before)
}
