package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// emulated is a configuration whose providers are the emulator.
func emulated(t *testing.T) (Config, *pushtest.Emulator) {
	t.Helper()
	em, err := pushtest.Start(pushtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	c := testConfig(t)
	c.Push.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.Push.CAFile, em.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	ios := em.NewAPNsApp("com.example.nightbell")
	account, err := em.NewServiceAccount("nightbell-test")
	if err != nil {
		t.Fatal(err)
	}
	c.Push.APNs = APNsConfig{
		EndpointProduction: em.APNsURL(pushtest.Production), EndpointSandbox: em.APNsURL(pushtest.Sandbox),
		Apps: []APNsApp{{Name: "ios", BundleID: "com.example.nightbell", TeamID: ios.TeamID, KeyID: ios.KeyID, Key: ios.KeyPEM}},
	}
	c.Push.FCM = FCMConfig{Endpoint: em.FCMURL(), Apps: []FCMApp{{Name: "android", ServiceAccount: string(account)}}}
	return c, em
}

// said finds what is said with the words.
func said(t *testing.T, all []Finding, words string) Finding {
	t.Helper()
	for _, f := range all {
		if strings.Contains(f.Says, words) {
			return f
		}
	}
	t.Fatalf("nobody says %q:\n%+v", words, all)
	return Finding{}
}

func TestTheDoctorAsksTheProviders(t *testing.T) {
	t.Parallel()
	c, em := emulated(t)
	all := DoctorPush(t.Context(), c, nil, Options{})
	for _, words := range []string{
		"ios, production: Apple takes the key and the topic", "ios, sandbox: Apple takes the key and the topic",
		"android: Google takes the account and the project", "is reached",
	} {
		if f := said(t, all, words); f.Health != Healthy {
			t.Errorf("%+v", f)
		}
	}
	for _, f := range all {
		if f.Health == Broken {
			t.Errorf("broken: %+v", f)
		}
	}
	if n := em.Accepted(push.APNs) + em.Accepted(push.FCM); n != 0 {
		t.Errorf("%d pushes reached a phone", n)
	}
	if left, _ := os.ReadDir(filepath.Dir(c.DataDir)); len(left) != 0 {
		t.Errorf("the doctor made %v", left)
	}
}

func TestTheDoctorFindsWhatProvidersRefuse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(t *testing.T, c *Config, o *Options)
		says  string
		fix   string
		bad   Health
	}{
		{"a key id of another key", func(_ *testing.T, c *Config, _ *Options) { c.Push.APNs.Apps[0].KeyID = "AAAAAAAAAA" },
			"ios, production: Apple answers 403 InvalidProviderToken", "compare key_id", Broken},
		{"a topic of another team", func(_ *testing.T, c *Config, _ *Options) { c.Push.APNs.Apps[0].BundleID = "com.example.other" },
			"ios, production: Apple answers 400", "bundle", Broken},
		{"a topic for calls", func(_ *testing.T, c *Config, _ *Options) { c.Push.APNs.Apps[0].BundleID += ".voip" },
			"is no topic for notifications", "without .voip", Doubtful},
		{"a team id in lower case", func(_ *testing.T, c *Config, _ *Options) { c.Push.APNs.Apps[0].TeamID = "abc" },
			`the team id "abc" does not look like one`, "Membership", Doubtful},
		{"a key that is none", func(_ *testing.T, c *Config, _ *Options) { c.Push.APNs.Apps[0].Key = "x" }, "app ios", "", Broken},
		{"a project of somebody else", func(_ *testing.T, c *Config, _ *Options) {
			c.Push.FCM.Apps[0].ServiceAccount = strings.ReplaceAll(c.Push.FCM.Apps[0].ServiceAccount, `"nightbell-test"`, `"nightbell-other"`)
		}, "android: Google answers 40", "", Broken},
		{"a wrong clock", func(_ *testing.T, _ *Config, o *Options) {
			o.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
		},
			"this machine's clock and that of", "NTP", Broken},
		{"an authority nobody knows", func(_ *testing.T, c *Config, _ *Options) { c.Push.CAFile = "" },
			"cannot be reached", "push.ca_file", Broken},
		{"a port that is closed", func(_ *testing.T, c *Config, _ *Options) { c.Push.FCM.Endpoint = "https://127.0.0.1:1" },
			"127.0.0.1:1 cannot be reached", "firewall", Broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := emulated(t)
			var o Options
			tc.spoil(t, &c, &o)
			f := said(t, DoctorPush(t.Context(), c, nil, o), tc.says)
			if f.Health != tc.bad || !strings.Contains(f.Fix, tc.fix) {
				t.Errorf("%+v, want health %d and a fix with %q", f, tc.bad, tc.fix)
			}
		})
	}
}

