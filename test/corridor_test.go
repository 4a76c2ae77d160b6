package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/realtime/realtimetest"
	"github.com/nightbell/nightbell/test/stage"
)

// TestTheCorridor is the product's main job: event in, a phone rings, nobody
// answers, the next one rings, one tap quiets everything.
func TestTheCorridor(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{})
		s.Start("")
		s.Phone("ana", push.APNs)
		s.Phone("ben", push.FCM)
		anas, bens := screen(t, s, "ana"), screen(t, s, "ben")

		s.Trigger("checkout-5xx", "Checkout answers 500 in Madrid")
		page := rings(t, s, "ana")
		if page.Level != "critical" || page.Title == "" || len(page.Buttons) != 2 {
			t.Errorf("the page reads %+v, want critical with two buttons", page)
		}
		rings(t, s, "ben")
		shows(t, s, "ana", "that the plan went on", func(n pushtest.Notification) bool { return !n.Rings && strings.HasPrefix(n.Title, "Escalated") })
		waitTold(t, s, incidents(s)[0].ID, "notification.accepted", 3)

		pressed, err := s.Emulator.Press(soon(t), s.Phones["ben"].Token, "acknowledge")
		if err != nil || pressed.Status != 200 {
			t.Fatalf("the button answered %+v, %v", pressed, err)
		}
		quiet(t, s, "ana")
		for name, c := range map[string]*realtimetest.Client{"ana": anas, "ben": bens} {
			if e := sees(t, c, incident.EntryAcknowledged); e.Actor.Name != "Ben" || e.Actor.Via != "notification" {
				t.Errorf("%s's screen says %+v acknowledged, want Ben by his notification", name, e.Actor)
			}
		}

		waitTold(t, s, incidents(s)[0].ID, "notification.accepted", 4)
		all := incidents(s)
		if len(all) != 1 || all[0].Status != incident.Acknowledged || all[0].AcknowledgedBy.Name != "Ben" {
			t.Fatalf("the incident reads %+v", all)
		}
		tellsInOrder(t, s, all[0].ID,
			"incident.triggered", "incident.escalated", "notification.scheduled", "notification.sent", "notification.accepted",
			"incident.escalated", "notification.scheduled", "notification.sent", "notification.accepted",
			"incident.acknowledged", "notification.sent", "notification.accepted")

		if err := s.Event("resolve", "checkout-5xx", ""); err != nil {
			t.Fatal(err)
		}
		sees(t, anas, incident.EntryResolved)
		sees(t, bens, incident.EntryResolved)
		if got := incidents(s)[0].Status; got != incident.Resolved {
			t.Errorf("after the resolve event the incident is %s", got)
		}
	})
}

// tellsInOrder checks that the words appear on the timeline in this order,
// whatever else is between them.
func tellsInOrder(t *testing.T, s *stage.Stage, id string, words ...string) {
	t.Helper()
	var told []string
	rest := words
	for _, e := range timeline(s, id) {
		told = append(told, e.Type)
		if len(rest) > 0 && e.Type == rest[0] {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		t.Errorf("the timeline tells %q; missing, in order: %q", told, rest)
	}
	seqs := []int64{}
	for _, e := range timeline(s, id) {
		seqs = append(seqs, e.Seq)
	}
	if !slices.IsSorted(seqs) {
		t.Errorf("the timeline is out of order: %v", seqs)
	}
}

// TestTheCorridorWithAKillAfterEachStep tells the same story, but the process
// is killed with SIGKILL and started again after every step of it.
func TestTheCorridorWithAKillAfterEachStep(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{Delay: 4 * time.Second})
		node := s.Start("")
		again := func() {
			node.Kill()
			node = s.Start("")
		}
		s.Phone("ana", push.APNs)
		s.Phone("ben", push.FCM)
		again()
		s.Trigger("checkout-5xx", "Checkout answers 500 in Madrid")
		again()
		rings(t, s, "ana")
		again()
		rings(t, s, "ben")
		again()
		pressed, err := s.Emulator.Press(soon(t), s.Phones["ben"].Token, "acknowledge")
		if err != nil || pressed.Status != 200 {
			t.Fatalf("the button answered %+v, %v", pressed, err)
		}
		again()
		quiet(t, s, "ana")
		again()
		if err := s.Event("resolve", "checkout-5xx", ""); err != nil {
			t.Fatal(err)
		}
		again()
		all := incidents(s)
		if len(all) != 1 || all[0].Status != incident.Resolved {
			t.Fatalf("the incidents read %+v, want one, resolved", all)
		}
		tellsInOrder(t, s, all[0].ID, "incident.triggered", "incident.escalated", "notification.scheduled",
			"incident.escalated", "notification.scheduled", "incident.acknowledged", "incident.resolved")
	})
}
