package incident

import "time"

// Resolve ends the incident for good: every timer is void, paging stops,
// phones are settled and the dedup keys are free for a new incident. Resolving
// what is resolved is a calm no-op.
func (i Incident) Resolve(by Actor, at time.Time) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), nil
	}
	return i.resolve(by, at, ""), nil
}

// AutoResolved is the clock ending an incident that nobody ended. Already
// resolved is a calm no-op; before its time it is refused with not_due.
func (i Incident) AutoResolved(at time.Time) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), nil
	}
	if !due(i.Timers.AutoResolveAt, i.next(at).UpdatedAt) {
		return i.unchanged(), errNotDue("auto-resolve timer")
	}
	return i.resolve(System, at, ReasonAutoResolve), nil
}

func (i Incident) resolve(by Actor, at time.Time, reason string) Change {
	to := i.next(at)
	to.Status = Resolved
	to.AcknowledgedBy, to.AcknowledgedAt = Actor{}, time.Time{}
	to.ResolvedBy, to.ResolvedAt = by, to.UpdatedAt
	to.Timers = Timers{}
	return to.changed(by, []Intent{StopPaging, SettleDevices, CloseAlerts}, word{EntryResolved, Detail{Reason: reason}})
}
