package respond

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// work is one change being made: what it has decided so far, and what may
// leave once it is committed. The writer may run a change twice; each run
// gets a fresh work.
type work struct {
	desk *Desk
	tx   Tx
	now  time.Time

	entries       []incident.Entry
	notifications []Notification
	outgoing      []outgoing
	jobs          []push.Job
	// quiet are changes that stop unsent pages in this node's memory.
	quiet []stop
	// opening: the incident is new. running are its Live Activities by device,
	// once they have been read.
	opening bool
	running map[string]Activity
	// done is what the change is counted as once it is committed.
	done string
}

// stop is a change that stops the pages made before it.
type stop struct {
	incidentID string
	revision   int64
}

// outgoing is a delivery that this node will send itself, right after commit.
type outgoing struct {
	delivery   push.Delivery
	device     push.Device
	by         string
	reassigned bool
	token      string // of a Live Activity
	later      bool   // not now, but by whoever claims it when it is due
}

// change loads a case, lets the machine decide and carries it out.
func (w *work) change(incidentID string, by incident.Actor, decide func(incident.Incident) (incident.Change, error)) error {
	c, err := w.tx.Case(incidentID)
	if err != nil {
		return err
	}
	ch, err := decide(c.Incident)
	if err != nil || !ch.Changed {
		return err
	}
	if err := w.apply(&c, ch, by); err != nil {
		return err
	}
	return w.save(&c)
}

// apply takes a change over into the case and carries out what must follow.
// Rows are written later, once, by insert or save.
//
// Settling comes last, after the plan has said who is paged now: a phone that
// is about to ring again is not quieted first.
func (w *work) apply(c *Case, ch incident.Change, by incident.Actor) error {
	c.Incident = ch.Incident
	w.entries = append(w.entries, ch.Entries...)
	for _, intent := range ch.Intents {
		if err := w.carryOut(c, intent, reason(ch), by); err != nil {
			return err
		}
	}
	if slices.Contains(ch.Intents, incident.SettleDevices) {
		return w.settle(c, by)
	}
	return nil
}

func (w *work) carryOut(c *Case, intent incident.Intent, why string, by incident.Actor) error {
	switch intent {
	case incident.StopPaging:
		return w.stopPaging(c)
	case incident.RestartPlan:
		return w.step(c, c.Plan.Start(w.now, w.tx.Catalog()), why, by)
	case incident.PageLevel:
		return w.step(c, c.Plan.Again(c.Position, w.now, w.tx.Catalog()), why, by)
	case incident.CloseAlerts:
		return w.tx.CloseAlerts(c.Incident.ID, w.now)
	case incident.UpdateDevices:
		return w.update(c)
	case incident.SettleDevices: // by apply, last
	}
	return nil
}

// reason says why a level is paged, in the words of the change that asks for it.
func reason(ch incident.Change) string {
	switch first := ch.Entries[0]; first.Type {
	case incident.EntryTriggered:
		return incident.ReasonTriggered
	case incident.EntryReassigned:
		return incident.ReasonReassigned
	default:
		return first.Detail.Reason
	}
}

// insert writes a new case; only now does the incident get its number, which
// the snapshots already taken must show.
func (w *work) insert(c *Case) error {
	if err := w.tx.Open(c); err != nil {
		return err
	}
	for i := range w.entries {
		if s := w.entries[i].Incident; s != nil {
			s.Number = c.Incident.Number
		}
	}
	w.done = "open"
	return nil
}

// save writes a case that was there, and all that goes with it.
func (w *work) save(c *Case) error {
	if err := w.tx.Save(*c); err != nil {
		return err
	}
	if err := w.followActivities(c); err != nil {
		return err
	}
	return w.finish(c)
}

// finish writes what the change has gathered and prepares what may leave.
func (w *work) finish(c *Case) error {
	if len(w.notifications) > 0 {
		if err := w.tx.AddNotifications(w.notifications); err != nil {
			return err
		}
	}
	if err := w.startActivities(c); err != nil {
		return err
	}
	if len(w.outgoing) > 0 {
		rows := make([]push.Delivery, len(w.outgoing))
		for i, o := range w.outgoing {
			rows[i] = o.delivery
			if !o.later {
				w.jobs = append(w.jobs, push.Job{Delivery: o.delivery, Device: o.device, Content: w.content(c.Incident, o), ActivityToken: o.token})
			}
		}
		if err := w.tx.AddDeliveries(rows); err != nil {
			return err
		}
	}
	w.tx.Append(w.entries...)
	return nil
}

// leave hands over what was committed: first what must stop, then what goes.
func (w *work) leave() {
	if w.done != "" {
		w.desk.changes.Add(1, w.done)
	}
	for _, s := range w.quiet {
		w.desk.pager.Cancel(s.incidentID, s.revision)
	}
	if len(w.jobs) > 0 {
		w.desk.pager.Submit(w.jobs)
	}
}

// note adds a timeline entry that the machine knows nothing of.
func (w *work) note(c *Case, t incident.EntryType, detail incident.Detail) {
	w.entries = append(w.entries, incident.Entry{
		IncidentID: c.Incident.ID, Revision: c.Incident.Revision, Type: t, At: w.now, Actor: incident.System, Detail: detail,
	})
}

// content is what the notification says, in the person's own language and time zone.
func (w *work) content(i incident.Incident, o outgoing) push.Content {
	person := w.tx.Catalog().People[o.device.UserID]
	stale, _ := i.Timers.Next()
	return push.Content{
		Number: i.Number, Revision: i.Revision, Title: i.Title, ServiceName: i.ServiceName, Severity: i.Severity, Urgency: i.Urgency,
		Status: i.Status, By: o.by, ChangedAt: i.UpdatedAt, Reassigned: o.reassigned,
		Theirs: i.Open() && slices.Contains(i.Assignees, o.device.UserID), StaleAt: stale,
		Locale: person.Locale, TimeZone: person.TimeZone,
	}
}
