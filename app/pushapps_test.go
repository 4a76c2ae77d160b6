package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/setup"
)

// admin is a node with an admin signed in, and the emulator as its providers.
type admin struct {
	t     *testing.T
	em    *pushtest.Emulator
	node  *App
	log   *logBook
	conf  Config
	token string
}

const adminSetup = `
users: [{name: Ana, email: ana@example.com, role: admin, password: a long enough password}]
policies: [{name: Default, loops: 0, levels: [{delay: 1h, targets: [{user: ana@example.com}]}]}]
services: [{name: Checkout, policy: Default}]
integrations: [{name: Monitor, service: Checkout, routing_key: stage000000000000000000000000key}]
`

// adminOn starts a node on the database.
func adminOn(t *testing.T, place modelstest.Place, more func(*Config, *pushtest.Emulator)) *admin {
	t.Helper()
	em, err := pushtest.Start(pushtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	c := testConfig(t)
	c.Database, c.Secret, c.Lease = place.URL, strings.Repeat("s", minSecret), 2*time.Second
	c.Push.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.Push.CAFile, em.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Push.APNs.EndpointProduction, c.Push.APNs.EndpointSandbox = em.APNsURL(pushtest.Production), em.APNsURL(pushtest.Sandbox)
	c.Push.FCM.Endpoint = em.FCMURL()
	if more != nil {
		more(&c, em)
	}
	h := &admin{t: t, em: em, conf: c}
	h.node, h.log = h.start("test")
	var session struct {
		AccessToken string `json:"access_token"`
	}
	h.call("POST", "/v1/sessions", map[string]any{"email": "ana@example.com", "password": "a long enough password"}, 201, &session)
	h.token = session.AccessToken
	return h
}

// start starts one more node on the same database.
func (h *admin) start(name string) (*App, *logBook) {
	h.t.Helper()
	seed, err := setup.Parse([]byte(adminSetup))
	if err != nil {
		h.t.Fatal(err)
	}
	c, book := h.conf, &logBook{}
	c.Node = name
	opt := Options{Log: slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if name == "test" {
		opt.Seed = &seed
	}
	a, err := New(c, opt)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := a.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { stopApp(h.t, a) })
	return a, book
}

func (h *admin) call(method, path string, in any, want int, out any) string {
	h.t.Helper()
	return h.callAt(h.node, method, path, in, want, out)
}

func (h *admin) callAt(a *App, method, path string, in any, want int, out any) string {
	h.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		h.t.Fatal(err)
	}
	if in == nil {
		body = nil
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+a.Addr()+path, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != want {
		h.t.Fatalf("%s %s answered %d, want %d: %s\n%s", method, path, res.StatusCode, want, answer, h.log)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			h.t.Fatal(err)
		}
	}
	return string(answer)
}

// phone registers a stand-in phone of the app.
func (h *admin) phone(provider, app string, d pushtest.Device) pushtest.Device {
	h.t.Helper()
	platform := map[string]string{"apns": "ios", "fcm": "android"}[provider]
	h.call("POST", "/v1/devices", map[string]any{"platform": platform, "provider": provider, "app": app, "token": d.Token}, 201, nil)
	return d
}

func (h *admin) trigger(key string) {
	h.t.Helper()
	h.call("POST", "/v2/enqueue", map[string]any{
		"routing_key": "stage000000000000000000000000key", "event_action": "trigger", "dedup_key": key,
		"payload": map[string]string{"summary": key, "source": "test", "severity": "critical"},
	}, 202, nil)
}

// rings waits until each of the phones shows so many notifications.
func (h *admin) rings(n int, phones ...pushtest.Device) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	err := h.em.Wait(ctx, func() bool {
		for _, d := range phones {
			if len(h.em.Screen(d.Token)) < n {
				return false
			}
		}
		return true
	})
	if err != nil {
		h.t.Fatalf("the phones do not show %d notifications each: %v\n%s", n, err, h.log)
	}
}

