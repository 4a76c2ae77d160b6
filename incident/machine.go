package incident

import (
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Opening is what an incident is opened with. Ids and the moment are given by
// the caller; AckTimeout and AutoResolve are frozen from the service.
type Opening struct {
	ID            string
	ServiceID     string
	ServiceName   string
	IntegrationID string
	DedupKey      string
	Title         string
	Severity      Severity
	Urgency       Urgency
	AckTimeout    time.Duration // zero: off
	AutoResolve   time.Duration // zero: off
	At            time.Time
	By            Actor
}

// Open is the first transition. The incident's Number is not known yet: the
// store hands it out when the incident is inserted, and the caller puts it into
// the entries' snapshot, which they share.
//
// The change asks for RestartPlan: the caller starts the plan and reports the
// first level with [Incident.Escalated] in the same transaction.
func Open(o Opening) Change {
	at := moment(o.At)
	i := Incident{
		ID: o.ID, ServiceID: o.ServiceID, ServiceName: o.ServiceName, IntegrationID: o.IntegrationID,
		DedupKey: o.DedupKey, Title: o.Title, Severity: o.Severity, Urgency: o.Urgency,
		Status: Triggered, Revision: 1, CreatedAt: at, UpdatedAt: at,
		AckTimeout: o.AckTimeout, AutoResolve: o.AutoResolve,
	}
	i.Timers.EscalateAt = at
	if o.AutoResolve > 0 {
		i.Timers.AutoResolveAt = at.Add(o.AutoResolve)
	}
	return i.changed(o.By, []Intent{RestartPlan}, word{EntryTriggered, Detail{Summary: o.Title, Severity: o.Severity}})
}

// word is an entry before it has its revision, moment and snapshot.
type word struct {
	is     EntryType
	detail Detail
}

// next is the incident one revision on. A clock that went back does not take
// UpdatedAt with it: the log's readers trust its order.
func (i Incident) next(at time.Time) Incident {
	at = moment(at)
	if at.Before(i.UpdatedAt) {
		at = i.UpdatedAt
	}
	i.Revision++
	i.UpdatedAt = at
	return i
}

// changed closes a transition: i is the incident afterwards. All entries of
// one change carry the same revision, moment and snapshot.
func (i Incident) changed(by Actor, intents []Intent, words ...word) Change {
	s := i.Snapshot()
	entries := make([]Entry, len(words))
	for k, w := range words {
		entries[k] = Entry{
			IncidentID: i.ID, Revision: i.Revision, Type: w.is, At: i.UpdatedAt,
			Actor: by, Incident: s, Detail: w.detail,
		}
	}
	return Change{Incident: i, Entries: entries, Intents: intents, Changed: true}
}

// unchanged is the calm answer to an action that is already done.
func (i Incident) unchanged() Change { return Change{Incident: i} }

// toTriggered takes the acknowledgement (and a snooze) back. A step of the
// plan is owed at once, so the escalation timer is due now until the caller
// reports the step with Escalated: no triggered incident is ever without a due
// time unless its plan is over (I5).
func (i Incident) toTriggered() Incident {
	i.Status = Triggered
	i.AcknowledgedBy, i.AcknowledgedAt = Actor{}, time.Time{}
	i.Timers.AckTimeoutAt, i.Timers.SnoozeEndsAt = time.Time{}, time.Time{}
	i.Timers.EscalateAt = i.UpdatedAt
	return i
}

// toAcknowledged puts the incident into by's hands. A person becomes its only
// assignee; an integration's acknowledgement leaves the assignees alone.
func (i Incident) toAcknowledged(by Actor) Incident {
	i.Status = Acknowledged
	i.AcknowledgedBy, i.AcknowledgedAt = by, i.UpdatedAt
	if by.Kind == ActorUser {
		i.Assignees = []string{by.ID}
	}
	i.Timers.EscalateAt, i.Timers.AckTimeoutAt, i.Timers.SnoozeEndsAt = time.Time{}, time.Time{}, time.Time{}
	return i
}

// moment is t as the store keeps it, so that a value read back is equal.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func errResolved(verb string) error {
	return fault.New(fault.Conflict, "incident_resolved",
		"The incident is resolved and cannot be %s; if the problem is back, a new event opens a new incident.", verb)
}

func errNotAcknowledged(what string) error {
	return fault.New(fault.Conflict, "not_acknowledged", "The incident is not acknowledged, so %s; look at its current state.", what)
}

func errNotDue(timer string) error {
	return fault.New(fault.Conflict, "not_due", "The %s is void or not due yet; nothing was changed.", timer)
}
