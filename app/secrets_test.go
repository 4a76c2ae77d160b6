package app

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// What a night leaves in the log, at its most talkative, opens nothing: no
// password, token, key, secret or address to push to. And what was shown once
// is not shown again.
func TestTheLogAndTheAnswersKeepSecrets(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, place modelstest.Place) {
		hook := &listener{}
		receiver := httptest.NewServer(hook)
		t.Cleanup(receiver.Close)
		h := adminOn(t, place, func(c *Config, _ *pushtest.Emulator) { c.Webhook.AllowNetworks = []string{"127.0.0.0/8", "::1"} })
		ios := h.em.NewAPNsApp("com.example.late")
		h.call("POST", "/v1/push/apps", map[string]any{"provider": "apns", "name": "ios", "bundle_id": ios.BundleID, "team_id": ios.TeamID, "key_id": ios.KeyID, "key": ios.KeyPEM}, 201, nil)
		phone := h.em.NewDevice(push.APNs, "com.example.late")
		var device struct{ ID, ReceiptKey string }
		h.call("POST", "/v1/devices", map[string]any{"platform": "ios", "provider": "apns", "token": phone.Token}, 201, &named{"id": &device.ID, "receipt_key": &device.ReceiptKey})
		var contact, shown, rotated string
		h.call("POST", "/v1/contact-methods", map[string]any{"method": "webhook", "address": receiver.URL + "/?key=of-the-address"}, 201, &named{"id": &contact, "secret": &shown})
		h.call("POST", "/v1/contact-methods/"+contact+"/verify", map[string]any{}, 200, nil)
		h.call("POST", "/v1/contact-methods/"+contact+"/rotate-secret", nil, 200, &named{"secret": &rotated})
		h.call("PUT", "/v1/notification-rules", map[string]any{"items": []any{
			map[string]any{"urgency": "high", "method": "webhook"}, map[string]any{"urgency": "high", "method": "push"},
		}}, 200, nil)
		h.trigger("db-1")
		h.rings(1, phone)
		token := hook.token(t)
		res, err := http.PostForm("http://"+h.node.Addr()+"/act", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the button answers %d", res.StatusCode)
		}
		secrets := map[string]string{
			"the password": "a long enough password", "an access token": h.token, "a push token": phone.Token, "a receipt key": device.ReceiptKey,
			"a webhook's secret": shown, "its new one": rotated, "an action token": token, "the key of a push app": strings.Split(ios.KeyPEM, "\n")[1],
			"the instance secret": strings.Repeat("s", minSecret),
		}
		var read strings.Builder
		for _, path := range []string{"/v1/me", "/v1/devices", "/v1/contact-methods", "/v1/push/apps", "/v1/push/apps/apns/ios", "/v1/deliveries", "/v1/incidents", "/metrics"} {
			read.WriteString(h.call("GET", path, nil, 200, nil))
		}
		log, answers := h.log.String(), read.String()
		for what, secret := range secrets {
			if secret == "" || strings.Contains(log, secret) || strings.Contains(answers, secret) {
				t.Errorf("%s (%q) is in the log (%v) or in an answer (%v)", what, secret, strings.Contains(log, secret), strings.Contains(answers, secret))
			}
		}
		if strings.Contains(log, "of-the-address") {
			t.Error("a webhook's whole address is in the log")
		}
		if !strings.Contains(log, "level=DEBUG") && !strings.Contains(log, "/act") {
			t.Error("the log was not talkative")
		}
	})
}

// named reads some fields of an answer.
type named map[string]*string

func (n *named) UnmarshalJSON(b []byte) error {
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for key, to := range *n {
		*to, _ = all[key].(string)
	}
	return nil
}

// listener is somebody's webhook.
type listener struct {
	mu     sync.Mutex
	tokens []string
	came   chan struct{} // closed by the first page
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e struct {
		Challenge string
		Actions   map[string]struct{ Token string }
	}
	if json.NewDecoder(r.Body).Decode(&e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	if a, ok := e.Actions["acknowledge"]; ok {
		if l.tokens = append(l.tokens, a.Token); len(l.tokens) == 1 {
			close(l.first())
		}
	}
	l.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]string{"challenge": e.Challenge})
}

// first needs the lock.
func (l *listener) first() chan struct{} {
	if l.came == nil {
		l.came = make(chan struct{})
	}
	return l.came
}

// token waits for the button of the first page.
func (l *listener) token(t *testing.T) string {
	t.Helper()
	l.mu.Lock()
	came := l.first()
	l.mu.Unlock()
	select {
	case <-came:
	case <-t.Context().Done():
		t.Fatal("no page came")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens[0]
}

// Whoever can write to the database cannot move a secret to another row.
func TestSealedSecretsAreBoundToTheirRows(t *testing.T) {
	t.Parallel()
	secret := []byte(strings.Repeat("s", minSecret))
	c := &carriers{vault: auth.NewVault(secret, "webhook secrets")}
	shown, sealed, err := c.NewSecret("dev_a")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.open(sealed, "dev_a"); got != shown || err != nil {
		t.Errorf("its own: %v", err)
	}
	if _, err := c.open(sealed, "dev_b"); err == nil {
		t.Error("a webhook signs with another's secret")
	}
	p := &pushers{vault: auth.NewVault(secret, "push apps")}
	a := push.App{Provider: push.APNs, Name: "ios"}
	a.Sealed = p.vault.Seal([]byte("key"), owner(a))
	if _, err := p.open(a); err != nil {
		t.Error(err)
	}
	a.Name = "other"
	if _, err := p.open(a); err == nil {
		t.Error("an app has another's key")
	}
	if _, err := c.open(encodeSealed(a.Sealed), "apns/ios"); err == nil {
		t.Error("what was sealed for one purpose opens for another")
	}
}