func pemKey(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// An admin brings an app with a wrong key, a page waits for it, the right key
// comes, and the page rings at once: not when its next try would have been.
func TestAMendedKeyRingsAtOnce(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, place modelstest.Place) {
		h := adminOn(t, place, nil)
		ios := h.em.NewAPNsApp("com.example.late")
		account, err := h.em.NewServiceAccount("late")
		if err != nil {
			t.Fatal(err)
		}
		wrong := pemKey(t, elliptic.P256()) // a good key, but nobody's
		h.call("POST", "/v1/push/apps", map[string]any{"provider": "apns", "name": "ios", "bundle_id": ios.BundleID, "team_id": ios.TeamID, "key_id": ios.KeyID, "key": wrong}, 201, nil)
		h.call("POST", "/v1/push/apps", map[string]any{"provider": "fcm", "name": "android", "service_account": string(account)}, 201, nil)
		iphone := h.phone("apns", "ios", h.em.NewDevice(push.APNs, "com.example.late"))
		android := h.phone("fcm", "android", h.em.NewDevice(push.FCM, "late"))

		h.trigger("db-1")
		h.rings(1, android) // whose lane is none the worse
		h.waitLog("push lane paused")
		h.call("PUT", "/v1/push/apps/apns/ios", map[string]any{"bundle_id": ios.BundleID, "team_id": ios.TeamID, "key_id": ios.KeyID, "key": ios.KeyPEM}, 200, nil)
		began := time.Now()
		h.rings(1, iphone)
		t.Logf("rang %s after the key was mended", time.Since(began).Round(time.Millisecond))

		// The key is sealed, and what it is called is not.
		answer := h.call("GET", "/v1/push/apps/apns/ios", nil, 200, nil)
		if strings.Contains(answer, "PRIVATE") || !strings.Contains(answer, ios.KeyID) || !strings.Contains(answer, "fingerprint") {
			t.Errorf("the app is shown as %s", answer)
		}
		h.call("DELETE", "/v1/push/apps/apns/ios", nil, 409, nil)
		if book := h.log.String(); strings.Contains(book, "BEGIN PRIVATE KEY") || !strings.Contains(book, "an admin changed a push app") {
			t.Errorf("the log tells the wrong things: %s", book)
		}
	})
}

// waitLog waits until the node has logged the words.
func (h *admin) waitLog(words string) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(h.log.String(), words); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%q was not logged within a minute:\n%s", words, h.log)
		}
	}
}

// What one node is told the others use without a restart, and so does a node
// that starts later.
func TestOtherNodesPickAnAppUp(t *testing.T) {
	t.Parallel()
	h := adminOn(t, modelstest.Postgres(t), nil)
	other, _ := h.start("other")
	ios := h.em.NewAPNsApp("com.example.late")
	h.call("POST", "/v1/push/apps", map[string]any{"provider": "apns", "name": "ios", "bundle_id": ios.BundleID, "team_id": ios.TeamID, "key_id": ios.KeyID, "key": ios.KeyPEM}, 201, nil)
	register := func(a *App) int {
		d := h.em.NewDevice(push.APNs, "com.example.late")
		body := fmt.Sprintf(`{"platform":"ios","provider":"apns","app":"ios","token":%q}`, d.Token)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.Addr()+"/v1/devices", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+h.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for deadline := time.Now().Add(time.Minute); register(other) != 201; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other node did not learn of the app within a minute")
		}
	}
	later, _ := h.start("later")
	if status := register(later); status != 201 {
		t.Errorf("a node that starts later answers %d", status)
	}
	h.call("DELETE", "/v1/push/apps/apns/ios?force=true", nil, 204, nil)
	h.call("GET", "/v1/push/apps/apns/ios", nil, 404, nil)
	var mine struct{ Items []any }
	if h.call("GET", "/v1/devices", nil, 200, &mine); len(mine.Items) < 2 {
		t.Errorf("the app's devices went with it: %v", mine.Items)
	}
}

