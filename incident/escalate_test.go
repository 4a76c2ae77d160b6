package incident_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/incident"
)

// told is an entry without what all entries of a change share.
type told struct {
	Type   incident.EntryType
	Detail incident.Detail
}

func tale(ch incident.Change) []told {
	var out []told
	for _, e := range ch.Entries {
		out = append(out, told{e.Type, e.Detail})
	}
	return out
}

func TestEscalatedTellsTheSkippedLevelsFirst(t *testing.T) {
	step := level(3, clock(5), ana.ID, ben.ID)
	step.Skipped = []incident.SkippedLevel{{Level: 1, Loop: 1}, {Level: 2, Loop: 1}}
	ch, err := incident.Open(opening()).Incident.Escalated(step, incident.System, clock(0))
	i := must(t, ch, err)
	want := []told{
		{incident.EntryLevelSkipped, incident.Detail{Level: 1, Loop: 1, Reason: incident.ReasonNobodyOnCall}},
		{incident.EntryLevelSkipped, incident.Detail{Level: 2, Loop: 1, Reason: incident.ReasonNobodyOnCall}},
		{incident.EntryEscalated, incident.Detail{Level: 3, Loop: 1, Users: []string{ana.ID, ben.ID}, Reason: incident.ReasonTriggered}},
	}
	if diff := cmp.Diff(want, tale(ch)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(i.Assignees, []string{ana.ID, ben.ID}) {
		t.Errorf("assignees %v, want the people paged now", i.Assignees)
	}
}

func TestAnExhaustedPlanLeavesItTriggeredAndVisible(t *testing.T) {
	step := incident.EscalationStep{Level: 2, Loop: 1, Exhausted: true, Reason: incident.ReasonTimeout}
	ch, err := triggered(t).Escalated(step, incident.System, clock(5))
	i := must(t, ch, err)
	if i.Status != incident.Triggered || !i.Timers.EscalateAt.IsZero() || !slices.Equal(i.Assignees, []string{ana.ID}) {
		t.Errorf("%s, next step at %s, assigned to %v; want triggered, void, still Ana's", i.Status, i.Timers.EscalateAt, i.Assignees)
	}
	want := []told{{incident.EntryExhausted, incident.Detail{Level: 2, Loop: 1, Reason: incident.ReasonTimeout}}}
	if diff := cmp.Diff(want, tale(ch)); diff != "" {
		t.Error(diff)
	}
}

func TestEscalateByHandIsOneRevisionWithItsOutcome(t *testing.T) {
	step := level(2, clock(3), ben.ID)
	step.Reason = incident.ReasonManual
	ch, err := acknowledged(t).Escalate(step, ana, clock(3))
	i := must(t, ch, err)
	if i.Status != incident.Triggered || i.AcknowledgedBy != (incident.Actor{}) || i.Timers.EscalateAt != clock(8) {
		t.Errorf("%s, acknowledged by %q, next step %s", i.Status, i.AcknowledgedBy.Name, i.Timers.EscalateAt)
	}
	want := []told{
		{incident.EntryUnacknowledged, incident.Detail{Reason: incident.ReasonEscalated}},
		{incident.EntryEscalated, incident.Detail{Level: 2, Loop: 1, Users: []string{ben.ID}, Reason: incident.ReasonManual}},
	}
	if diff := cmp.Diff(want, tale(ch)); diff != "" {
		t.Error(diff)
	}
}

func TestEscalateToNobodyKeepsTheAcknowledgement(t *testing.T) {
	before := acknowledged(t)
	ch, err := before.Escalate(incident.EscalationStep{Level: 2, Loop: 1, Exhausted: true}, ben, clock(3))
	if codeOf(err) != "plan_exhausted" || ch.Changed || ch.Incident.AcknowledgedBy != ana {
		t.Errorf("got %v, changed %v; want plan_exhausted and Ana's as before", err, ch.Changed)
	}
}

// TestAStepCannotLoseTheIncident: a step with nobody, or after which nothing
// would ever happen, is a bug of the caller and changes nothing (I5).
func TestAStepCannotLoseTheIncident(t *testing.T) {
	steps := map[string]incident.EscalationStep{
		"nobody":         {Level: 2, Loop: 1, NextAt: clock(8)},
		"no next moment": {Level: 2, Loop: 1, Users: []string{ben.ID}},
	}
	for name, step := range steps {
		if ch, err := triggered(t).Escalated(step, incident.System, clock(3)); err == nil || ch.Changed {
			t.Errorf("%s: Escalated took it", name)
		}
		if ch, err := triggered(t).Escalate(step, ana, clock(3)); err == nil || ch.Changed {
			t.Errorf("%s: Escalate took it", name)
		}
	}
}
