package app

import (
	"strings"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/models/modelstest"
)

// The key browsers subscribed with outlives a restart, or they would all fall
// silent.
func TestTheWebPushKeyOutlivesARestart(t *testing.T) {
	c := testConfig(t)
	a, _ := startApp(t, c)
	key := a.house.web.PublicKey()
	stopApp(t, a)
	b, _ := startApp(t, c)
	if got := b.house.web.PublicKey(); got != key || key == "" {
		t.Errorf("the key was %q, after a restart it is %q", key, got)
	}
	if got := b.house.pushers.Names("webpush"); len(got) != 1 || got[0] != webApp {
		t.Errorf("devices may register for %v", got)
	}
}

func TestWebPushCanBeSwitchedOff(t *testing.T) {
	c := testConfig(t)
	c.Push.WebPush.Enabled = false
	a, _ := startApp(t, c)
	if got := a.house.pushers.Names("webpush"); a.house.web != nil || len(got) != 0 {
		t.Errorf("it is off, and devices may register for %v", got)
	}
}

func TestTwoNodesPushWithOneKey(t *testing.T) {
	place := modelstest.Postgres(t)
	nodes := make([]*App, 2)
	var starting sync.WaitGroup
	for i, name := range []string{"one", "two"} {
		c := testConfig(t)
		c.Database, c.Node, c.Secret = place.URL, name, strings.Repeat("secret", 6)
		nodes[i], _ = newApp(t, c)
		starting.Go(func() {
			if err := nodes[i].Start(t.Context()); err != nil {
				t.Errorf("node %s: %v", name, err)
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	if one, two := nodes[0].house.web.PublicKey(), nodes[1].house.web.PublicKey(); one != two {
		t.Errorf("the nodes' keys are %s and %s", one, two)
	}
	for _, a := range nodes {
		stopApp(t, a)
	}
}

func TestWebPushSettingsRefused(t *testing.T) {
	for _, spoil := range []func(*WebPushConfig){
		func(c *WebPushConfig) { c.Subject = "ops@example.com" },
		func(c *WebPushConfig) { c.Subject = "https://localhost" },
		func(c *WebPushConfig) { c.ExtraHosts = []string{"https://push.example.com/"} },
	} {
		c := testConfig(t)
		spoil(&c.Push.WebPush)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "push.webpush.") {
			t.Errorf("%+v: %v, want it refused", c.Push.WebPush, err)
		}
	}
}
