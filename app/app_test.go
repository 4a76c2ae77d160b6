package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// testConfig is a node of its own: any free port, a data directory that does
// not exist yet.
func testConfig(t *testing.T) Config {
	t.Helper()
	c := Defaults()
	c.Listen, c.DataDir, c.Node = "127.0.0.1:0", filepath.Join(t.TempDir(), "data"), "test"
	return c
}

// logBook is a log that many goroutines write and the test reads.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newApp(t *testing.T, c Config) (*App, *logBook) {
	t.Helper()
	book := &logBook{}
	a, err := New(c, Options{Log: slog.New(slog.NewTextHandler(book, nil)), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return a, book
}

func startApp(t *testing.T, c Config) (*App, *logBook) {
	t.Helper()
	a, book := newApp(t, c)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopApp(t, a) })
	return a, book
}

func stopApp(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := a.Stop(ctx); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// get asks without keeping a connection.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestANodeComesUpAndGoesDownInOrder(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := testConfig(t)
	a, book := startApp(t, c)

	if status, body := get(t, a.URL()+"/healthz"); status != 200 || !strings.Contains(body, `"up"`) {
		t.Errorf("/healthz: %d %s", status, body)
	}
	status, body := get(t, a.URL()+"/readyz")
	var ready struct {
		Status string
		Parts  map[string]string
	}
	if err := json.Unmarshal([]byte(body), &ready); err != nil || status != 200 || ready.Status != "ready" {
		t.Errorf("/readyz: %d %s", status, body)
	}
	for _, part := range []string{"database", "escalation", "push"} {
		if ready.Parts[part] != "ok" {
			t.Errorf("/readyz says of %s: %q", part, ready.Parts[part])
		}
	}
	if status, body := get(t, a.URL()+"/v1/stream"); status != 400 || !strings.Contains(body, `"bad_upgrade"`) || !strings.Contains(body, `"request_id"`) {
		t.Errorf("the stream does not refuse as the API does: %d %s", status, body)
	}
	if status, body := get(t, a.URL()+"/metrics"); status != 200 || !strings.Contains(body, "nightbell_incidents_overdue") {
		t.Errorf("/metrics: %d, without nightbell_incidents_overdue", status)
	}

	addr := a.Addr()
	stopApp(t, a)
	stopApp(t, a) // a second time is harmless
	if conn, err := net.Dial("tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("the port is still held")
	}
	var last int
	for _, step := range []string{"step=HTTP", "step=sockets", `step="timers:`, `step="push:`, `step="periodic work"`, "step=database", "step=port"} {
		at := strings.Index(book.String(), step)
		if at < last {
			t.Errorf("%s is not named, or out of order, in:\n%s", step, book)
		}
		last = at
	}
}

