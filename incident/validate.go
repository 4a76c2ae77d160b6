package incident

import (
	"errors"
	"fmt"
	"slices"
)

// Validate names the first broken invariant. No transition can break one from
// a sound incident, so an error means a damaged row or a bug, never a bad
// request. The database mirrors the state and timer rules in a CHECK.
func (i Incident) Validate() error {
	for _, check := range [...]func() error{i.checkStatus, i.checkTimers, i.checkActors, i.checkHistory} {
		if err := check(); err != nil {
			return fmt.Errorf("incident %s: %w", i.ID, err)
		}
	}
	return nil
}

func (i Incident) checkStatus() error {
	if _, err := ParseStatus(string(i.Status)); err != nil {
		return err
	}
	if _, err := ParseUrgency(string(i.Urgency)); err != nil {
		return err
	}
	_, err := ParseSeverity(string(i.Severity))
	return err
}

func (i Incident) checkTimers() error {
	t := i.Timers
	switch {
	case i.Status != Triggered && !t.EscalateAt.IsZero():
		return fmt.Errorf("%s, but the escalation timer is set", i.Status)
	case i.Status != Acknowledged && !t.AckTimeoutAt.IsZero():
		return fmt.Errorf("%s, but the ack timeout is set", i.Status)
	case i.Status != Acknowledged && !t.SnoozeEndsAt.IsZero():
		return fmt.Errorf("%s, but a snooze is set", i.Status)
	case !t.AckTimeoutAt.IsZero() && !t.SnoozeEndsAt.IsZero():
		return errors.New("ack timeout and snooze are both set")
	case i.Status == Resolved && !t.AutoResolveAt.IsZero():
		return errors.New("resolved, but the auto-resolve timer is set")
	case i.Status != Resolved && t.AutoResolveAt.IsZero() != (i.AutoResolve <= 0):
		return errors.New("the auto-resolve timer does not match its setting")
	}
	return nil
}

func (i Incident) checkActors() error {
	switch {
	case (i.Status == Acknowledged) != (i.AcknowledgedBy != Actor{}):
		return fmt.Errorf("%s, but acknowledged by %q", i.Status, i.AcknowledgedBy.Kind)
	case (i.Status == Acknowledged) == i.AcknowledgedAt.IsZero():
		return fmt.Errorf("%s does not match the moment of acknowledgement", i.Status)
	case (i.Status == Resolved) != (i.ResolvedBy != Actor{}):
		return fmt.Errorf("%s, but resolved by %q", i.Status, i.ResolvedBy.Kind)
	case (i.Status == Resolved) == i.ResolvedAt.IsZero():
		return fmt.Errorf("%s does not match the moment of resolution", i.Status)
	}
	return nil
}

func (i Incident) checkHistory() error {
	switch {
	case i.Revision < 1:
		return fmt.Errorf("revision %d is below 1", i.Revision)
	case i.UpdatedAt.Before(i.CreatedAt):
		return errors.New("updated before it was created")
	case i.AcknowledgedAt.After(i.UpdatedAt), i.ResolvedAt.After(i.UpdatedAt):
		return errors.New("its state was reached after its last update")
	case slices.Contains(i.Assignees, ""):
		return errors.New("an assignee has no id")
	}
	return nil
}
