package respond

import (
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
	// quiet are incidents whose unsent pages in this node's memory must stop.
	quiet []string
}

// outgoing is a delivery that this node will send itself, right after commit.
type outgoing struct {
	delivery   push.Delivery
	device     push.Device
	by         string
	reassigned bool
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

// apply takes a change over into the case and carries out what must follow,
// in the order the machine says. Nothing is written here but what the intents
// read and void; rows are written once, by insert or save.
func (w *work) apply(c *Case, ch incident.Change, by incident.Actor) error {
	c.Incident = ch.Incident
	w.entries = append(w.entries, ch.Entries...)
	for _, intent := range ch.Intents {
		if err := w.carryOut(c, intent, by); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) carryOut(c *Case, intent incident.Intent, by incident.Actor) error {
	switch intent {
	case incident.StopPaging:
		return w.stopPaging(c)
	case incident.SettleDevices:
		return w.settle(c, by)
	case incident.RestartPlan:
		return w.step(c, c.Plan.Start(w.now, w.tx.Catalog()), firstReason(c), by)
	case incident.PageLevel:
		return w.step(c, c.Plan.Again(c.Position, w.now, w.tx.Catalog()), "again", by)
	case incident.CloseAlerts:
		return w.tx.CloseAlerts(c.Incident.ID, w.now)
	}
	return nil
}

// firstReason says why level 1 is paged: a new incident, or the plan again.
func firstReason(c *Case) string {
	if c.Position.Level == 0 && c.Incident.Revision == 1 {
		return "triggered"
	}
	return "restarted"
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
	w.desk.changes.Add(1, "open")
	return nil
}

// save writes a case that was there, and all that goes with it.
func (w *work) save(c *Case) error {
	if err := w.tx.Save(*c); err != nil {
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
	if len(w.outgoing) > 0 {
		rows := make([]push.Delivery, len(w.outgoing))
		for i, o := range w.outgoing {
			rows[i] = o.delivery
			w.jobs = append(w.jobs, push.Job{Delivery: o.delivery, Device: o.device, Content: content(c.Incident, o)})
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
	for _, incidentID := range w.quiet {
		w.desk.pager.Cancel(incidentID)
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

func content(i incident.Incident, o outgoing) push.Content {
	return push.Content{
		Number: i.Number, Title: i.Title, ServiceName: i.ServiceName, Severity: i.Severity, Urgency: i.Urgency,
		Status: i.Status, By: o.by, ChangedAt: i.UpdatedAt, Reassigned: o.reassigned,
	}
}
