package app

import (
	"crypto/elliptic"
	"os"
	"path/filepath"
	"testing"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/pushtest"
)

// An app that could not be taken over when it came is taken over as soon as it
// can be, and not with the next change of some other app.
func TestAnAppThatCouldNotBeUsedYetIsTriedAgain(t *testing.T) {
	t.Parallel()
	em, err := pushtest.Start(pushtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	c := testConfig(t)
	c.Push.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	put := func() {
		if err := os.WriteFile(c.Push.CAFile, em.CAPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put()
	a, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPushers(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	db := modelstest.SQLite(t).Open(t, "test")
	if err := p.join(t.Context(), db, make([]byte, minSecret)); err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(c.Push.CAFile); err != nil {
		t.Fatal(err)
	}
	late := push.App{Provider: push.APNs, Name: "late", Settings: push.AppSettings{BundleID: "com.example.late", TeamID: "TEAM123456", KeyID: "KEY1234567"}}
	if _, err := p.AddPushApp(t.Context(), late, []byte(pemKey(t, elliptic.P256()))); err != nil {
		t.Fatal(err)
	}
	put()
	for range 2 { // what the chore does
		catalog, err := db.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := p.reload(t.Context(), catalog.Version); err != nil {
			t.Fatal(err)
		}
	}
	if !p.switches[push.APNs].Serves("late", apns.Production) {
		t.Error("the app is not in use")
	}
}