// What the database knows against a page: held apps, and people on call.
func TestTheDoctorKnowsWhoWouldNotWake(t *testing.T) {
	t.Parallel()
	c, _ := emulated(t)
	file, err := setup.Parse([]byte(adminSetup))
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWorkshop(t.Context(), c, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	if _, err := importInto(t.Context(), w.db.Setup(), file, false, now); err != nil {
		t.Fatal(err)
	}
	held(t, w.db, now)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	all := DoctorPush(t.Context(), c, nil, Options{})
	if f := said(t, all, "apns, ios: "); f.Health != Doubtful || !strings.Contains(f.Fix, "DELETE /v1/push/holds/apns/ios") {
		t.Errorf("%+v", f)
	}
	if f := said(t, all, "Ana: the app is gone (Unregistered); notifications off (on call)"); f.Health != Doubtful || f.Fix == "" {
		t.Errorf("%+v", f)
	}
}

// Who can only be reached by a way that is not set up would not wake either.
func TestTheDoctorKnowsWhichWaysAreNotSetUp(t *testing.T) {
	t.Parallel()
	c, _ := emulated(t)
	file, err := setup.Parse([]byte(strings.Replace(adminSetup, "ana@example.com", "ana@example.com, contact_methods: [{method: email, address: ana@example.com}]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWorkshop(t.Context(), c, Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := importInto(t.Context(), w.db.Setup(), file, false, time.Now().UTC().Truncate(time.Microsecond)); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if f := said(t, DoctorPush(t.Context(), c, nil, Options{}), "this server is not set up for email"); f.Health != Doubtful {
		t.Errorf("%+v", f)
	}
}

// held lets so many of Ana's phones be called gone at once that the guard steps in.
func held(t *testing.T, db *models.DB, now time.Time) {
	t.Helper()
	if _, err := db.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ana string
	for id := range db.Catalog().People {
		ana = id
	}
	var sent []push.Delivery
	var gone []push.Outcome
	for i := range 7 {
		dev, err := db.Devices().RegisterDevice(t.Context(), push.Device{
			ID: id.New(id.Device), UserID: ana, Platform: push.IOS, Provider: push.APNs, App: "ios", Environment: "production",
			TargetKind: push.TokenTarget, Token: strings.Repeat("ab", 32+i), RegisteredAt: now.Add(-time.Hour), CreatedAt: now,
		})
		if err != nil {
			t.Fatal(err)
		}
		d := push.Delivery{
			ID: id.New(id.Delivery), Kind: push.Test, UserID: ana, DeviceID: dev.ID, State: push.Scheduled, DueAt: now, ExpiresAt: now.Add(time.Hour), CreatedAt: now,
		}
		sent = append(sent, d)
		gone = append(gone, push.Outcome{
			Job: push.Job{Delivery: d, Device: dev}, SentAt: now, DoneAt: now, Final: push.Failed,
			Result: push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "Unregistered"},
		})
	}
	err := db.Desk().Write(t.Context(), "k", func(tx respond.Tx) error { return tx.AddDeliveries(sent) })
	if err == nil {
		err = db.Deliveries().Record(t.Context(), gone)
	}
	if err != nil {
		t.Fatal(err)
	}
}
