package respond_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// lockScreen lets Ana's iPhone take Live Activities.
func (s *stage) lockScreen() {
	s.t.Helper()
	d := s.anas
	d.LiveActivity = push.LiveActivity{StartToken: "5aa5", Frequent: true}
	if err := s.db.Devices().UpdateDevice(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
}

// told gives what Live Activities were told since the last take: the event,
// the token it goes to and whether it is prompt.
func (s *stage) told() []string {
	var out []string
	for _, j := range s.page.take() {
		if a := j.Delivery.About; j.Delivery.Kind == push.Activity {
			out = append(out, fmt.Sprintf("%s %s %v", a.Event, j.ActivityToken, a.Loud))
		}
	}
	return out
}

func (s *stage) activityToken(incidentID, token string) {
	s.t.Helper()
	err := s.desk.ReportActivity(s.t.Context(), respond.ActivityReport{UserID: s.ana, DeviceID: s.anas.ID, IncidentID: incidentID, Token: token})
	if err != nil {
		s.t.Fatal(err)
	}
}

// A night on the lock screen, from the page to its end.
func TestALiveActivityFollowsItsIncident(t *testing.T) {
	each(t, func(s *stage) {
		s.loop(9)
		s.lockScreen()
		i := s.trigger("db-1")
		jobs := s.page.take()
		want(s.t, "the page and then the activity", []push.Kind{jobs[0].Delivery.Kind, jobs[1].Delivery.Kind}, []push.Kind{push.Page, push.Activity})
		want(s.t, "it starts", jobs[1].Delivery.About.Event, push.ActivityStart)
		want(s.t, "what it is about", jobs[1].Content.Title, "Checkout is down")

		s.activityToken(i.ID, "t1")
		want(s.t, "it has missed nothing", s.told(), nil)
		s.set(s.now().Add(time.Minute))
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "an acknowledgement is shown promptly", s.told(), []string{"update t1 true"})

		s.set(s.now().Add(time.Minute))
		s.act(respond.Command{Name: respond.Unacknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "the rest is not worth the budget, and it is not started twice", s.told(), []string{"update t1 false"})

		s.activityToken(i.ID, "t2") // rotated
		s.set(s.now().Add(time.Minute))
		s.act(respond.Command{Name: respond.Resolve, IncidentID: i.ID, Actor: s.as(s.ana)})
		end := s.page.take()
		last := end[len(end)-1]
		want(s.t, "it ends", last.Delivery.About.Event, push.ActivityEnd)
		want(s.t, "at its newest token", last.ActivityToken, "t2")
		want(s.t, "and stays for a quarter of an hour", last.Delivery.About.At, s.now().Add(15*time.Minute))
		s.activityToken(i.ID, "t3")
		want(s.t, "a token that comes too late is for the end", s.told(), []string{"end t3 true"})
	})
}

// Taken away means gone from the lock screen at once, also where the token
// comes only afterwards.
func TestALiveActivityEndsWhenTheIncidentIsSomebodyElses(t *testing.T) {
	each(t, func(s *stage) {
		s.lockScreen()
		first, second := s.trigger("db-1"), s.trigger("db-2")
		s.page.take()
		s.activityToken(first.ID, "t1")
		for _, i := range []string{first.ID, second.ID} {
			s.act(respond.Command{Name: respond.Reassign, IncidentID: i, Actor: s.as(s.ben), Users: []string{s.ben}})
		}
		want(s.t, "one has a token", s.told(), []string{"end t1 false"})
		s.activityToken(second.ID, "t2")
		want(s.t, "and the other when it comes", s.told(), []string{"end t2 false"})
	})
}

// Changes in quick succession are told once a second, the last one surely.
func TestALiveActivityIsToldAtMostOnceASecond(t *testing.T) {
	each(t, func(s *stage) {
		s.loop(9)
		s.lockScreen()
		i := s.trigger("db-1")
		s.activityToken(i.ID, "t1")
		s.page.take()
		s.set(s.now().Add(300 * time.Millisecond))
		for _, severity := range []string{"a", "b", "c", "d"} {
			s.event(respond.EventTrigger, "db-1", "warning", "Checkout is down "+severity)
		}
		want(s.t, "nothing within the second", s.told(), nil)
		s.set(s.now().Add(time.Second))
		jobs, err := s.db.Deliveries().Claim(s.t.Context(), s.now(), 100, s.now().Add(time.Minute))
		if err != nil {
			s.t.Fatal(err)
		}
		var updates []push.Job
		for _, j := range jobs {
			if j.Delivery.Kind == push.Activity {
				updates = append(updates, j)
			}
		}
		want(s.t, "then one", len(updates), 1)
		want(s.t, "at its own token", updates[0].ActivityToken, "t1")
		want(s.t, "which knows the newest", updates[0].Content.Revision, s.get(i.ID).Revision)
	})
}

// What Apple says of an activity's token is about the activity alone.
func TestADeadActivityKillsNoDevice(t *testing.T) {
	each(t, func(s *stage) {
		s.loop(9)
		s.lockScreen()
		i := s.trigger("db-1")
		s.activityToken(i.ID, "t1")
		s.page.take()
		s.set(s.now().Add(time.Minute))
		s.act(respond.Command{Name: respond.Escalate, IncidentID: i.ID, Actor: s.as(s.ben)})
		s.act(respond.Command{Name: respond.Reassign, IncidentID: i.ID, Actor: s.as(s.ben), Users: []string{s.ana}})
		for _, j := range s.page.take() {
			if j.Delivery.Kind == push.Activity {
				out := push.Outcome{Job: j, SentAt: s.now(), DoneAt: s.now(), Final: push.Failed, Result: push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "Unregistered"}}
				if err := s.db.Deliveries().Record(s.t.Context(), []push.Outcome{out}); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		d, err := s.db.Devices().Device(s.t.Context(), s.ana, s.anas.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "the phone rings on", d.State, push.DeviceActive)
		s.set(s.now().Add(time.Minute))
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "the activity is told nothing more", s.told(), nil)
	})
}

func TestWhoMayReportALiveActivity(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.page.take()
		for what, r := range map[string]respond.ActivityReport{
			"another's device": {UserID: s.ben, DeviceID: s.anas.ID, IncidentID: i.ID, Token: "t"},
			"no incident":      {UserID: s.ana, DeviceID: s.anas.ID, IncidentID: id.New(id.Incident), Token: "t"},
		} {
			want(s.t, what, fault.KindOf(s.desk.ReportActivity(s.t.Context(), r)), fault.NotFound)
		}
		phones, err := s.db.Devices().Devices(s.t.Context(), s.ben)
		if err != nil || phones[0].Provider == push.APNs {
			s.t.Fatal(phones, err)
		}
		android := respond.ActivityReport{UserID: s.ben, DeviceID: phones[0].ID, IncidentID: i.ID, Token: "t"}
		want(s.t, "an Android phone", fault.Is(s.desk.ReportActivity(s.t.Context(), android), "bad_platform"), true)
		ended := respond.ActivityReport{UserID: s.ana, DeviceID: s.anas.ID, IncidentID: i.ID, Ended: true}
		want(s.t, "the end of what never was", s.desk.ReportActivity(s.t.Context(), ended), error(nil))
		s.activityToken(i.ID, "by the app itself")
		s.set(s.now().Add(time.Minute))
		want(s.t, "swiped away", s.desk.ReportActivity(s.t.Context(), ended), error(nil))
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ana)})
		want(s.t, "so nothing is told", s.told(), nil)
	})
}
