package test

import (
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

// A browser needs no account anywhere: it subscribes with the key the node made
// at its first start, rings, its button works without a session, and what it
// shows is replaced in silence. A restart changes nothing of that.
func TestABrowserRingsAndAnswers(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{Delay: time.Hour})
		node := s.Start("")
		b := s.Browser("ana")
		if err := node.Stop(); err != nil {
			t.Fatal(err)
		}
		s.Start("")
		s.Trigger("disk", "Disk full on db-1")
		page := rings(t, s, "ana")
		if page.Title != "Disk full on db-1" || len(page.Buttons) != 2 || page.Buttons[0].Name != "acknowledge" {
			t.Fatalf("the browser shows %+v", page)
		}
		pressed, err := s.Emulator.Press(soon(t), b.Endpoint, "acknowledge")
		if err != nil || pressed.Status != 200 {
			t.Fatalf("%+v, %v", pressed, err)
		}
		if err := s.Event("resolve", "disk", ""); err != nil {
			t.Fatal(err)
		}
		settled := shows(t, s, "ana", "a resolved page", func(n pushtest.Notification) bool { return strings.HasPrefix(n.Title, "Resolved") })
		if settled.Rings || settled.Key != page.Key || len(s.Emulator.Screen(b.Endpoint)) != 1 {
			t.Errorf("the browser shows %+v", s.Emulator.Screen(b.Endpoint))
		}
		for _, p := range s.Emulator.Received(b.Endpoint) {
			if p.High != (p.Urgency == "high") || p.High && !strings.Contains(string(p.Payload), `"kind":"page"`) || p.Topic == "" {
				t.Errorf("urgency %s, topic %q: %s", p.Urgency, p.Topic, p.Payload)
			}
		}
		if refused := s.Emulator.Refusals(); len(refused) != 0 {
			t.Errorf("the push service refused %+v", refused)
		}

		// Unsubscribed in the browser: proof, and only of this one.
		s.Emulator.Kill(b.Endpoint, time.Now())
		s.Trigger("cpu", "CPU at 100 %")
		dead := func() bool {
			var list struct {
				Items []struct {
					Provider push.Provider    `json:"provider"`
					State    push.DeviceState `json:"state"`
				} `json:"items"`
			}
			s.Call("GET", "/v1/devices", s.Token("ana"), nil, &list)
			return len(list.Items) == 1 && list.Items[0].State == push.DeviceDead
		}
		if err := s.Emulator.Wait(soon(t), func() bool { return len(s.Emulator.Refusals()) > 0 }); err != nil {
			t.Fatal(err)
		}
		for ctx := soon(t); !dead(); {
			if ctx.Err() != nil {
				t.Fatal("the device whose browser is gone is still believed in")
			}
		}
	})
}
