//go:build chromium

package chromium

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/app"
	"github.com/nightbell/nightbell/push/webpush"
	"github.com/nightbell/nightbell/setup"
)

//go:embed page.html
var pageFile []byte

//go:embed worker.js
var workerFile []byte

const (
	password = "a long enough password"
	routing  = "chromium00000000000000000000key0"
	patience = 90 * time.Second
)

const organisation = `
users:
  - {name: Ana, email: ana@example.com, role: admin, password: ` + password + `}
policies:
  - {name: Default, loops: 0, levels: [{delay: 1h, targets: [{user: ana@example.com}]}]}
services:
  - {name: Checkout, policy: Default, urgency: severity}
integrations:
  - {name: Prometheus, service: Checkout, routing_key: ` + routing + `}
`

// shown is what the service worker found on the screen after a push.
type shown struct {
	Payload       string `json:"payload"`
	Notifications []struct {
		Title, Body, Tag string
		Silent           bool
		Actions          []string
	} `json:"notifications"`
}

// stage is a node, a push service and a page.
type stage struct {
	t          *testing.T
	gcm        *gcm
	node       *app.App
	token      string
	subscribed chan json.RawMessage
	failed     chan string
	shown      chan shown
}

func (s *stage) start() {
	s.t.Helper()
	seed, err := setup.Parse([]byte(organisation))
	if err != nil {
		s.t.Fatal(err)
	}
	dir := s.t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, s.gcm.caPEM(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	conf := app.Defaults()
	conf.Listen, conf.DataDir, conf.Push.CAFile = "127.0.0.1:0", filepath.Join(dir, "data"), ca
	conf.Push.WebPush.Subject = "mailto:ops@example.com"
	s.node, err = app.New(conf, app.Options{Seed: &seed, DialWebPush: s.gcm.dial})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.node.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.node.Stop(ctx); err != nil {
			s.t.Error(err)
		}
	})
	var session struct {
		AccessToken string `json:"access_token"`
	}
	s.call("POST", "/v1/sessions", map[string]string{"email": "ana@example.com", "password": password}, &session)
	s.token = session.AccessToken
}

func (s *stage) call(method, path string, in, out any) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	if in == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.node.URL()+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.t.Fatal(err)
		}
	}
}

// page serves the web app, and takes its words. The key comes from the node.
func (s *stage) page() *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(pageFile)
		case "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(workerFile)
		case "/key":
			var key json.RawMessage
			s.call("GET", "/v1/push/webpush", nil, &key)
			_, _ = w.Write(key)
		case "/subscribed":
			s.subscribed <- body
		case "/failed":
			s.failed <- string(body)
		case "/shown":
			var n shown
			_ = json.Unmarshal(body, &n)
			s.shown <- n
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	s.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv
}

// next waits for the service worker's word on a push.
func (s *stage) next() shown {
	s.t.Helper()
	select {
	case n := <-s.shown:
		return n
	case <-time.After(patience):
		s.t.Fatalf("the service worker showed nothing; %d pushes arrived, Chromium asked for %v", len(s.gcm.pushes()), s.gcm.seen())
		return shown{}
	}
}

