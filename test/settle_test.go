package test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

// TestTwentyPhonesSettle: twenty phones of both providers ring, one tap, and
// each of them is rewritten without a sound, once. How long it took is printed;
// bench/ measures it.
func TestTwentyPhonesSettle(t *testing.T) {
	each(t, func(t *testing.T, db modelstest.Place) {
		s := stage.New(t, db, stage.Options{Setup: bothAtOnce})
		s.Start("")
		var phones []pushtest.Device
		for i := range 20 {
			phones = append(phones, s.Phone([]string{"ana", "ben"}[i/10], []push.Provider{push.APNs, push.FCM}[i%2]))
		}
		s.Trigger("db-1", "Database is down")
		for i, d := range phones {
			if _, err := s.Emulator.WaitPushes(soon(t), d.Token, 1); err != nil {
				t.Fatalf("phone %d does not ring: %v", i, err)
			}
		}
		// A page whose answer is not written down yet is settled a second time when
		// it is: it may have overtaken the settle.
		waitTold(t, s, incidents(s)[0].ID, string(incident.EntryAccepted), len(phones))
		var acted struct{ Incident incident.Snapshot }
		s.Call("POST", "/v1/incidents/"+incidents(s)[0].ID+"/acknowledge", s.Token("ana"), nil, &acted)
		var last time.Time
		for i, d := range phones {
			got, err := s.Emulator.WaitPushes(soon(t), d.Token, 2)
			if err != nil {
				t.Fatalf("phone %d is not settled: %v", i, err)
			}
			if got[1].At.After(last) {
				last = got[1].At
			}
			if screen := s.Emulator.Screen(d.Token); len(screen) != 1 || screen[0].Rings || screen[0].Kind != string(push.Settle) {
				t.Errorf("phone %d shows %+v, want one quiet notification", i, screen)
			}
		}
		for i, d := range phones {
			if got := s.Emulator.Received(d.Token); len(got) != 2 {
				t.Errorf("phone %d got %d pushes, want its page and its settle: %s %v", i, len(got), got[len(got)-1].Payload, got[len(got)-1].Data)
			}
		}
		t.Log(fmt.Sprint("acknowledged; the last of 20 settles was with its provider ",
			last.Sub(*acted.Incident.AcknowledgedAt).Round(100*time.Microsecond), " after the moment of the commit"))
	})
}
