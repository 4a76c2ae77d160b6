package respond_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestNobodyAnswersSoTheNextOneRings(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		pages := s.page.take()
		want(s.t, "first ring", len(pages), 1)
		want(s.t, "whose", pages[0].Device.Name, "aa11")
		want(s.t, "the page's end is the next level's start", pages[0].Delivery.ExpiresAt, monday.Add(5*time.Minute))
		want(s.t, "what it says", pages[0].Content.Title, "Checkout is down")
		want(s.t, "number", pages[0].Content.Number, i.Number)
		s.accepted(pages)

		s.wait(5 * time.Minute)
		want(s.t, "second ring", s.rang(), []string{"page bens-token", "settle aa11"})
		want(s.t, "assignees", s.get(i.ID).Assignees, []string{s.ben})

		s.wait(5 * time.Minute)
		want(s.t, "nobody is left", s.rang(), nil)
		want(s.t, "still open", s.get(i.ID).Status, incident.Triggered)
		want(s.t, "timeline", s.words(i.ID), []string{
			"incident.triggered", "incident.escalated", "notification.scheduled", "notification.sent", "notification.accepted",
			"incident.escalated", "notification.scheduled", "incident.exhausted",
		})
	})
}

func TestAcknowledgeStopsEverythingEverywhere(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.accepted(s.page.take())
		s.wait(5 * time.Minute)
		inTheAir := s.page.take() // Ben's page has not been answered by the provider yet

		a := s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "changed", a.Changed, true)
		want(s.t, "cancelled in memory", s.page.cancelled, []string{i.ID})
		settles := s.page.take()
		want(s.t, "settles, for the page in the air too: its node may die before it knows", len(settles), 2)
		want(s.t, "Ana's phone is quieted", settles[0].Device.Name, "aa11")
		want(s.t, "and told who", settles[0].Content.By, "Ben")

		s.accepted(inTheAir) // it overtook its settle: the truth is written down and that phone is settled again
		due, err := s.db.Deliveries().Claim(s.t.Context(), s.now(), 10, s.now().Add(time.Minute))
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "the late page is settled", len(due), 1)
		want(s.t, "kind", due[0].Delivery.Kind, push.Settle)
		want(s.t, "whose", due[0].Device.Name, "bens-token")

		again := s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ana)})
		want(s.t, "again changes nothing", again.Changed, false)
		want(s.t, "and says who was first", again.Incident.AcknowledgedBy.Name, "Ben")

		s.wait(29 * time.Minute)
		want(s.t, "silence", s.rang(), nil)
	})
}

func TestAnAcknowledgementThatIsForgottenRingsAgain(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.page.take()
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ana)})
		s.page.take()
		s.wait(30 * time.Minute)
		want(s.t, "rings again", s.rang(), []string{"page aa11"})
		s.wait(5 * time.Minute)
		want(s.t, "and escalates from there", s.rang(), []string{"page bens-token", "settle aa11"})
	})
}

func TestTheSameKeyIsTheSameIncident(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.page.take()
		s.trigger("db-1")
		s.trigger("db-1")
		want(s.t, "no new page", s.rang(), nil)
		s.event(respond.EventTrigger, "db-1", incident.Critical, "Checkout is down and so is the database")
		want(s.t, "still none for different content", s.rang(), nil)
		want(s.t, "alerts", s.counts(i.ID), map[string]int64{"Checkout is down": 3, "Checkout is down and so is the database": 1})
		want(s.t, "title stays", s.get(i.ID).Title, "Checkout is down")

		s.event(respond.EventResolve, "db-1", incident.Critical, "")
		want(s.t, "resolved", s.get(i.ID).Status, incident.Resolved)
		s.event(respond.EventResolve, "db-1", incident.Critical, "")
		second := s.trigger("db-1")
		if second.ID == i.ID || second.Number != i.Number+1 {
			s.t.Errorf("after a resolve the key opened %s #%d, want a new incident", second.ID, second.Number)
		}
	})
}

// When the plan goes on, the phones of those it has passed say so, quietly, and
// may still answer.
func TestWhoIsPassedByThePlanIsToldAndMayStillAnswer(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.accepted(s.page.take())
		s.wait(5 * time.Minute)
		var settled push.Job
		for _, j := range s.page.take() {
			if j.Delivery.Kind == push.Settle {
				settled = j
			}
		}
		want(s.t, "whose phone", settled.Device.Name, "aa11")
		want(s.t, "what for", settled.Delivery.About, &push.About{Topic: push.TopicEscalated})
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ana)})
		want(s.t, "taken by", s.get(i.ID).AcknowledgedBy.ID, s.ana)
	})
}

