package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// RoutingKey opens the stage's service to events.
const RoutingKey = "stage000000000000000000000000key"

// Password is everyone's on the stage.
const Password = "a long enough password"

// Options changes what a stage is furnished with.
type Options struct {
	// Delay of each level; default 2 s.
	Delay time.Duration
	// OnShow is called for each notification on a phone.
	OnShow func(pushtest.Shown)
	// Latency of the providers.
	Latency time.Duration
	// Setup replaces the two-person setup file.
	Setup string
	// Settings are added to the node's configuration file.
	Settings string
	// Quiet raises the node's log level to error, for benchmarks.
	Quiet bool
	// Lease is how long claimed work stays a node's own; default 2 s.
	Lease time.Duration
}

// Stage is a database, an emulator and a configuration that nodes start from.
type Stage struct {
	T        testing.TB
	Emulator *pushtest.Emulator
	URL      string // of the node
	Config   string // path of nightbell.yaml
	Dir      string
	// Phones are the registered devices, by person; see Phone.
	Phones map[string]pushtest.Device
	tokens map[string]string
}

// New furnishes a stage on the place: Ana (iOS) is level 1, Ben (Android)
// level 2, one service behind RoutingKey. No node runs yet.
func New(t testing.TB, place modelstest.Place, o Options) *Stage {
	t.Helper()
	em, err := pushtest.Start(pushtest.Config{OnShow: o.OnShow, History: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	em.SetLatency(o.Latency)
	addr := freeAddr(t)
	s := &Stage{T: t, Emulator: em, URL: "http://" + addr, Dir: t.TempDir(), Phones: map[string]pushtest.Device{}, tokens: map[string]string{}}
	s.configure(place, addr, o)
	s.Import(o.setup())
	return s
}

func (o Options) setup() string {
	if o.Setup != "" {
		return o.Setup
	}
	if o.Delay == 0 {
		o.Delay = 2 * time.Second
	}
	return fmt.Sprintf(`
users:
  - {name: Ana, email: ana@example.com, role: admin, password: %[1]q}
  - {name: Ben, email: ben@example.com, password: %[1]q}
schedules:
  - {name: First, rotation: {start: 2026-01-01 00:00, turn: 1 week, users: [ana@example.com]}}
policies:
  - name: Default
    loops: 0
    levels:
      - {delay: %[2]s, targets: [{schedule: First}]}
      - {delay: 1h, targets: [{user: ben@example.com}]}
services:
  - {name: Checkout, policy: Default, urgency: severity}
integrations:
  - {name: Prometheus, service: Checkout, routing_key: %[3]s}
`, Password, o.Delay, RoutingKey)
}

// configure writes nightbell.yaml, the keys and the authority beside it.
func (s *Stage) configure(place modelstest.Place, addr string, o Options) {
	s.T.Helper()
	app := s.Emulator.NewAPNsApp("com.example.nightbell")
	account, err := s.Emulator.NewServiceAccount("nightbell-stage")
	if err != nil {
		s.T.Fatal(err)
	}
	level, lease := "warn", o.Lease
	if o.Quiet {
		level = "error"
	}
	if lease == 0 {
		lease = 2 * time.Second
	}
	s.write("apns.p8", app.KeyPEM)
	s.write("account.json", string(account))
	s.write("ca.pem", string(s.Emulator.CAPEM()))
	s.Config = s.write("nightbell.yaml", fmt.Sprintf(`
listen: %s
public_url: http://%[1]s
data_dir: %[2]s
database: %[3]q
node: stage
secret: stage-secret-stage-secret-stage-secret
lease: %[4]s
log: {level: %[5]s}
push:
  ca_file: %[2]s/ca.pem
  apns:
    endpoint_production: %[6]s
    endpoint_sandbox: %[7]s
    apps:
      - {name: ios, bundle_id: com.example.nightbell, team_id: %[8]s, key_id: %[9]s, key_file: %[2]s/apns.p8}
  fcm:
    endpoint: %[10]s
    apps:
      - {name: android, service_account_file: %[2]s/account.json}
  webpush:
    subject: mailto:stage@example.com
    extra_hosts: [%[11]q]
    allow_private: true
%[12]s
`, addr, s.Dir, place.URL, lease, level, s.Emulator.APNsURL(pushtest.Production), s.Emulator.APNsURL(pushtest.Sandbox),
		app.TeamID, app.KeyID, s.Emulator.FCMURL(), strings.TrimPrefix(s.Emulator.WebPushURL(), "https://"), o.Settings))
}

func (s *Stage) write(name, content string) string {
	s.T.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.T.Fatal(err)
	}
	return path
}

// Import runs `nightbell import` with the setup file's text.
func (s *Stage) Import(text string) {
	s.T.Helper()
	s.Run("import", "--config", s.Config, s.write("setup.yaml", text))
}

// Run runs one nightbell command to its end and gives what it printed.
func (s *Stage) Run(args ...string) string {
	s.T.Helper()
	bin, err := build()
	if err != nil {
		s.T.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Env = clean(os.Environ())
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.T.Fatalf("nightbell %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Phone gives the person a phone: known to the emulator and registered with
// the running node, as the app does after signing in.
func (s *Stage) Phone(person string, provider push.Provider) pushtest.Device {
	s.T.Helper()
	emulated, app, platform := "com.example.nightbell", "ios", "ios"
	if provider == push.FCM {
		emulated, app, platform = "nightbell-stage", "android", "android"
	}
	d := s.Emulator.NewDevice(provider, emulated)
	s.Call("POST", "/v1/devices", s.Token(person), map[string]any{
		"name": person + "'s phone", "platform": platform, "provider": string(provider), "app": app, "environment": "production",
		"token": d.Token, "capabilities": map[string]bool{"alerts": true, "critical": true, "time_sensitive": true},
	}, nil)
	s.Phones[person] = d
	return d
}

// Browser gives the person a browser that subscribes with the running node's
// key and registers. It takes the place of the person's phone.
func (s *Stage) Browser(person string) pushtest.Browser {
	s.T.Helper()
	var key struct {
		PublicKey string `json:"public_key"`
	}
	s.Call("GET", "/v1/push/webpush", s.Token(person), nil, &key)
	b, err := s.Emulator.NewBrowser(key.PublicKey, person+"'s browser")
	if err != nil {
		s.T.Fatal(err)
	}
	s.Call("POST", "/v1/devices", s.Token(person), map[string]any{
		"name": b.Device.Name, "platform": "web", "provider": "webpush", "token": b.Endpoint,
		"keys": map[string]string{"p256dh": b.Keys.P256DH, "auth": b.Keys.Auth},
	}, nil)
	s.Phones[person] = b.Device
	return b
}
