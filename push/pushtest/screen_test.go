package pushtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

const page = `{"aps":{"alert":{"title":"db down","subtitle":"Billing","body":"#7"},"sound":{"critical":1},
	"interruption-level":"critical","thread-id":"inc_1","category":"NIGHTBELL_INCIDENT"},
	"nightbell":{"kind":"page","incident_id":"inc_1","delivery_id":"dlv_1","server":"SERVER",
	"actions":{"acknowledge":"ack-token","resolve":"res-token"}}}`

const settle = `{"aps":{"alert":{"title":"Acknowledged by Ana 02:14"},"interruption-level":"passive"},
	"nightbell":{"kind":"settle","incident_id":"inc_1","actions":{"resolve":"res-token"}}}`

func TestAPhoneShowsAndRewrites(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var (
		mu    sync.Mutex
		shown []pushtest.Shown
	)
	send := func(body, collapse, kind string) {
		t.Helper()
		r := b.good()
		r.body = body
		r.header.Set("apns-push-type", kind)
		r.header.Set("apns-priority", "5")
		r.header.Set("apns-collapse-id", collapse)
		if got := b.apns(r); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	send(page, "nb-1", "alert") // before anybody watches
	b.em.OnShow(func(s pushtest.Shown) {
		mu.Lock()
		defer mu.Unlock()
		shown = append(shown, s)
	})
	send(page, "nb-2", "alert")
	send(`{"aps":{"content-available":1}}`, "nb-1", "background")
	send(settle, "nb-1", "alert")

	screen := b.em.Screen(b.phone.Token)
	if len(screen) != 2 || screen[0].Key != "nb-2" || screen[1].Title != "Acknowledged by Ana 02:14" {
		t.Fatalf("%+v", screen)
	}
	first := screen[0]
	if !first.Rings || first.Level != "critical" || first.Thread != "inc_1" || first.Subtitle != "Billing" || first.DeliveryID != "dlv_1" ||
		len(first.Buttons) != 2 || first.Buttons[0] != (pushtest.Button{Name: "acknowledge", Token: "ack-token"}) {
		t.Errorf("page: %+v", first)
	}
	if second := screen[1]; second.Rings || len(second.Buttons) != 1 || second.Buttons[0].Name != "resolve" {
		t.Errorf("settled: %+v", second)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(shown) != 2 || shown[0].Replaced != nil || shown[1].Replaced == nil || shown[1].Replaced.Title != "db down" || shown[1].Device != b.phone {
		t.Errorf("shown: %+v", shown)
	}
}

func TestAnAndroidPhoneShowsWhatItsAppWould(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	send := func(data map[string]string, priority string) {
		t.Helper()
		raw, err := json.Marshal(map[string]any{"message": map[string]any{
			"token": g.phone, "data": data, "android": map[string]any{"priority": priority},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if r := g.send(string(raw)); r.status != 200 {
			t.Fatalf("%+v", r)
		}
	}
	send(map[string]string{"title": "db down", "collapse_id": "nb-1", "level": "time-sensitive", "server": "s", "action_acknowledge": "a"}, "high")
	send(map[string]string{"sync": "1"}, "normal")
	n := g.em.Screen(g.phone)
	if len(n) != 1 || n[0].Title != "db down" || !n[0].Rings || n[0].Server != "s" || len(n[0].Buttons) != 1 {
		t.Fatalf("%+v", n)
	}
	send(map[string]string{"title": "Resolved", "collapse_id": "nb-1", "level": "passive"}, "normal")
	if n := g.em.Screen(g.phone); len(n) != 1 || n[0].Title != "Resolved" || n[0].Rings || len(n[0].Buttons) != 0 {
		t.Errorf("%+v", n)
	}
}

func TestHistoryAndScreenAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 450 {
		if r := b.apns(b.good()); r.status != 200 {
			t.Fatalf("%+v", r)
		}
	}
	got := b.em.Received(b.phone.Token)
	if len(got) < 100 || len(got) > 200 || got[len(got)-1].Seq != 450 {
		t.Errorf("%d pushes are remembered, the last has seq %d", len(got), got[len(got)-1].Seq)
	}
	if n := len(b.em.Screen(b.phone.Token)); n != 50 {
		t.Errorf("the screen shows %d", n)
	}
}

func TestPressTellsTheServer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + string(body)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, `{"changed":true}`)
	}))
	defer server.Close()
	if _, err := b.em.Press(t.Context(), b.phone.Token, "acknowledge"); err == nil || !strings.Contains(err.Error(), "no notification") {
		t.Errorf("with an empty screen: %v", err)
	}
	r := b.good()
	r.body = strings.Replace(page, "SERVER", server.URL, 1)
	b.apns(r)
	answer, err := b.em.Press(t.Context(), b.phone.Token, "acknowledge")
	if err != nil || answer.Status != 200 || string(answer.Body) != `{"changed":true}` {
		t.Errorf("%+v %v", answer, err)
	}
	if want := `POST /v1/actions {"token":"ack-token"}`; got != want {
		t.Errorf("the server got %q, want %q", got, want)
	}
}

func TestWaitEndsWithTheContextAndTheEmulator(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := b.em.WaitPushes(ctx, b.phone.Token, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	ended := make(chan error, 1)
	asked := make(chan struct{}, 1)
	go func() {
		ended <- b.em.Wait(t.Context(), func() bool { asked <- struct{}{}; return false })
	}()
	<-asked
	_ = b.em.Close()
	if err := <-ended; err == nil {
		t.Error("a wait outlived the emulator")
	}
}

func TestDevicesThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, d := range []pushtest.Device{
		{},
		{Provider: push.APNs, Token: "xyz", App: "a"},
		{Provider: push.APNs, Token: "00", App: "a", Environment: "staging"},
		{Provider: push.APNs, Token: "00"},
		{Provider: push.FCM, Token: "short", App: "a"},
		{Provider: "mail", Token: "00", App: "a"},
	} {
		if err := b.em.AddDevice(d); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
	if b.em.Kill("00", time.Time{}) || b.em.RemoveDevice("00") {
		t.Error("there is no such device")
	}
}
