package pushtest_test

import (
	"crypto/x509"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// control calls the control API and decodes the answer.
func (b *bench) control(method, path, body string, status int, into any) {
	b.t.Helper()
	r := b.do(b.client, method, b.em.FCMURL()+"/emulator"+path, http.Header{"Content-Type": {"application/json"}}, body)
	if r.status != status {
		b.t.Fatalf("%s %s: %+v, want status %d", method, path, r, status)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		b.t.Fatalf("%s %s: %s: %v", method, path, r.body, err)
	}
}

func TestAnAppDeveloperUsesTheControlAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.control("POST", "/apns/apps", `{"bundle_id":"com.example.app"}`, 200, &b.app)
	b.control("POST", "/devices", `{"provider":"apns","app":"com.example.app","name":"Ana's phone"}`, 200, &b.phone)
	if b.phone.Token == "" || b.phone.Environment != pushtest.Production {
		t.Fatalf("device %+v", b.phone)
	}
	r := b.good()
	r.header.Set("apns-topic", "com.example.app")
	r.header.Set("authorization", "bearer "+b.jwt(b.app, nil))
	r.body = strings.Replace(page, "SERVER", "http://127.0.0.1:1", 1)
	if got := b.apns(r); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	device := "/devices/" + b.phone.Token

	var pushes []struct {
		Seq      int64           `json:"seq"`
		PushType string          `json:"push_type"`
		Payload  json.RawMessage `json:"payload"`
	}
	b.control("GET", device+"/pushes?wait=5s", "", 200, &pushes)
	if len(pushes) != 1 || pushes[0].PushType != "alert" || !strings.Contains(string(pushes[0].Payload), "db down") {
		t.Errorf("%+v", pushes)
	}
	b.control("GET", device+"/pushes?after=1", "", 200, &pushes)
	if len(pushes) != 0 {
		t.Errorf("nothing came after 1: %+v", pushes)
	}
	var screen []pushtest.Notification
	b.control("GET", device+"/screen", "", 200, &screen)
	if len(screen) != 1 || screen[0].Title != "db down" {
		t.Errorf("%+v", screen)
	}
	b.control("POST", device+"/press", `{"button":"snooze"}`, 409, nil)
	b.control("POST", device+"/press", `{"button":"acknowledge"}`, 400, nil) // nobody listens there

	b.control("POST", device+"/kill", `{"since":"2026-01-02T03:04:05Z"}`, 200, nil)
	if got := b.apns(r); got.status != 410 || !strings.Contains(got.body, "1767323045000") {
		t.Errorf("%+v", got)
	}
	var refusals []pushtest.Refusal
	b.control("GET", "/refusals", "", 200, &refusals)
	if len(refusals) != 1 || refusals[0].Reason != "Unregistered" || refusals[0].Token != b.phone.Token {
		t.Errorf("%+v", refusals)
	}
	b.control("DELETE", device, "", 200, nil)
	b.control("GET", device+"/screen", "", 404, nil)
}

func TestFaultsOverTheControlAPI(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var made struct{ ID int }
	b.control("POST", "/faults", `{"provider":"apns","status":503,"reason":"Shutdown","latency":"1ms","retry_after":"3"}`, 200, &made)
	if got := b.apns(b.good()); got.status != 503 || got.header.Get("retry-after") != "3" {
		t.Errorf("%+v", got)
	}
	var active []pushtest.Active
	b.control("GET", "/faults", "", 200, &active)
	want := pushtest.Fault{Provider: push.APNs, Status: 503, Reason: "Shutdown", Latency: pushtest.Duration(time.Millisecond), RetryAfter: "3"}
	if len(active) != 1 || active[0].ID != made.ID || active[0].Hits != 1 || active[0].Fault != want {
		t.Errorf("%+v", active)
	}
	b.control("DELETE", "/faults/1", "", 200, nil)
	b.control("PUT", "/latency", `{"latency":"2ms"}`, 200, nil)
	if got := b.apns(b.good()); got.status != 200 {
		t.Errorf("%+v", got)
	}
	b.control("POST", "/goaway", `{"provider":"apns","reason":"maintenance"}`, 200, nil)
	b.control("DELETE", "/faults", "", 200, nil)
	if got := b.apns(b.good()); got.status != 200 {
		t.Errorf("after GOAWAY: %+v", got)
	}
	b.control("POST", "/cut", `{"provider":"apns"}`, 200, nil)
	var about map[string]any
	b.control("GET", "", "", 200, &about)
	if about["apns_production"] != b.em.APNsURL(pushtest.Production) || about["apns_pushes"] != 2.0 {
		t.Errorf("%+v", about)
	}
}

func TestControlAPIExplainsMistakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/faults", `{"lattency":"1s"}`, 400, "lattency"},
		{"POST", "/faults", `{"latency":"soon"}`, 400, "soon"},
		{"POST", "/devices", `{"provider":"apns","app":"a","token":"xyz"}`, 400, "hexadecimal"},
		{"POST", "/apns/apps", `{}`, 400, "bundle_id"},
		{"POST", "/fcm/projects", `{}`, 400, "project_id"},
		{"POST", "/goaway", `{"provider":"carrier"}`, 400, "apns, fcm or webpush"},
		{"POST", "/cut", ``, 400, "apns, fcm or webpush"},
		{"PUT", "/latency", `{"latency":"-5s"}`, 400, "negative"},
		{"PUT", "/latency", `{"latency"`, 400, "the body cannot be used"},
		{"DELETE", "/faults/x", ``, 404, "number"},
		{"POST", "/devices/00/kill", ``, 404, "no device"},
		{"GET", "/nothing", ``, 404, "not part of the control API"},
	} {
		var e struct{ Error string }
		b.control(tt.method, tt.path, tt.body, tt.status, &e)
		if !strings.Contains(e.Error, tt.says) {
			t.Errorf("%s %s: %q does not say %q", tt.method, tt.path, e.Error, tt.says)
		}
	}
}

func TestCertificateIsOffered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.do(b.client, "GET", b.em.FCMURL()+"/emulator/ca.pem", nil, "")
	if r.body != string(b.em.CAPEM()) || !x509.NewCertPool().AppendCertsFromPEM([]byte(r.body)) {
		t.Errorf("%+v", r)
	}
}

func TestPlainControlListener(t *testing.T) {
	t.Parallel()
	em, err := pushtest.Start(pushtest.Config{ControlAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer em.Close()
	b := &bench{t: t}
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	if r := b.do(c, "GET", em.ControlURL(), nil, ""); r.status != 200 || !strings.Contains(r.body, em.FCMURL()) {
		t.Errorf("%+v", r)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	taken := strings.TrimPrefix(b.em.FCMURL(), "https://")
	for _, cfg := range []pushtest.Config{
		{Addr: "nowhere"}, {Addr: "127.0.0.1:http"}, {Addr: "127.0.0.1:65535"}, {Addr: taken},
		{ControlAddr: taken}, {SandboxAddr: taken},
	} {
		em, err := pushtest.Start(cfg)
		if err == nil {
			_ = em.Close()
			t.Errorf("%+v started", cfg)
		}
	}
}
