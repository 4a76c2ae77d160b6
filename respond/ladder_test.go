package respond_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// climbing gives Ana three phones, one after the other: at once, to be shown
// within 20 s; after two minutes, to be shown within 30 s; after four minutes.
func (s *stage) climbing() {
	second, third := s.phone(s.ana, push.IOS, push.APNs, "aa22"), s.phone(s.ana, push.IOS, push.APNs, "aa33")
	rule := func(dev push.Device, delay, within time.Duration) oncall.Rule {
		return oncall.Rule{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, DeviceID: dev.ID, Delay: delay, DisplayedWithin: within}
	}
	s.apply(setup.Changes{Rules: map[string][]oncall.Rule{s.ana: {
		rule(s.anas, 0, 20*time.Second), rule(second, 2*time.Minute, 30*time.Second), rule(third, 4*time.Minute, 0),
	}}})
}

// hurried gives the moments at which something rang because nothing was shown.
func (s *stage) hurried(incidentID string) (after []time.Duration) {
	for _, e := range s.timeline(incidentID) {
		if e.Detail.Reason == incident.ReasonNotDisplayed {
			after = append(after, e.At.Sub(monday))
		}
	}
	return after
}

// next is the moment at which the clock looks at the incident again.
func (s *stage) next() time.Duration {
	s.t.Helper()
	at, ok, err := s.db.Timers().NextDue(s.t.Context())
	if err != nil || !ok {
		s.t.Fatalf("no timer: %v", err)
	}
	return at.Sub(monday)
}

func TestWhatIsDisplayedInTimeHurriesNothing(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		i := s.trigger("db-1")
		first := s.paged(s.ana)
		want(s.t, "looks in 20 s", s.next(), 20*time.Second)
		s.wait(19 * time.Second)
		s.report(s.ana, "", said(first, push.Displayed))
		s.wait(time.Second)
		want(s.t, "silence", s.rang(), nil)
		want(s.t, "looks at the fixed time", s.next(), 2*time.Minute)
		s.wait(100 * time.Second)
		want(s.t, "the fixed time", s.rang(), []string{"page aa22"})
		want(s.t, "nothing was hurried", s.hurried(i.ID), nil)
		want(s.t, "and the third waits for the second", s.next(), 150*time.Second)
	})
}

// Each rung that is not shown brings the next, from when it really rang.
func TestWhatIsNotDisplayedBringsTheNextRungAtOnce(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		i := s.trigger("db-1")
		first := s.page.take()
		s.accepted(first)
		s.report(s.ana, "", said(first[0].Delivery, push.Received)) // received is not displayed
		s.wait(19 * time.Second)
		want(s.t, "not yet", s.rang(), nil)
		s.wait(time.Second)
		want(s.t, "after 20 s", s.rang(), []string{"page aa22"})
		want(s.t, "looks 30 s after that", s.next(), 50*time.Second)
		s.report(s.ana, "", said(first[0].Delivery, push.Displayed)) // too late, and it is not the second
		s.wait(30 * time.Second)
		want(s.t, "after another 30 s", s.rang(), []string{"page aa33"})
		want(s.t, "the timeline says why", s.hurried(i.ID), []time.Duration{20 * time.Second, 50 * time.Second})
		s.wait(240 * time.Second)
		want(s.t, "nothing rings twice", s.rang(), nil)
		want(s.t, "the level stays as long as it was", s.next(), 5*time.Minute)
	})
}

// Who opens or acts has seen it.
func TestOpenedIsDisplayed(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		s.trigger("db-1")
		s.wait(20 * time.Second)
		jobs := s.page.take()
		want(s.t, "early", jobs[len(jobs)-1].Device.Name, "aa22")
		s.report(s.ana, "", said(jobs[len(jobs)-1].Delivery, push.Opened))
		s.wait(30 * time.Second)
		want(s.t, "silence", s.rang(), nil)
		s.wait(190 * time.Second)
		want(s.t, "the third at its fixed time", s.rang(), []string{"page aa33"})
	})
}

func TestAnAcknowledgementEndsTheLadder(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		i := s.trigger("db-1")
		s.page.take()
		s.wait(10 * time.Second)
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		s.page.take()
		s.wait(10 * time.Minute)
		want(s.t, "silence", s.rang(), nil)
		want(s.t, "nothing was hurried", s.hurried(i.ID), nil)
	})
}

// What failed for good is not displayed either: it is found out when it is
// looked at.
func TestAFailedPageIsNotDisplayed(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		s.trigger("db-1")
		j := s.page.take()[0]
		err := s.db.Deliveries().Record(s.t.Context(), []push.Outcome{{Job: j, SentAt: s.now(), DoneAt: s.now(), Result: push.Result{Class: push.ClassPayloadBug, Status: 400}, Final: push.Failed}})
		if err != nil {
			s.t.Fatal(err)
		}
		s.wait(20 * time.Second)
		want(s.t, "goes on", s.rang(), []string{"page aa22"})
	})
}

// The ladder is in the database: another desk, after a restart, climbs on. And
// where the clock stood still, what has only now been sent is waited for.
func TestALadderSurvivesARestart(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		i := s.trigger("db-1")
		s.page.take()
		s.desk = respond.New(respond.Config{Store: s.db.Desk(), Pager: s.page, Node: "node-b", Now: s.now})
		s.set(monday.Add(151 * time.Second)) // the second was due at 2:00, the third looked at 2:30
		s.knock()
		want(s.t, "the second", s.rang(), []string{"page aa22"})
		want(s.t, "the third waits for it", s.next(), 181*time.Second)
		s.wait(30 * time.Second)
		want(s.t, "and comes", s.rang(), []string{"page aa33"})
		want(s.t, "why", s.hurried(i.ID), []time.Duration{181 * time.Second})
	})
}

// A person's own ladder does not wait for another person's.
func TestLaddersAreEachPersonsOwn(t *testing.T) {
	each(t, func(s *stage) {
		s.climbing()
		p := s.db.Catalog().Policies[s.policy]
		p.Levels[0].Targets = append(p.Levels[0].Targets, oncall.Target{Kind: oncall.UserTarget, ID: s.ben})
		s.apply(setup.Changes{Policies: []oncall.Policy{p}, Rules: map[string][]oncall.Rule{s.ben: {
			{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push},
			{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, Delay: time.Minute},
		}}})
		s.trigger("db-1")
		s.page.take()
		s.wait(20 * time.Second)
		want(s.t, "Ana's goes on", s.rang(), []string{"page aa22"})
		s.wait(20 * time.Second)
		want(s.t, "Ben's does not", s.rang(), nil)
		s.wait(20 * time.Second)
		want(s.t, "until its time", s.rang(), []string{"page aa33", "page bens-token"})
	})
}
