package app

import (
	"bytes"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// A service account may not lead the server anywhere but to Google: an admin
// of the instance could otherwise knock at the doors of the operator's network.
func TestAnAdminsServiceAccountIsGoogles(t *testing.T) {
	t.Parallel()
	em, err := pushtest.Start(pushtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	account, err := em.NewServiceAccount("nightbell-1234")
	if err != nil {
		t.Fatal(err)
	}
	at := func(uri string) []byte { return bytes.ReplaceAll(account, []byte(em.FCMURL()+"/token"), []byte(uri)) }
	a := push.App{Provider: push.FCM, Name: "android"}
	p := &pushers{app: &App{}}
	for _, uri := range []string{
		em.FCMURL() + "/token", "https://169.254.169.254/token", "https://googleapis.com.example.com/token",
		"https://oauth2.googleapis.com@example.com/token", "https://evilgoogleapis.com/token", "https://oauth2.googleapis.com:8443/token",
	} {
		if _, err := p.sealed(a, at(uri)); !fault.Is(err, "bad_push_key") {
			t.Errorf("%s: %v", uri, err)
		}
	}
	for _, uri := range []string{"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"} {
		if err := p.atGoogle(a, at(uri)); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
	p.app.cfg.Push.FCM.Endpoint = em.FCMURL()
	if err := p.atGoogle(a, account); err != nil {
		t.Errorf("the emulator's account, where the emulator stands in for FCM: %v", err)
	}
}
