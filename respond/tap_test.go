package respond_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// tap uses a button of a page.
func (s *stage) tap(name respond.Verb, page push.Delivery) (respond.Answer, error) {
	s.t.Helper()
	by := s.as(page.UserID)
	by.Via, by.DeviceID = "notification", page.DeviceID
	return s.desk.Act(s.t.Context(), respond.Command{
		Name: name, IncidentID: page.IncidentID, Actor: by, Principal: page.UserID,
		Tap: &respond.Tap{DeliveryID: page.ID, ExpiresAt: page.CreatedAt.Add(12 * time.Hour)},
	})
}

func (s *stage) taps(name respond.Verb, page push.Delivery) respond.Answer {
	s.t.Helper()
	a, err := s.tap(name, page)
	if err != nil {
		s.t.Fatalf("tapping %s: %v", name, err)
	}
	return a
}

// paged gives the page that came for somebody since the last look.
func (s *stage) paged(user string) push.Delivery {
	s.t.Helper()
	for _, j := range s.page.take() {
		if j.Delivery.Kind == push.Page && j.Delivery.UserID == user {
			return j.Delivery
		}
	}
	s.t.Fatal("nobody rang")
	return push.Delivery{}
}

// hand gives the incident to people.
func (s *stage) hand(incidentID string, to ...string) {
	s.t.Helper()
	s.act(respond.Command{Name: respond.Reassign, IncidentID: incidentID, Actor: s.as(s.ana), Users: to})
}

func count(words []string, word string) (n int) {
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}

func TestATapIsAReceipt(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		page := s.paged(s.ana)
		want(s.t, "acknowledged", s.taps(respond.Acknowledge, page).Changed, true)
		told := s.words(i.ID)
		want(s.t, "tapped, so acknowledged", told[len(told)-3:len(told)-1], []string{"notification.acted", "incident.acknowledged"})
		want(s.t, "again", s.taps(respond.Acknowledge, page).Changed, false)
		want(s.t, "reported too", s.report(s.ana, "", said(page, push.Acted)), []respond.Hearing{respond.Duplicate})
		want(s.t, "acted", count(s.words(i.ID), "notification.acted"), 1)
		list := s.receipts(page)
		want(s.t, "receipts", []any{len(list), list[0].Event, list[0].Detail}, []any{1, push.Acted, "acknowledge"})
		d, err := s.db.Devices().Device(s.t.Context(), s.ana, s.anas.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "last heard of", d.LastReceiptAt, s.now())
	})
}

// Handing over takes the buttons; escalating does not.
func TestWhoseButtonsAreGood(t *testing.T) {
	each(t, func(s *stage) {
		first := s.trigger("db-1")
		early := s.paged(s.ana)
		s.wait(5 * time.Minute)
		bens := s.paged(s.ben)
		want(s.t, "assigned", s.get(first.ID).Assignees, []string{s.ben})
		want(s.t, "the first responder may still answer", s.taps(respond.Acknowledge, early).Changed, true)
		want(s.t, "and the second resolve", s.taps(respond.Resolve, bens).Changed, true)

		second := s.trigger("db-2")
		anas := s.paged(s.ana)
		s.hand(second.ID, s.ben)
		var revoked *respond.Revoked
		_, err := s.tap(respond.Acknowledge, anas)
		if !errors.As(err, &revoked) || !fault.Is(err, "no_longer_yours") || fault.KindOf(err) != fault.Forbidden {
			s.t.Fatalf("a tap after handing over: %v", err)
		}
		want(s.t, "says how it is", revoked.Incident.Assignees, []string{s.ben})
		want(s.t, "and changes nothing", []any{s.get(second.ID).Status, len(s.receipts(anas))}, []any{incident.Triggered, 0})

		s.hand(second.ID, s.ana) // and back
		s.wait(time.Second)
		want(s.t, "hers again, by the old button too", s.taps(respond.Acknowledge, anas).Changed, true)
	})
}

// Whoever was handed a policy in which they come later has no say before then.
func TestAButtonComesBackWithTheNextPage(t *testing.T) {
	each(t, func(s *stage) {
		other := oncall.Policy{ID: id.New(id.Policy), Name: "Ben first", Levels: []oncall.Level{
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ben}}, Delay: 5 * time.Minute},
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ana}}, Delay: 5 * time.Minute},
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ben}}, Delay: 5 * time.Minute},
		}}
		s.apply(setup.Changes{Policies: []oncall.Policy{other}})
		i := s.trigger("db-1")
		old := s.paged(s.ana)
		s.act(respond.Command{Name: respond.Reassign, IncidentID: i.ID, Actor: s.as(s.ben), PolicyID: other.ID})
		_, err := s.tap(respond.Resolve, old)
		want(s.t, "not yet", fault.Is(err, "no_longer_yours"), true)
		s.wait(10 * time.Minute) // level 2 has rung, and level 3
		want(s.t, "assigned", s.get(i.ID).Assignees, []string{s.ben})
		want(s.t, "paged since", s.taps(respond.Resolve, old).Changed, true)
	})
}

