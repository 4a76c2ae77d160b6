package respond

import (
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
)

// A rung may wait for the one before it to be displayed. Its DueAt is then the
// moment at which that is looked at; until the awaited one is dispatched, and
// nobody knows when it will be, that is reckoned from its latest moment.

// fixed is when the notification is due if nothing hurries it.
func (n Notification) fixed() time.Time {
	if n.FixedAt.IsZero() {
		return n.DueAt
	}
	return n.FixedAt
}

// after has n wait for the display of one that is dispatched at a moment.
func (n Notification) after(awaited Notification, dispatched time.Time) Notification {
	n.FixedAt, n.WaitsFor = n.fixed(), awaited.ID
	n.DueAt = n.FixedAt
	if look := dispatched.Add(awaited.DisplayedWithin); look.Before(n.FixedAt) {
		n.DueAt = look
	}
	return n
}

// ladder schedules a person's rungs, which say what they wait for.
func (w *work) ladder(c *Case, userID string, rungs []oncall.Rung, expires time.Time) {
	all := make([]Notification, len(rungs))
	for i, r := range rungs {
		n := w.promise(c, userID, r, expires)
		if r.After > 0 {
			awaited := all[r.After-1]
			n = n.after(awaited, awaited.fixed())
		}
		all[i] = w.schedule(c, n)
	}
}

// round is one look at what is due, and what it has sent so far.
type round struct {
	c    *Case
	sent map[string]Notification
}

// climb sends a notification whose moment has come, unless it came early and
// what it waits for was displayed, or has only now been sent: then it is put
// back. When it is sent, those that wait for it know from when.
func (w *work) climb(r round, n Notification) error {
	if n.WaitsFor != "" && w.now.Before(n.FixedAt) {
		if awaited, just := r.sent[n.WaitsFor]; just { // the clock had stood still
			return w.putBack(r.c, n.after(awaited, w.now))
		}
		shown, err := w.tx.Shown(n.IncidentID, n.WaitsFor)
		if err != nil {
			return err
		}
		if shown {
			n.DueAt = n.FixedAt
			return w.putBack(r.c, n)
		}
		w.notShown(r.c, n)
	}
	w.ring(r.c, n)
	r.sent[n.ID] = n
	if n.DisplayedWithin == 0 {
		return nil
	}
	next, err := w.tx.Await(n.IncidentID, n.ID, w.now.Add(n.DisplayedWithin))
	r.c.rungAt(next)
	return err
}

func (w *work) putBack(c *Case, n Notification) error {
	c.rungAt(n.DueAt)
	return w.tx.PutBack(n.ID, n.DueAt)
}

// notShown says why a notification comes before its time.
func (w *work) notShown(c *Case, n Notification) {
	now := w.now
	w.note(c, incident.EntryScheduled, incident.Detail{
		NotificationID: n.ID, UserID: n.UserID, Method: string(n.Method), Level: n.Level, Loop: n.Loop, Until: &now,
		Reason: incident.ReasonNotDisplayed,
		Text:   "no device has reported in time that it displayed the notification before it, so this one goes out now",
	})
}

// rungAt brings the next look forward to a moment; zero is none.
func (c *Case) rungAt(at time.Time) {
	if !at.IsZero() && (c.NextRungAt.IsZero() || at.Before(c.NextRungAt)) {
		c.NextRungAt = at
	}
}