// TestARealBrowserRings is the whole way: PushManager.subscribe with the key
// the node made, an event, our encryption, Chromium's decryption, the
// notification on its screen, its button, and the one that replaces it.
func TestARealBrowserRings(t *testing.T) {
	s := &stage{t: t, gcm: startGCM(t), subscribed: make(chan json.RawMessage, 1), failed: make(chan string, 1), shown: make(chan shown, 16)}
	s.start()
	browse(t, s.gcm, s.page().URL+"/")

	var subscription struct {
		Endpoint string            `json:"endpoint"`
		Keys     map[string]string `json:"keys"`
	}
	select {
	case raw := <-s.subscribed:
		if err := json.Unmarshal(raw, &subscription); err != nil {
			t.Fatal(err)
		}
	case why := <-s.failed:
		t.Fatalf("Chromium did not subscribe: %s; it asked for %v", why, s.gcm.seen())
	case <-time.After(patience):
		t.Fatalf("Chromium did not subscribe in time; it asked for %v", s.gcm.seen())
	}
	t.Logf("subscribed at %s", subscription.Endpoint)
	s.call("POST", "/v1/devices", map[string]any{
		"name": "Chromium", "platform": "web", "provider": "webpush", "token": subscription.Endpoint, "keys": subscription.Keys,
	}, nil)

	const title = "Zahlungen über 500 € schlagen fehl <&> 😴"
	s.call("POST", "/v2/enqueue", map[string]any{
		"routing_key": routing, "event_action": "trigger", "dedup_key": "k",
		"payload": map[string]string{"summary": title, "source": "db-1", "severity": "critical"},
	}, nil)
	page := s.next()
	if len(page.Notifications) != 1 || page.Notifications[0].Title != title || page.Notifications[0].Silent || !slices.Equal(page.Notifications[0].Actions, []string{"acknowledge", "resolve"}) {
		t.Fatalf("Chromium shows %+v", page.Notifications)
	}
	t.Logf("Chromium shows %q: %q", page.Notifications[0].Title, page.Notifications[0].Body)
	var payload struct {
		Nightbell struct {
			Kind    string            `json:"kind"`
			Actions map[string]string `json:"actions"`
		} `json:"nightbell"`
	}
	if err := json.Unmarshal([]byte(page.Payload), &payload); err != nil || payload.Nightbell.Kind != "page" {
		t.Fatalf("%v: %s", err, page.Payload)
	}

	s.token = "" // a button works without a session
	s.call("POST", "/v1/actions", map[string]string{"token": payload.Nightbell.Actions["acknowledge"]}, nil)
	// The browser whose button it was rewrites its own notification; this one
	// comes from elsewhere.
	s.call("POST", "/v2/enqueue", map[string]any{"routing_key": routing, "event_action": "resolve", "dedup_key": "k"}, nil)
	settled := s.next()
	if len(settled.Notifications) != 1 || !strings.HasPrefix(settled.Notifications[0].Title, "Resolved") || !settled.Notifications[0].Silent ||
		settled.Notifications[0].Tag != page.Notifications[0].Tag {
		t.Errorf("after the button Chromium shows %+v", settled.Notifications)
	}
	s.checkWire(page, settled)
}

// checkWire looks at what left: ciphertext of the right form, and headers.
func (s *stage) checkWire(opened ...shown) {
	s.t.Helper()
	pushes := s.gcm.pushes()
	if len(pushes) != len(opened) {
		s.t.Fatalf("%d pushes for %d notifications", len(pushes), len(opened))
	}
	for i, p := range pushes {
		urgency := "high"
		if i > 0 {
			urgency = "normal"
		}
		h := p.header
		if h.Get("Urgency") != urgency || len(h.Get("Topic")) != 32 || h.Get("Topic") != pushes[0].header.Get("Topic") || h.Get("TTL") == "" || !strings.HasPrefix(h.Get("Authorization"), "vapid t=") {
			s.t.Errorf("push %d has the headers %v", i, h)
		}
		if bytes.Contains(p.body, []byte("nightbell")) || len(p.body) > 4096 || len(opened[i].Payload) > webpush.MaxPlain {
			s.t.Errorf("push %d has %d bytes, %d opened; or is readable", i, len(p.body), len(opened[i].Payload))
		}
	}
}

// TestTheStandInIsStrict: what nobody registered is gone, so that the story
// above cannot pass by accident.
func TestTheStandInIsStrict(t *testing.T) {
	g := startGCM(t)
	client := &http.Client{Transport: &http.Transport{
		DialTLSContext: nil, TLSClientConfig: g.push.Client().Transport.(*http.Transport).TLSClientConfig,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return g.dial(ctx, network, "fcm.googleapis.com:443")
		},
	}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fcm.googleapis.com/fcm/send/nobody", strings.NewReader(fmt.Sprint("x")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusGone || len(g.pushes()) != 0 {
		t.Errorf("%d, %d pushes", resp.StatusCode, len(g.pushes()))
	}
}