// What comes too late and changes nothing is no error.
func TestLateTapsAreCalm(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		anas := s.paged(s.ana)
		s.hand(i.ID, s.ben)
		bens := s.paged(s.ben)
		s.taps(respond.Acknowledge, bens)
		a := s.taps(respond.Resolve, anas)
		want(s.t, "no longer hers, but in hand", []any{a.Changed, a.Incident.Status, a.Incident.AcknowledgedBy.Name}, []any{false, incident.Acknowledged, "Ben"})
		want(s.t, "her tap is known", len(s.receipts(anas)), 1)

		s.set(monday.Add(13 * time.Hour)) // the buttons have expired
		_, err := s.tap(respond.Resolve, bens)
		want(s.t, "expired, and still open", fault.Is(err, "token_expired"), true)
		s.act(respond.Command{Name: respond.Resolve, IncidentID: i.ID, Actor: s.as(s.ben)})
		for _, name := range []respond.Verb{respond.Acknowledge, respond.Resolve, respond.Escalate} {
			a = s.taps(name, anas)
			want(s.t, "expired, and over", []any{a.Changed, a.Incident.Status}, []any{false, incident.Resolved})
		}
	})
}

func TestButtonsDieWithDeviceAndAccount(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		page := s.paged(s.ana)
		if err := s.db.Devices().RemoveDevice(s.t.Context(), s.ana, s.anas.ID); err != nil {
			s.t.Fatal(err)
		}
		_, err := s.tap(respond.Acknowledge, page)
		want(s.t, "the device is gone", fault.Is(err, "device_removed"), true)
		s.wait(5 * time.Minute)
		page = s.paged(s.ben)
		s.apply(setup.Changes{Users: []auth.User{{ID: s.ben, Email: "ben@example.com", Name: "Ben", Role: auth.Responder, TimeZone: "UTC", Locale: "en", Disabled: true, CreatedAt: monday}}})
		_, err = s.tap(respond.Acknowledge, page)
		want(s.t, "the account is disabled", fault.Is(err, "account_disabled"), true)
		want(s.t, "nothing happened", []any{s.get(i.ID).Status, count(s.words(i.ID), "notification.acted")}, []any{incident.Triggered, 0})
	})
}

// A delivery that is kept no longer leaves no receipt, but its button works.
func TestATapOutlivesItsDelivery(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		page := s.paged(s.ana)
		page.ID = id.New(id.Delivery)
		want(s.t, "acknowledged", s.taps(respond.Acknowledge, page).Changed, true)
		want(s.t, "acted", count(s.words(i.ID), "notification.acted"), 0)
	})
}

// A tap and a handing over at the same moment, on two nodes where there can be
// two: whichever comes first on the timeline decides what the tap was told.
func TestATapAndAHandingOverTakeTurns(t *testing.T) {
	modelstest.EachPlace(t, func(t *testing.T, place modelstest.Place) {
		nodes := []*models.DB{place.Open(t, "node-a")}
		if place.Engine == "postgres" {
			nodes = append(nodes, place.Open(t, "node-b"))
		}
		s := &stage{t: t, db: nodes[0], page: &pager{}, at: monday}
		s.desk = respond.New(respond.Config{Store: s.db.Desk(), Pager: s.page, Node: "node-a", Now: s.now})
		s.furnish()
		other := nodes[len(nodes)-1]
		if _, err := other.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		there := respond.New(respond.Config{Store: other.Desk(), Pager: s.page, Node: "node-b", Now: s.now})
		for round := range 10 {
			i := s.trigger(fmt.Sprintf("db-%d", round))
			page := s.paged(s.ana)
			var told error
			var both sync.WaitGroup
			both.Go(func() { _, told = s.tap(respond.Acknowledge, page) })
			both.Go(func() {
				_, err := there.Act(t.Context(), respond.Command{Name: respond.Reassign, IncidentID: i.ID, Actor: s.as(s.ben), Users: []string{s.ben}})
				if err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			words := s.words(i.ID)
			first := slices.Index(words, "incident.acknowledged") // -1: never
			if late := fault.Is(told, "no_longer_yours"); late != (first < 0) || !late && told != nil {
				t.Errorf("round %d: the tap was told %v, and the timeline says %v", round, told, words)
			}
			if over := slices.Index(words, "incident.reassigned"); first > over {
				t.Errorf("round %d: a button that was revoked has acknowledged: %v", round, words)
			}
		}
	})
}
