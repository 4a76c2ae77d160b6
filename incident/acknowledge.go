package incident

import "time"

// Acknowledge says that somebody has it in hand: paging stops and shown
// notifications are settled. On an acknowledged or resolved incident it is a
// calm no-op, so two people may tap at once and neither sees an error.
func (i Incident) Acknowledge(by Actor, at time.Time) (Change, error) {
	if i.Status != Triggered {
		return i.unchanged(), nil
	}
	to := i.next(at).toAcknowledged(by)
	if to.AckTimeout > 0 {
		to.Timers.AckTimeoutAt = to.UpdatedAt.Add(to.AckTimeout)
	}
	return to.changed(by, []Intent{StopPaging, SettleDevices}, word{EntryAcknowledged, Detail{}}), nil
}

// Unacknowledge gives it back (a snooze too): the current level rings again.
// On a triggered incident it is a calm no-op; on a resolved one it is refused
// with incident_resolved.
func (i Incident) Unacknowledge(by Actor, at time.Time) (Change, error) {
	switch i.Status {
	case Triggered:
		return i.unchanged(), nil
	case Resolved:
		return i.unchanged(), errResolved("unacknowledged")
	}
	to := i.next(at).toTriggered()
	return to.changed(by, []Intent{PageLevel}, word{EntryUnacknowledged, Detail{Reason: ReasonManual}}), nil
}

// AckTimedOut is the clock taking an acknowledgement back: whoever took it
// has not resolved it in time, so the current level rings again. It is
// refused with not_acknowledged, incident_resolved or not_due when the timer
// has become void: timers are only hints to look again.
func (i Incident) AckTimedOut(at time.Time) (Change, error) {
	const what = "the acknowledgement cannot time out"
	switch i.Status {
	case Triggered:
		return i.unchanged(), errNotAcknowledged(what)
	case Resolved:
		return i.unchanged(), errResolved("unacknowledged")
	}
	to := i.next(at)
	if !due(i.Timers.AckTimeoutAt, to.UpdatedAt) {
		return i.unchanged(), errNotDue("acknowledgement timeout")
	}
	to = to.toTriggered()
	return to.changed(System, []Intent{PageLevel}, word{EntryUnacknowledged, Detail{Reason: ReasonAckTimeout}}), nil
}

// due reports whether a timer is set and its moment has come.
func due(timer, at time.Time) bool { return !timer.IsZero() && !at.Before(timer) }