// Credentials are judged when they come, as those of the file are at start.
func TestBadCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	h := adminOn(t, modelstest.SQLite(t), func(c *Config, em *pushtest.Emulator) {
		ios := em.NewAPNsApp("com.example.filed")
		c.Push.APNs.Apps = []APNsApp{{Name: "filed", BundleID: ios.BundleID, TeamID: ios.TeamID, KeyID: ios.KeyID, Key: ios.KeyPEM}}
	})
	account, err := h.em.NewServiceAccount("p")
	if err != nil {
		t.Fatal(err)
	}
	var google map[string]string
	if err := json.Unmarshal(account, &google); err != nil {
		t.Fatal(err)
	}
	without := func(field string) string {
		part := map[string]string{}
		for k, v := range google {
			if k != field {
				part[k] = v
			}
		}
		text, _ := json.Marshal(part)
		return string(text)
	}
	apple := func(key string) map[string]any {
		return map[string]any{"provider": "apns", "name": "ios", "bundle_id": "b", "team_id": "T", "key_id": "K", "key": key}
	}
	for name, c := range map[string]struct {
		body        map[string]any
		status      int
		code, field string
		says        string
	}{
		"P-384":               {apple(pemKey(t, elliptic.P384())), 400, "bad_push_key", "key", "P-256"},
		"RSA":                 {apple(google["private_key"]), 400, "bad_push_key", "key", "elliptic"},
		"encrypted":           {apple("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"), 400, "bad_push_key", "key", "passphrase"},
		"a certificate":       {apple("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), 400, "bad_push_key", "key", "certificate"},
		"no PEM":              {apple("hello"), 400, "bad_push_key", "key", "PEM"},
		"no key":              {map[string]any{"provider": "apns", "name": "ios", "bundle_id": "b", "team_id": "T", "key_id": "K"}, 400, "bad_push_key", "key", "PEM"},
		"no project":          {map[string]any{"provider": "fcm", "name": "a", "service_account": without("project_id")}, 400, "bad_push_key", "service_account", "project_id"},
		"no account":          {map[string]any{"provider": "fcm", "name": "a"}, 400, "bad_push_key", "service_account", "JSON"},
		"an app's JSON":       {map[string]any{"provider": "fcm", "name": "a", "service_account": `{"project_info":{}}`}, 400, "bad_push_key", "service_account", "google-services.json"},
		"both":                {map[string]any{"provider": "fcm", "name": "a", "service_account": string(account), "ambient": true, "project_id": "p"}, 400, "bad_push_key", "service_account", "leave one"},
		"a name of the file":  {func() map[string]any { b := apple("k"); b["name"] = "filed"; return b }(), 409, "push_app_exists", "", "filed"},
		"ambient, no project": {map[string]any{"provider": "fcm", "name": "a", "ambient": true}, 400, "bad_push_app", "project_id", "missing"},
	} {
		var p struct{ Code, Field, Detail string }
		h.call("POST", "/v1/push/apps", c.body, c.status, &p)
		if p.Code != c.code || p.Field != c.field || !strings.Contains(p.Detail, c.says) {
			t.Errorf("%s: refused with %+v", name, p)
		}
	}
	h.call("PUT", "/v1/push/apps/apns/filed", map[string]any{"bundle_id": "b"}, 409, nil)
	h.call("DELETE", "/v1/push/apps/apns/filed", nil, 409, nil)
	if shown := h.call("GET", "/v1/push/apps/apns/filed", nil, 200, nil); !strings.Contains(shown, `"file"`) || strings.Contains(shown, "PRIVATE") {
		t.Errorf("the file's app is shown as %s", shown)
	}
	// A change without credentials keeps them, and what is said of them.
	var before, after map[string]any
	h.call("POST", "/v1/push/apps", map[string]any{"provider": "fcm", "name": "a", "service_account": string(account)}, 201, &before)
	h.call("PUT", "/v1/push/apps/fcm/a", map[string]any{}, 200, &after)
	for _, field := range []string{"fingerprint", "client_email", "project_id"} {
		if before[field] == nil || before[field] != after[field] {
			t.Errorf("%s was %v and is %v", field, before[field], after[field])
		}
	}
}