// What gets worse is rewritten on the phones that show it; nothing rings.
func TestAWorseAlertIsShownQuietly(t *testing.T) {
	each(t, func(s *stage) {
		s.event(respond.EventTrigger, "db-1", incident.Error, "Checkout is slow")
		s.accepted(s.page.take())
		s.event(respond.EventTrigger, "db-1", incident.Error, "Checkout is slower")
		want(s.t, "different, but not worse", s.rang(), nil)
		s.event(respond.EventTrigger, "db-1", incident.Critical, "Checkout is down")
		jobs := s.page.take()
		want(s.t, "rewritten", len(jobs), 1)
		want(s.t, "how", jobs[0].Delivery.Kind, push.Update)
		want(s.t, "to what", jobs[0].Content.Severity, incident.Critical)
	})
}

// Who has been told that it is somebody else's is not shown it again.
func TestAWorseAlertIsShownToWhomItConcerns(t *testing.T) {
	each(t, func(s *stage) {
		s.event(respond.EventTrigger, "db-1", incident.Error, "Checkout is slow")
		s.accepted(s.page.take())
		s.wait(5 * time.Minute) // Ben is asked now
		s.accepted(s.page.take())
		s.event(respond.EventTrigger, "db-1", incident.Critical, "Checkout is down")
		want(s.t, "rewritten", s.rang(), []string{"update bens-token"})
	})
}

// A sender that alternates, or writes a number into its summary, must not fill
// the database.
func TestContentsUnderOneKeyAreBounded(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		for range 3 {
			s.event(respond.EventTrigger, "db-1", incident.Critical, "A")
			s.event(respond.EventTrigger, "db-1", incident.Critical, "B")
		}
		counts := s.counts(i.ID)
		want(s.t, "alternating contents are counted", counts, map[string]int64{"Checkout is down": 1, "A": 3, "B": 3})
		for n := range 110 {
			s.event(respond.EventTrigger, "db-1", incident.Critical, "load is "+strconv.Itoa(n))
		}
		counts = s.counts(i.ID)
		var events int64
		for _, n := range counts {
			events += n
		}
		want(s.t, "alerts", len(counts), 100)
		want(s.t, "events", events, 117)
	})
}

// counts gives how often each content came.
func (s *stage) counts(incidentID string) map[string]int64 {
	s.t.Helper()
	alerts, err := s.db.Incidents().Alerts(s.t.Context(), incidentID, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, a := range alerts {
		counts[a.Summary] = a.Count
	}
	return counts
}

func TestResolveByEventSettlesAndEndsEveryTimer(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.accepted(s.page.take())
		s.event(respond.EventAcknowledge, "db-1", incident.Critical, "")
		want(s.t, "acknowledged by the sender", s.get(i.ID).AcknowledgedBy.Name, "Prometheus")
		want(s.t, "settled", s.rang(), []string{"settle aa11"})
		s.event(respond.EventResolve, "db-1", incident.Critical, "")
		want(s.t, "what the phone shows follows", s.rang(), []string{"settle aa11"})
		s.wait(48 * time.Hour)
		if _, ok := s.get(i.ID).Timers.Next(); ok {
			s.t.Error("a resolved incident still has a timer")
		}
		for _, r := range s.rang() {
			if r == "page aa11" || r == "page bens-token" {
				s.t.Errorf("%s after resolve", r)
			}
		}
	})
}

func TestALowUrgencyFollowsThePersonsRules(t *testing.T) {
	each(t, func(s *stage) {
		s.event(respond.EventTrigger, "disk", incident.Warning, "Disk is filling")
		want(s.t, "not at once", s.rang(), nil)
		s.wait(2 * time.Minute)
		want(s.t, "after the rule's delay", s.rang(), []string{"page aa11"})
		s.wait(3 * time.Minute)
		want(s.t, "then the next level", s.rang(), []string{"page bens-token", "settle aa11"})
	})
}

func TestAnAcknowledgementVoidsWaitingNotifications(t *testing.T) {
	each(t, func(s *stage) {
		s.event(respond.EventTrigger, "disk", incident.Warning, "Disk is filling")
		i := s.newest()
		s.wait(time.Minute)
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		s.wait(10 * time.Minute)
		want(s.t, "silence", s.rang(), nil)
		want(s.t, "and the timeline says so", slices.Contains(s.words(i.ID), "notification.cancelled"), true)
	})
}

