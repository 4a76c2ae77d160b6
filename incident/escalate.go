package incident

import (
	"errors"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Reasons are the stable words in Detail.Reason.
const (
	// ReasonTriggered: the plan's first level, as the incident opened.
	ReasonTriggered = "triggered"
	// ReasonTimeout: nobody acknowledged before the level's delay was over.
	ReasonTimeout = "timeout"
	// ReasonManual: a person asked for it.
	ReasonManual = "manual"
	// ReasonAckTimeout: an acknowledgement was not followed by a resolve in time.
	ReasonAckTimeout = "ack_timeout"
	// ReasonSnoozeEnd: a snooze is over.
	ReasonSnoozeEnd = "snooze_end"
	// ReasonUnacknowledged: a person gave it back, so the level rings again.
	ReasonUnacknowledged = "unacknowledged"
	// ReasonReassigned: it was given to somebody else.
	ReasonReassigned = "reassigned"
	// ReasonEscalated: the acknowledgement was taken back to escalate by hand.
	ReasonEscalated = "escalated"
	// ReasonAutoResolve: open for longer than its service allows.
	ReasonAutoResolve = "auto_resolve"
	// ReasonNobodyOnCall: a level had nobody who could be paged.
	ReasonNobodyOnCall = "nobody_on_call"
	// ReasonNotDisplayed: no device displayed the notification before it in time.
	ReasonNotDisplayed = "not_displayed"
	// ReasonUsers and ReasonPolicy say what a reassignment named.
	ReasonUsers  = "users"
	ReasonPolicy = "policy"
)

// EscalationStep is what the plan said when it was taken one level on. It
// mirrors oncall.Step, which this room does not know.
type EscalationStep struct {
	// Level and Loop count from 1: where the plan stands now.
	Level int
	Loop  int
	// Users are the people to page now; empty only when Exhausted.
	Users []string
	// Skipped are the levels passed over because nobody was there.
	Skipped []SkippedLevel
	// NextAt is when the next level is due; zero only when Exhausted.
	NextAt    time.Time
	Exhausted bool
	// Reason is one of the Reason words above.
	Reason string
}

// SkippedLevel is a level that had nobody.
type SkippedLevel struct {
	Level int
	Loop  int
}

// Escalated records that the plan was walked: by the clock, or by the caller
// answering RestartPlan or PageLevel. Assignees become the people paged now;
// when the plan is exhausted they stay, and so does triggered, without a due
// time: the auditor keeps saying so.
//
// It has no intents: the caller holds the step and pages its people in the
// same transaction. Refused with not_triggered or incident_resolved; a step
// for ReasonTimeout also with not_due, when the timer has become void.
func (i Incident) Escalated(step EscalationStep, by Actor, at time.Time) (Change, error) {
	switch i.Status {
	case Acknowledged:
		return i.unchanged(), fault.New(fault.Conflict, "not_triggered", "The incident is acknowledged, so its plan does not escalate; look at its current state.")
	case Resolved:
		return i.unchanged(), errResolved("escalated")
	}
	if err := step.check(); err != nil {
		return i.unchanged(), err
	}
	to := i.next(at)
	if step.Reason == ReasonTimeout && !due(i.Timers.EscalateAt, to.UpdatedAt) {
		return i.unchanged(), errNotDue("escalation timer")
	}
	to, words := to.stepped(step)
	return to.changed(by, nil, words...), nil
}

// Escalate is a person's wish for the next level, in one transition: the
// caller asks the plan first (oncall.Plan.Next) and hands the step in, so the
// wish and its outcome are one revision and cannot come apart. An acknowledged
// incident becomes triggered again. Pages of the level before that have not
// left yet are void; the caller pages the step's people, as for Escalated.
//
// Refused with incident_resolved, and with plan_exhausted when the step has
// nobody: taking an acknowledgement back to page no one would help nobody.
func (i Incident) Escalate(step EscalationStep, by Actor, at time.Time) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), errResolved("escalated")
	}
	if step.Exhausted {
		return i.unchanged(), fault.New(fault.Conflict, "plan_exhausted", "The escalation plan has no further level with anybody on call; reassign the incident to a person or a policy instead.")
	}
	if err := step.check(); err != nil {
		return i.unchanged(), err
	}
	to := i.next(at)
	var words []word
	if i.Status == Acknowledged {
		to = to.toTriggered()
		words = append(words, word{EntryUnacknowledged, Detail{Reason: ReasonEscalated}})
	}
	to, more := to.stepped(step)
	return to.changed(by, []Intent{StopPaging}, append(words, more...)...), nil
}

// stepped applies the step's outcome and tells it in order.
func (i Incident) stepped(step EscalationStep) (Incident, []word) {
	words := make([]word, 0, len(step.Skipped)+1)
	for _, s := range step.Skipped {
		words = append(words, word{EntryLevelSkipped, Detail{Level: s.Level, Loop: s.Loop, Reason: ReasonNobodyOnCall}})
	}
	if step.Exhausted {
		i.Timers.EscalateAt = time.Time{}
		return i, append(words, word{EntryExhausted, Detail{Level: step.Level, Loop: step.Loop, Reason: step.Reason}})
	}
	i.Timers.EscalateAt = moment(step.NextAt)
	i.Assignees = slices.Clone(step.Users)
	return i, append(words, word{EntryEscalated, Detail{Level: step.Level, Loop: step.Loop, Users: i.Assignees, Reason: step.Reason}})
}

// check refuses a step that would leave the incident without anybody and
// without a due time (I5). It is a programmer's error, not a person's.
func (s EscalationStep) check() error {
	if !s.Exhausted && (len(s.Users) == 0 || s.NextAt.IsZero()) {
		return errors.New("incident: an escalation step needs people and a next moment unless it is exhausted")
	}
	return nil
}
