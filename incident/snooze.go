package incident

import (
	"time"

	"github.com/nightbell/nightbell/fault"
)

// MaxSnooze is the longest an incident may sleep in one go. Longer than a
// week is not a pause but a decision, and wants a resolve.
const MaxSnooze = 7 * 24 * time.Hour

// Snooze makes the incident by's own and quiet until a moment, then the plan
// starts again from its first level. The ack timeout is void meanwhile. A
// snooze may be extended or shortened; the same one twice is a calm no-op.
// Refused with incident_resolved, or with bad_until when the moment is not
// after now or more than [MaxSnooze] away.
func (i Incident) Snooze(by Actor, at, until time.Time) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), errResolved("snoozed")
	}
	until = moment(until)
	to := i.next(at)
	if err := checkUntil(to.UpdatedAt, until); err != nil {
		return i.unchanged(), err
	}
	if i.Status == Acknowledged && i.Timers.SnoozeEndsAt.Equal(until) && i.AcknowledgedBy.same(by) {
		return i.unchanged(), nil
	}
	to = to.toAcknowledged(by)
	to.Timers.SnoozeEndsAt = until
	return to.changed(by, []Intent{StopPaging, SettleDevices}, word{EntrySnoozed, Detail{Until: &until}}), nil
}

func checkUntil(at, until time.Time) error {
	if !until.After(at) {
		return fault.Field("until", "bad_until", "A snooze must end in the future; %s is not.", until.Format(time.RFC3339))
	}
	if until.Sub(at) > MaxSnooze {
		return fault.Field("until", "bad_until", "A snooze may last 7 days at most; choose a moment before %s.", at.Add(MaxSnooze).Format(time.RFC3339))
	}
	return nil
}

// SnoozeEnded is the clock waking the incident: the plan starts again. It is
// refused with not_acknowledged, not_snoozed, incident_resolved or not_due
// when the timer has become void.
func (i Incident) SnoozeEnded(at time.Time) (Change, error) {
	switch {
	case i.Status == Triggered:
		return i.unchanged(), errNotAcknowledged("no snooze can end")
	case i.Status == Resolved:
		return i.unchanged(), errResolved("woken from a snooze")
	case i.Timers.SnoozeEndsAt.IsZero():
		return i.unchanged(), fault.New(fault.Conflict, "not_snoozed", "The incident is acknowledged but not snoozed; nothing was changed.")
	}
	to := i.next(at)
	if !due(i.Timers.SnoozeEndsAt, to.UpdatedAt) {
		return i.unchanged(), errNotDue("snooze's end")
	}
	to = to.toTriggered()
	return to.changed(System, []Intent{RestartPlan}, word{EntryUnacknowledged, Detail{Reason: ReasonSnoozeEnd}}), nil
}