func TestALevelWithNobodyIsSkippedAtOnce(t *testing.T) {
	each(t, func(s *stage) {
		s.apply(setup.Changes{Policies: []oncall.Policy{{ID: s.policy, Name: "Default", Levels: []oncall.Level{
			{Targets: []oncall.Target{{Kind: oncall.ScheduleTarget, ID: id.New(id.Schedule)}}, Delay: time.Hour},
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ben}}, Delay: 5 * time.Minute},
		}}}})
		i := s.trigger("db-1")
		want(s.t, "Ben rings at once", s.rang(), []string{"page bens-token"})
		want(s.t, "and the timeline says why", s.words(i.ID)[:3], []string{"incident.triggered", "incident.level_skipped", "incident.escalated"})
	})
}

func TestAPolicyChangedMidwayDoesNotChangeAnOpenIncident(t *testing.T) {
	each(t, func(s *stage) {
		s.trigger("db-1")
		s.page.take()
		s.apply(setup.Changes{Policies: []oncall.Policy{{ID: s.policy, Name: "Default", Levels: []oncall.Level{
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ana}}, Delay: time.Hour},
		}}}})
		s.wait(5 * time.Minute)
		want(s.t, "the plan is frozen", s.rang(), []string{"page bens-token", "settle aa11"})
		s.trigger("db-2")
		s.page.take()
		s.wait(10 * time.Minute)
		want(s.t, "the new one follows the new policy", s.rang(), nil)
	})
}

func TestEscalateReassignSnoozeAndNote(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.accepted(s.page.take())
		cmd := func(v respond.Verb) respond.Command {
			return respond.Command{Name: v, IncidentID: i.ID, Actor: s.as(s.ana)}
		}
		s.act(cmd(respond.Escalate))
		want(s.t, "by hand", s.rang(), []string{"page bens-token", "settle aa11"})

		snooze := cmd(respond.Snooze)
		snooze.Until = s.now().Add(time.Hour)
		s.act(snooze)
		s.page.take()
		s.wait(59 * time.Minute)
		want(s.t, "snoozed", s.rang(), nil)
		s.wait(time.Minute)
		want(s.t, "snooze over: the plan from its start", s.rang(), []string{"page aa11"})

		note := cmd(respond.Note)
		note.Note = "It is the certificate again."
		s.act(note)

		reassign := cmd(respond.Reassign)
		reassign.Users = []string{s.ben}
		s.act(reassign)
		want(s.t, "Ben rings, Ana is quieted", s.rang(), []string{"page bens-token", "settle aa11"})

		reassign.Users = []string{id.New(id.User)}
		_, err := s.desk.Act(s.t.Context(), reassign)
		want(s.t, "nobody of that name", fault.Is(err, "unknown_user"), true)
		reassign.Users, reassign.PolicyID = nil, s.policy
		s.act(reassign)
		want(s.t, "back to the policy", s.rang()[0], "page aa11")
	})
}

func TestARepeatedKeyGivesTheSameAnswer(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		cmd := respond.Command{Name: respond.Note, IncidentID: i.ID, Actor: s.as(s.ana), Principal: s.ana, Key: "k1", Note: "on it"}
		first := s.act(cmd)
		want(s.t, "the same answer", s.act(cmd), first)
		notes := 0
		for _, w := range s.words(i.ID) {
			if w == "incident.annotated" {
				notes++
			}
		}
		want(s.t, "one note", notes, 1)
		cmd.Note = "something else"
		_, err := s.desk.Act(s.t.Context(), cmd)
		want(s.t, "a key is for one request", fault.Is(err, "idempotency_key_reused"), true)
		cmd.Principal = s.ben
		want(s.t, "keys of others are others", s.act(cmd).Changed, true)
	})
}

func TestAPersonWithoutRulesOrPhonesIsSaidSo(t *testing.T) {
	each(t, func(s *stage) {
		s.apply(setup.Changes{Rules: map[string][]oncall.Rule{s.ana: nil}})
		i := s.trigger("db-1")
		want(s.t, "all devices at once", s.rang(), []string{"page aa11"})
		want(s.t, "with a warning", slices.Contains(s.words(i.ID), "incident.warning"), true)
		if err := s.db.Devices().RemoveDevice(s.t.Context(), s.ana, s.anas.ID); err != nil {
			s.t.Fatal(err)
		}
		s.trigger("db-2")
		want(s.t, "nothing to ring", s.rang(), nil)
		s.wait(5 * time.Minute)
		want(s.t, "but the plan goes on", slices.Contains(s.rang(), "page bens-token"), true)
	})
}

