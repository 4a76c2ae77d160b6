package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/webhook"
	"github.com/nightbell/nightbell/push/wire"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// receiver is somebody's program.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer func(w http.ResponseWriter, body string)
}

func receive(t *testing.T, answer func(w http.ResponseWriter, body string)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got, r.bodies = append(r.got, req), append(r.bodies, string(b))
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(w, string(b))
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

func sender(t *testing.T, r *receiver, change func(*webhook.Config)) *webhook.Sender {
	t.Helper()
	c := webhook.Config{
		Guard: wire.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Roots: r.roots(),
		Open: func(sealed, _ string) (string, error) { return strings.TrimPrefix(sealed, "sealed:"), nil },
		Now:  func() time.Time { return noon },
	}
	if change != nil {
		change(&c)
	}
	s := webhook.New(c)
	t.Cleanup(s.Close)
	return s
}

func letter(address, secret string) push.Message {
	return push.Message{
		DeliveryID: "dlv_1", Kind: push.Page, Token: address, Keys: push.Keys{Secret: "sealed:" + secret},
		Letter: &push.Letter{
			Title: "Checkout is down", Body: "#12", What: "#12 Checkout is down", Service: "Checkout", IncidentID: "inc_1", Number: 12, Revision: 3,
			UserID: "usr_1", DeviceID: "dev_1", Severity: incident.Critical, Urgency: incident.High, Status: incident.Triggered,
			CreatedAt: noon, Server: "https://nightbell.example.com/", Acknowledge: "a.b", Resolve: "c.d",
		},
	}
}

// valid is a receiver's own check, written from the specification
// (standardwebhooks.com) and not from our code.
func valid(secret string, r *http.Request, body string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, r.Header.Get("webhook-id")+"."+r.Header.Get("webhook-timestamp")+"."+body)
	for s := range strings.SplitSeq(r.Header.Get("webhook-signature"), " ") {
		version, given, _ := strings.Cut(s, ",")
		got, err := base64.StdEncoding.DecodeString(given)
		if version == "v1" && err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// The example of the specification's own libraries.
func TestTheSpecificationsVector(t *testing.T) {
	t.Parallel()
	got, err := webhook.Sign([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestALetterIsSignedAndComplete(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	secret := webhook.NewSecret()
	if got := sender(t, r, nil).Send(t.Context(), letter(r.URL+"/hook", secret)); got.Class != push.ClassAccepted {
		t.Fatalf("%+v", got)
	}
	req := r.got[0]
	if !valid(secret, req, r.bodies[0]) || valid(webhook.NewSecret(), req, r.bodies[0]) || valid(secret, req, r.bodies[0]+" ") {
		t.Error("the signature does not prove what it should")
	}
	if req.Header.Get("Webhook-Id") != "dlv_1" || req.Header.Get("Webhook-Timestamp") != "1795608000" || req.URL.Path != "/hook" {
		t.Errorf("%v %v", req.URL, req.Header)
	}
	var e webhook.Event
	if err := json.Unmarshal([]byte(r.bodies[0]), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "incident.triggered" || e.Incident.Title != "Checkout is down" || e.Incident.Number != 12 || e.ContactMethodID != "dev_1" ||
		e.Actions["acknowledge"] != (webhook.Action{Token: "a.b", URL: "https://nightbell.example.com/v1/actions", Page: "https://nightbell.example.com/act?token=a.b"}) {
		t.Errorf("%+v", e)
	}
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	s, secret := sender(t, r, nil), webhook.NewSecret()
	for _, tt := range []struct {
		kind       push.Kind
		status     incident.Status
		reassigned bool
		want       string
	}{
		{push.Page, incident.Triggered, false, "incident.triggered"},
		{push.Settle, incident.Acknowledged, false, "incident.acknowledged"},
		{push.Settle, incident.Resolved, false, "incident.resolved"},
		{push.Settle, incident.Triggered, true, "incident.reassigned"},
		{push.Update, incident.Acknowledged, false, "incident.updated"},
		{push.Test, "", false, "test"},
	} {
		m := letter(r.URL, secret)
		m.Kind, m.Letter.Status, m.Letter.Reassigned = tt.kind, tt.status, tt.reassigned
		s.Send(t.Context(), m)
		if last := r.bodies[len(r.bodies)-1]; !strings.Contains(last, `"type":"`+tt.want+`"`) {
			t.Errorf("want %s in %s", tt.want, last)
		}
	}
}

func TestWhileASecretIsRotatedBothSign(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	s, newest, former := sender(t, r, nil), webhook.NewSecret(), webhook.NewSecret()
	m := letter(r.URL, newest)
	m.Keys.Former, m.Keys.FormerUntil = "sealed:"+former, noon.Add(time.Second)
	s.Send(t.Context(), m)
	if !valid(newest, r.got[0], r.bodies[0]) || !valid(former, r.got[0], r.bodies[0]) {
		t.Error("one of the two does not count")
	}
	m.Keys.FormerUntil = noon
	s.Send(t.Context(), m)
	if !valid(newest, r.got[1], r.bodies[1]) || valid(former, r.got[1], r.bodies[1]) {
		t.Error("the former secret counts after its time")
	}
}

func TestWhatReceiversAnswer(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	for status, want := range map[int]push.Result{
		204: {Class: push.ClassAccepted, Status: 204},
		302: {Class: push.ClassTokenSuspect, Status: 302, Reason: webhook.ReasonRedirect},
		404: {Class: push.ClassTokenSuspect, Status: 404, Reason: "not found"},
		410: {Class: push.ClassTokenDead, Status: 410, Reason: "gone"},
		429: {Class: push.ClassDeviceThrottled, Status: 429, Reason: "too many requests", RetryAfter: 7 * time.Second},
		503: {Class: push.ClassRetry, Status: 503, Reason: "service unavailable", RetryAfter: 7 * time.Second},
	} {
		r := receive(t, func(w http.ResponseWriter, _ string) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		})
		if got := sender(t, r, nil).Send(t.Context(), letter(r.URL, secret)); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if len(r.got) != 1 {
			t.Errorf("%d was asked %d times", status, len(r.got))
		}
	}
}

func TestReceiversThatCannotBeReached(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	r := receive(t, nil)
	check := func(what string, got push.Result, class push.Class, reason string) {
		t.Helper()
		if got.Class != class || got.Reason != reason {
			t.Errorf("%s: %+v, want %s %s", what, got, class, reason)
		}
	}
	guarded := sender(t, r, func(c *webhook.Config) { c.Guard = wire.Guard{} })
	check("inside the network", guarded.Send(t.Context(), letter(r.URL, secret)), push.ClassTokenSuspect, webhook.ReasonForbidden)
	check("a name that leads inside", guarded.Send(t.Context(), letter(strings.Replace(r.URL, "127.0.0.1", "localhost", 1), secret)), push.ClassTokenSuspect, webhook.ReasonForbidden)
	strange := sender(t, r, func(c *webhook.Config) { c.Roots = x509.NewCertPool() })
	check("an unknown certificate", strange.Send(t.Context(), letter(r.URL, secret)), push.ClassTokenSuspect, wire.ReasonUntrusted)
	check("no secret", sender(t, r, nil).Send(t.Context(), letter(r.URL, "?")), push.ClassRetry, wire.ReasonConnectionLost)
	if len(r.got) != 0 {
		t.Error("something was sent")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	hangs := receive(t, nil)
	release := make(chan struct{})
	hangs.answer = func(http.ResponseWriter, string) { <-release }
	defer close(release)
	check("silence", sender(t, hangs, nil).Send(ctx, letter(hangs.URL, secret)), push.ClassRetry, wire.ReasonTimeout)
	r.Close()
	check("nobody there", sender(t, r, nil).Send(t.Context(), letter(r.URL, secret)), push.ClassRetry, wire.ReasonUnreachable)
}

func TestTheChallenge(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	echo := func(w http.ResponseWriter, body string) {
		var q struct{ Type, Challenge string }
		if json.Unmarshal([]byte(body), &q) == nil && q.Type == "webhook.verification" {
			_ = json.NewEncoder(w).Encode(map[string]string{"challenge": q.Challenge})
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, string)
		ok     bool
	}{
		{"as JSON", echo, true},
		{"as text", func(w http.ResponseWriter, body string) {
			var q struct{ Challenge string }
			_ = json.Unmarshal([]byte(body), &q)
			_, _ = io.WriteString(w, q.Challenge+"\n")
		}, true},
		{"not at all", func(http.ResponseWriter, string) {}, false},
		{"another", func(w http.ResponseWriter, _ string) { _, _ = io.WriteString(w, `{"challenge":"x"}`) }, false},
		{"with an error", func(w http.ResponseWriter, body string) { w.WriteHeader(http.StatusInternalServerError); echo(w, body) }, false},
	} {
		r := receive(t, tt.answer)
		err := sender(t, r, nil).Challenge(t.Context(), r.URL, "dev_1", secret)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !valid(secret, r.got[0], r.bodies[0]) {
			t.Errorf("%s: the challenge is not signed", tt.name)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://Hooks.Example.com/a?b=c": "https://hooks.example.com/a?b=c", " https://x.example:8443/ ": "https://x.example:8443/", "https://1.1.1.1/": "https://1.1.1.1/",
		"": "", "http://x.example/": "", "ftp://x.example/": "", "https://": "", "https:x.example": "", "//x.example": "", "javascript:alert(1)": "",
		"https://a:b@x.example/": "", "https://x.example/#a": "", "https://127.0.0.1/": "", "https://[::1]/": "", "https://[::ffff:10.0.0.1]/": "",
		"https://169.254.169.254/latest": "", "https://x.example/\r\nHost: y": "", "https://x.example/ä": "", "https://x.example/" + strings.Repeat("a", 2048): "",
	} {
		got, err := webhook.Address(in, wire.Guard{})
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	own := wire.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	if got, err := webhook.Address("http://10.1.2.3/hook", own); err != nil || got != "http://10.1.2.3/hook" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := webhook.Address("http://1.1.1.1/hook", own); !fault.Is(err, "bad_address") {
		t.Errorf("in the clear through the internet: %q, %v", got, err)
	}
}

// Where the operator lets a network of their own through, plain http leads into
// it and nowhere else: a name may lead out of it at any time.
func TestPlainHTTPStaysInTheOperatorsNetworks(t *testing.T) {
	t.Parallel()
	r := receive(t, nil)
	heard := httptest.NewServer(r.Config.Handler)
	t.Cleanup(heard.Close)
	secret := webhook.NewSecret()
	at := letter(strings.Replace(heard.URL, "127.0.0.1", "localhost", 1), secret)
	if got := sender(t, r, nil).Send(t.Context(), at); got.Class != push.ClassAccepted {
		t.Errorf("into the network: %+v", got)
	}
	elsewhere := sender(t, r, func(c *webhook.Config) { c.Guard.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	if got := elsewhere.Send(t.Context(), at); got.Class != push.ClassTokenSuspect || got.Reason != webhook.ReasonPlain {
		t.Errorf("out of it: %+v", got)
	}
	if err := elsewhere.Challenge(t.Context(), at.Token, "dev_1", secret); !fault.Is(err, "challenge_failed") {
		t.Errorf("the challenge: %v", err)
	}
	if len(r.got) != 1 {
		t.Errorf("%d requests came", len(r.got))
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("https://hooks.example.com/a")
	f.Add("https://[fe80::1%25eth0]:99/")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := webhook.Address(s, wire.Guard{})
		if err != nil {
			return
		}
		if !strings.HasPrefix(a, "https://") || strings.ContainsAny(a, "\r\n ") {
			t.Fatalf("%q was taken as %q", s, a)
		}
		if again, err := webhook.Address(a, wire.Guard{}); again != a || err != nil {
			t.Fatalf("%q becomes %q, %v", a, again, err)
		}
	})
}
