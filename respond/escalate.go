package respond

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/crash"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
)

// Due does what an incident's clock asks for. It is called with a lease on
// the incident; everything is judged again inside the transaction, so a timer
// that another change has voided does nothing, and saving gives the lease back.
func (d *Desk) Due(ctx context.Context, incidentID string) error {
	crash.Here(crash.TimerClaimed)
	err := d.write(ctx, "timer", incidentID, func(w *work) error {
		c, err := w.tx.Case(incidentID)
		if err != nil {
			return err
		}
		if err := w.tick(&c); err != nil {
			return err
		}
		return w.save(&c)
	})
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return nil // the incident is gone, and its timers with it
	}
	return err
}

// tick carries out the timers that have passed. After an outage several may
// have: each is taken once, from now on and with today's on-call (I12), never
// the backlog of levels that were missed.
func (w *work) tick(c *Case) error {
	t := c.Incident.Timers
	switch {
	case w.passed(t.AutoResolveAt):
		return w.timer(c, c.Incident.AutoResolved)
	case w.passed(t.SnoozeEndsAt):
		return w.timer(c, c.Incident.SnoozeEnded)
	case w.passed(t.AckTimeoutAt):
		return w.timer(c, c.Incident.AckTimedOut)
	}
	if w.passed(c.NextRungAt) {
		if err := w.rungs(c); err != nil {
			return err
		}
	}
	if w.passed(t.EscalateAt) {
		return w.step(c, w.next(c), incident.ReasonTimeout, incident.System)
	}
	return nil
}

// passed reports whether a timer is set and its moment is here.
func (w *work) passed(at time.Time) bool { return !at.IsZero() && !at.After(w.now) }

func (w *work) timer(c *Case, transition func(time.Time) (incident.Change, error)) error {
	ch, err := transition(w.now)
	if err != nil || !ch.Changed {
		return err
	}
	w.done = string(ch.Entries[0].Type)
	return w.apply(c, ch, incident.System)
}

// rungs sends the notifications whose moment has come. One whose level is
// over is not sent any more, and the timeline says that it expired.
func (w *work) rungs(c *Case) error {
	due, next, err := w.tx.TakeDue(c.Incident.ID, w.now)
	if err != nil {
		return err
	}
	c.NextRungAt = next
	r := round{c, map[string]Notification{}}
	for _, n := range due {
		switch {
		case n.State == NotificationExpired:
			w.note(c, incident.EntryExpired, incident.Detail{
				NotificationID: n.ID, UserID: n.UserID, Method: string(n.Method), Reason: "level_over",
			})
		case !w.tx.Catalog().Reachable(n.UserID):
			w.note(c, incident.EntryCancelled, incident.Detail{
				NotificationID: n.ID, UserID: n.UserID, Method: string(n.Method), Reason: "user_disabled",
			})
		default:
			if err := w.climb(r, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// ring sends a notification whose moment has come. The device that its rule
// names may be gone since it was scheduled: then those that are left ring, and
// the timeline says so.
func (w *work) ring(c *Case, n Notification) {
	if len(w.tx.Catalog().ringable(n.UserID, n.Method, n.DeviceID)) > 0 {
		w.dispatch(c, n)
		return
	}
	n.DeviceID = ""
	for _, n.Method = range w.warn(c, n.UserID, "no_device", "has no longer the device or address that was to be notified now", "instead") {
		w.dispatch(c, n)
	}
}

// next is the plan's next step from where the case stands.
func (w *work) next(c *Case) oncall.Step {
	if c.Position.Level == 0 {
		return c.Plan.Start(w.now, w.tx.Catalog())
	}
	return c.Plan.Next(c.Position, w.now, w.tx.Catalog())
}

// escalate is a person's wish to go on to the next level now. What was still
// to ring at the former level is stopped before the new one is paged.
func (w *work) escalate(c *Case, by incident.Actor) (incident.Change, error) {
	step := w.next(c)
	ch, err := c.Incident.Escalate(escalation(step, incident.ReasonManual), by, w.now)
	if err != nil {
		return ch, err
	}
	if err := w.apply(c, ch, by); err != nil {
		return ch, err
	}
	w.page(c, step)
	if err := w.settleAway(c, by); err != nil {
		return ch, err
	}
	return ch, w.save(c)
}