// The rule names a phone that is replaced before its moment comes.
func TestARungWhoseDeviceIsGoneRingsWhatIsLeft(t *testing.T) {
	each(t, func(s *stage) {
		s.apply(setup.Changes{Rules: map[string][]oncall.Rule{s.ana: {
			{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, Delay: 2 * time.Minute, DeviceID: s.anas.ID},
		}}})
		i := s.trigger("db-1")
		want(s.t, "not yet", s.rang(), nil)
		if err := s.db.Devices().RemoveDevice(s.t.Context(), s.ana, s.anas.ID); err != nil {
			s.t.Fatal(err)
		}
		s.phone(s.ana, push.IOS, push.APNs, "bb22")
		s.wait(2 * time.Minute)
		want(s.t, "the new phone", s.rang(), []string{"page bb22"})
		want(s.t, "and the timeline says so", slices.Contains(s.words(i.ID), "incident.warning"), true)
	})
}

func TestUnknownRoutingKeys(t *testing.T) {
	each(t, func(s *stage) {
		e := respond.Event{RoutingKey: "00000000000000000000000000000000", Action: respond.EventTrigger, DedupKey: "x", Summary: "x"}
		_, err := s.desk.Ingest(s.t.Context(), e)
		want(s.t, "refused by name", fault.Is(err, "unknown_routing_key"), true)
		want(s.t, "as invalid", fault.KindOf(err), fault.Invalid)
		err = s.desk.IngestChange(s.t.Context(), respond.Change{RoutingKey: e.RoutingKey, Summary: "deploy"})
		want(s.t, "changes too", fault.Is(err, "unknown_routing_key"), true)
		if err := s.desk.IngestChange(s.t.Context(), respond.Change{RoutingKey: routingKey, Summary: "deploy", Payload: []byte(`{}`)}); err != nil {
			s.t.Error(err)
		}
	})
}

func TestAfterAnOutageOnlyTodaysLevelRings(t *testing.T) {
	each(t, func(s *stage) {
		s.trigger("db-1")
		s.page.take()
		s.set(monday.Add(6 * time.Hour)) // nobody knocked for six hours
		s.knock()
		want(s.t, "one level, once", s.rang(), []string{"page bens-token", "settle aa11"})
	})
}

func TestTheAuditorSeesWhatTheClockForgot(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.set(monday.Add(10 * time.Minute))
		late, err := s.db.Timers().Overdue(s.t.Context(), s.now().Add(-time.Minute), 10)
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "overdue", len(late), 1)
		want(s.t, "which", late[0].IncidentID, i.ID)
		s.wait(time.Minute)
		s.wait(10 * time.Minute)
		over, err := s.db.Timers().Overdue(s.t.Context(), s.now(), 10)
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "exhausted ones stay on the list", over, []respond.Overdue{{IncidentID: i.ID, DueAt: monday.Add(24 * time.Hour), Exhausted: true}})
		if err := s.desk.Audit(s.t.Context(), s.db.Timers()); err != nil {
			s.t.Fatal(err)
		}
	})
}

// A node that dies holds its timers for one lease, however long that is.
func TestTheAuditorWaitsForALease(t *testing.T) {
	each(t, func(s *stage) {
		m := meter.New()
		desk := respond.New(respond.Config{Store: s.db.Desk(), Pager: s.page, Lease: 10 * time.Minute, Now: s.now, Meter: m})
		s.trigger("db-1") // due in five minutes
		for _, c := range []struct {
			after time.Duration
			late  string
		}{{15 * time.Minute, "0"}, {15*time.Minute + 30*time.Second, "1"}} {
			s.set(monday.Add(c.after))
			if err := desk.Audit(s.t.Context(), s.db.Timers()); err != nil {
				s.t.Fatal(err)
			}
			w := httptest.NewRecorder()
			m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			want(s.t, "late after "+c.after.String(), strings.Contains(w.Body.String(), `nightbell_incidents_overdue{why="late"} `+c.late), true)
		}
	})
}

func TestWhoIsOnCall(t *testing.T) {
	each(t, func(s *stage) {
		got := s.desk.OnCall(s.now())
		want(s.t, "services", len(got), 1)
		want(s.t, "level 1", got[0].Levels[0].People[0].Name, "Ana")
		want(s.t, "level 2", got[0].Levels[1].People[0].Name, "Ben")
	})
}