func TestARestartFindsEverythingAgain(t *testing.T) {
	c := testConfig(t)
	a, _ := startApp(t, c)
	user, err := AddUser(t.Context(), c, NewUser{Name: "Ana", Email: "Ana@Example.com", Role: "owner", TimeZone: "UTC", Password: "correct horse battery"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := MintToken(t.Context(), c, "ana@example.com", time.Hour, Options{})
	if err != nil {
		t.Fatal(err)
	}
	me := func(a *App) string {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+"/v1/me", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return fmt.Sprint(res.StatusCode, " ", string(text))
	}
	if got := me(a); !strings.HasPrefix(got, "200") || !strings.Contains(got, user.ID) {
		t.Errorf("before the restart /v1/me answers %s", got)
	}
	stopApp(t, a)
	b, _ := startApp(t, c)
	if got := me(b); !strings.HasPrefix(got, "200") || !strings.Contains(got, user.ID) {
		t.Errorf("after the restart the same token gets %s", got)
	}
	if _, err := AddUser(t.Context(), c, NewUser{Name: "Ana", Email: "ana@example.com", Role: "owner", Password: "correct horse battery"}, Options{}); err == nil || !strings.Contains(err.Error(), "is a user already") {
		t.Errorf("adding Ana again: %v", err)
	}
}

// TestAStartThatFailsLeavesNothing breaks the start at each of its steps.
func TestAStartThatFailsLeavesNothing(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(t *testing.T, c *Config)
		want  string
	}{
		{"port in use", func(t *testing.T, c *Config) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			c.Listen = l.Addr().String()
		}, "is already in use; stop the program that holds it, or choose another"},
		{"foreign address", func(_ *testing.T, c *Config) { c.Listen = "192.0.2.1:80" }, "choose an address of this machine"},
		{"data directory under a file", func(t *testing.T, c *Config) {
			file := writeFile(t, "file", "")
			c.DataDir = filepath.Join(file, "data")
		}, "choose another with data_dir"},
		{"damaged secret", func(t *testing.T, c *Config) {
			c.DataDir = t.TempDir()
			if err := os.WriteFile(filepath.Join(c.DataDir, "secret"), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "restore it from your backup"},
		{"a file that is no database", func(t *testing.T, c *Config) {
			c.Database = writeFile(t, "nightbell.db", strings.Repeat("this is not SQLite ", 100))
		}, "database"},
		{"newer database", func(t *testing.T, c *Config) { newerDatabase(t, c) }, "start a newer nightbell, or restore the backup"},
		{"no migration allowed", func(_ *testing.T, c *Config) { c.Migrate = false }, "run `nightbell migrate`"},
		{"APNs key that is none", func(_ *testing.T, c *Config) {
			c.Push.APNs.Apps = []APNsApp{{Name: "ios", BundleID: "b", TeamID: "A1B2C3D4E5", KeyID: "A1B2C3D4E5", Key: "not a key", KeyFile: "/keys/ring.p8"}}
		}, "push.apns: app ios, file /keys/ring.p8: "},
		{"service account without a project", func(_ *testing.T, c *Config) {
			c.Push.FCM.Apps = []FCMApp{{Name: "android", ServiceAccount: `{"type":"service_account"}`}}
		}, "push.fcm: app android: "},
		{"CA that is none", func(t *testing.T, c *Config) { c.Push.CAFile = writeFile(t, "ca.pem", "x") }, "holds no certificate"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			c := testConfig(t)
			fresh := c.DataDir
			tc.spoil(t, &c)
			a, _ := newApp(t, c)
			err := a.Start(t.Context())
			if err == nil {
				stopApp(t, a)
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(Sentence(err), "\n") {
				t.Errorf("%q is not one line with %q", err, tc.want)
			}
			if _, err := os.Stat(fresh); err == nil {
				t.Error("a data directory was left behind")
			}
			if a.listener != nil {
				if l, err := net.Listen("tcp", a.Addr()); err != nil {
					t.Errorf("the port is still held: %v", err)
				} else {
					_ = l.Close()
				}
			}
		})
	}
}

func newerDatabase(t *testing.T, c *Config) {
	c.DataDir = t.TempDir()
	if _, _, err := Migrate(t.Context(), *c, Options{}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", c.databaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`); err != nil {
		t.Fatal(err)
	}
}

// TestARequestInFlightFinishes begins a request, stops the node, and then
// sends the rest of the request.
func TestARequestInFlightFinishes(t *testing.T) {
	a, _ := startApp(t, testConfig(t))
	conn, err := net.Dial("tcp", a.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"routing_key":"00000000000000000000000000000000","event_action":"resolve","dedup_key":"k"}`
	fmt.Fprintf(conn, "POST /v2/enqueue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "100 Continue") {
		t.Fatalf("waiting for the handler to read: %v %q", err, buf[:n])
	}
	stopped := make(chan struct{})
	go func() { stopApp(t, a); close(stopped) }()
	for refused := false; !refused; { // until the listener is closed
		c, err := net.Dial("tcp", a.Addr())
		if refused = err != nil; !refused {
			_ = c.Close()
		}
	}
	fmt.Fprint(conn, body)
	n, err = conn.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 400") { // the routing key is unknown
		t.Errorf("the request in flight got %v %q", err, buf[:n])
	}
	<-stopped
}
