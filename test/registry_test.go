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

type shownDevice struct {
	ID             string `json:"id"`
	Environment    string `json:"environment"`
	EnvironmentWas string `json:"environment_was"`
	State          string `json:"state"`
}

// TestAPhoneOfTheSandboxFindsItsHome: the app says production, but its token is
// of the sandbox, as with every build from Xcode. The first page finds out.
func TestAPhoneOfTheSandboxFindsItsHome(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{Delay: time.Hour})
		s.Start("")
		s.Phone("ana", push.APNs)
		phone := s.Phones["ana"]
		phone.Environment = pushtest.Sandbox
		if err := s.Emulator.AddDevice(phone); err != nil {
			t.Fatal(err)
		}
		s.Trigger("checkout-5xx", "Checkout answers 500 in Madrid")
		rings(t, s, "ana")
		in := incidents(s)[0].ID
		waitTold(t, s, in, "notification.accepted", 1)
		tellsInOrder(t, s, in, "notification.scheduled", "notification.retrying", "notification.sent", "notification.accepted")

		var list struct {
			Items []shownDevice `json:"items"`
		}
		s.Call("GET", "/v1/devices", s.Token("ana"), nil, &list)
		if d := list.Items[0]; d.Environment != "sandbox" || d.EnvironmentWas != "production" || d.State != "active" {
			t.Errorf("the device reads %+v", d)
		}
		// The next page goes there at once.
		s.Trigger("search-slow", "Search is slow")
		for _, i := range incidents(s) {
			if i.ID == in {
				continue
			}
			waitTold(t, s, i.ID, "notification.accepted", 1)
			for _, e := range timeline(s, i.ID) {
				if e.Type == "notification.retrying" {
					t.Errorf("it went to production again: %+v", e)
				}
			}
		}
	})
}

// TestWillItRing: a person asks, their phone shows it; and what is known of
// them is told beforehand.
func TestWillItRing(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{})
		s.Start("")
		s.Phone("ana", push.APNs)
		s.Phone("ben", push.FCM)
		var list struct {
			Items []shownDevice `json:"items"`
		}
		s.Call("GET", "/v1/devices", s.Token("ben"), nil, &list)
		bens := "/v1/devices/" + list.Items[0].ID
		var test struct {
			DeliveryID string `json:"delivery_id"`
		}
		s.Call("POST", bens+"/test", s.Token("ben"), map[string]any{"loud": true}, &test)
		if !strings.HasPrefix(test.DeliveryID, "dlv_") {
			t.Errorf("the test is %+v", test)
		}
		got, err := s.Emulator.WaitPushes(soon(t), s.Phones["ben"].Token, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Data["delivery_id"] != test.DeliveryID || got[0].Data["kind"] != "test" {
			t.Errorf("the phone got %+v", got[0].Data)
		}

		s.Call("PATCH", bens, s.Token("ben"), map[string]any{
			"capabilities": map[string]any{"alerts": false, "critical": false, "time_sensitive": false, "permission": "denied"},
		}, nil)
		var team struct {
			Items []struct {
				Summary  string `json:"summary"`
				Pageable bool   `json:"pageable"`
			} `json:"items"`
		}
		s.Call("GET", "/v1/pageability?on_call=true", s.Token("ana"), nil, &team)
		if len(team.Items) != 2 || !team.Items[0].Pageable || team.Items[1].Pageable || team.Items[1].Summary != "Ben: notifications off" {
			t.Errorf("the team reads %+v", team.Items)
		}
	})
}
