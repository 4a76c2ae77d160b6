package models_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

// dueIn gives a case whose clock next strikes after d.
func dueIn(key string, d time.Duration) respond.Case {
	c := aCase(key)
	c.NextRungAt = time.Time{}
	c.Incident.Timers = incident.Timers{EscalateAt: noon.Add(d)}
	return c
}

func claimTimers(t *testing.T, db *models.DB, now time.Time, n int) []string {
	t.Helper()
	ids, err := db.Timers().Claim(t.Context(), now, n, now.Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func nextTimer(t *testing.T, db *models.DB) time.Time {
	t.Helper()
	next, ok, err := db.Timers().NextDue(t.Context())
	if err != nil || ok == next.IsZero() {
		t.Fatal(next, ok, err)
	}
	return next
}

func TestClockOfAnIncidentIsClaimedOnceAndHandedOver(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		a, b := p.Open(t, "node-a"), p.Open(t, "node-b")
		if next := nextTimer(t, a); !next.IsZero() {
			t.Errorf("an empty house waits for %s", next)
		}
		soon, later := open(t, a, dueIn("soon", time.Minute)), open(t, a, dueIn("later", 2*time.Minute))
		if next := nextTimer(t, a); !next.Equal(noon.Add(time.Minute)) {
			t.Errorf("next at %s", next)
		}
		if ids := claimTimers(t, a, noon.Add(59*time.Second), 10); len(ids) != 0 {
			t.Errorf("claimed early: %v", ids)
		}
		at := noon.Add(3 * time.Minute)
		if ids := claimTimers(t, a, at, 1); !slices.Equal(ids, []string{soon.Incident.ID}) {
			t.Errorf("node a claimed %v first", ids)
		}
		if ids := claimTimers(t, b, at, 10); !slices.Equal(ids, []string{later.Incident.ID}) {
			t.Errorf("node b claimed %v", ids)
		}
		if next := nextTimer(t, b); !next.Equal(at.Add(30 * time.Second)) {
			t.Errorf("next lease runs out at %s", next)
		}
		// Node a does its work; node b dies.
		done := load(t, a, soon.Incident.ID)
		done.Incident.Timers.EscalateAt = at.Add(time.Hour)
		write(t, a, "k", func(tx respond.Tx) error { return tx.Save(done) })
		if ids := claimTimers(t, a, at.Add(time.Minute), 10); !slices.Equal(ids, []string{later.Incident.ID}) {
			t.Errorf("after the lease node a took %v", ids)
		}
		if ids := claimTimers(t, a, at.Add(time.Hour), 10); !slices.Contains(ids, soon.Incident.ID) {
			t.Errorf("the new timer never struck: %v", ids)
		}
	})
}

func TestAuditorSeesWhatIsLateOrStuck(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		late := open(t, db, dueIn("late", time.Minute))
		fine := open(t, db, dueIn("fine", time.Hour))
		stuck := dueIn("stuck", 0)
		stuck.Incident.Timers = incident.Timers{}
		stuck = open(t, db, stuck)
		resolved := threeLives()[2]
		write(t, db, "k", func(tx respond.Tx) error { return tx.Open(&resolved) })
		claimTimers(t, db, noon.Add(2*time.Minute), 10) // a lease does not make it less late
		list, err := db.Timers().Overdue(t.Context(), noon.Add(5*time.Minute), 10)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]respond.Overdue{}
		for _, o := range list {
			got[o.IncidentID] = o
		}
		if o, ok := got[late.Incident.ID]; !ok || !o.DueAt.Equal(noon.Add(time.Minute)) {
			t.Errorf("late: %+v", o)
		}
		if o, ok := got[stuck.Incident.ID]; !ok || !o.DueAt.IsZero() || !o.Exhausted {
			t.Errorf("stuck: %+v", o)
		}
		if len(got) != 2 {
			t.Errorf("also reported: %+v (%s is fine)", list, fine.Incident.ID)
		}
		if list[0].IncidentID != late.Incident.ID {
			t.Errorf("a crowd of stuck ones would hide what is late: %+v", list)
		}
	})
}

func TestNotificationsAreTakenWhenDue(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("k"))
		at := func(minutes int) respond.Notification {
			n := aNotification(c)
			n.ID, n.State, n.DueAt = id.New(id.Notification), respond.NotificationScheduled, noon.Add(time.Duration(minutes)*time.Minute)
			n.ExpiresAt = noon.Add(10 * time.Minute)
			return n
		}
		first, stale, third := at(2), at(1), at(6)
		stale.ExpiresAt = noon.Add(90 * time.Second)
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddNotifications([]respond.Notification{first, stale, third}) })
		take := func(now time.Time) (due []respond.Notification, next time.Time) {
			write(t, db, "k", func(tx respond.Tx) (err error) {
				due, next, err = tx.TakeDue(c.Incident.ID, now)
				return err
			})
			return due, next
		}
		if due, next := take(noon); len(due) != 0 || !next.Equal(stale.DueAt) {
			t.Errorf("at noon: %+v, next %s", due, next)
		}
		due, next := take(noon.Add(3 * time.Minute))
		if len(due) != 2 || due[0].ID != stale.ID || due[0].State != respond.NotificationExpired ||
			due[1].ID != first.ID || due[1].State != respond.NotificationDispatched || !next.Equal(third.DueAt) {
			t.Errorf("after three minutes: %+v, next %s", due, next)
		}
		write(t, db, "k", func(tx respond.Tx) error {
			waiting, _, err := tx.CancelPages(c.Incident.ID, noon)
			if len(waiting) != 1 || waiting[0].ID != third.ID {
				t.Errorf("cancelled %+v", waiting)
			}
			return err
		})
		if due, next := take(noon.Add(time.Hour)); len(due) != 0 || !next.IsZero() {
			t.Errorf("after cancelling: %+v, next %s", due, next)
		}
	})
}
