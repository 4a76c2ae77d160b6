package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/incident"
)

func TestOpenOwesItsFirstLevelAtOnce(t *testing.T) {
	ch := incident.Open(opening())
	want := incident.Incident{
		ID: "inc_1", ServiceID: "svc_1", ServiceName: "Checkout", IntegrationID: "int_1", DedupKey: "disk",
		Title: "Disk full", Severity: incident.Warning, Urgency: incident.High,
		Status: incident.Triggered, Revision: 1, CreatedAt: clock(0), UpdatedAt: clock(0),
		AckTimeout: 30 * time.Minute, AutoResolve: 4 * time.Hour,
		Timers: incident.Timers{EscalateAt: clock(0), AutoResolveAt: clock(240)},
	}
	if diff := cmp.Diff(want, ch.Incident); diff != "" {
		t.Error(diff)
	}
	checkLaws(t, incident.Incident{}, ch)
	if e := ch.Entries; len(e) != 1 || e[0].Type != incident.EntryTriggered || e[0].Actor != sender {
		t.Errorf("entries %+v, want one: triggered by the sender", e)
	}
	if !slices.Equal(ch.Intents, []incident.Intent{incident.RestartPlan}) {
		t.Errorf("intents %v, want the plan started", ch.Intents)
	}
}

func TestOpenWithoutAutoResolveHasNoSuchTimer(t *testing.T) {
	o := opening()
	o.AutoResolve = 0
	if i := incident.Open(o).Incident; !i.Timers.AutoResolveAt.IsZero() {
		t.Errorf("resolves by itself at %s", i.Timers.AutoResolveAt)
	}
}

func TestMomentsAreKeptAsTheStoreKeepsThem(t *testing.T) {
	madrid := time.FixedZone("CET", 3600)
	o := opening()
	o.At = time.Date(2026, 3, 1, 3, 0, 0, 123_456_789, madrid)
	want := time.Date(2026, 3, 1, 2, 0, 0, 123_456_000, time.UTC)
	if i := incident.Open(o).Incident; i.CreatedAt != want {
		t.Errorf("created at %v, want %v", i.CreatedAt, want)
	}
}

// TestTimersByTransition: which timers run after each way into a state.
func TestTimersByTransition(t *testing.T) {
	noTimeout := opening()
	noTimeout.AckTimeout, noTimeout.AutoResolve = 0, 0
	auto := clock(240)
	tests := []struct {
		name string
		got  func() (incident.Change, error)
		want incident.Timers
	}{
		{"acknowledge starts the ack timeout", func() (incident.Change, error) { return triggered(t).Acknowledge(ana, clock(1)) },
			incident.Timers{AckTimeoutAt: clock(31), AutoResolveAt: auto}},
		{"acknowledge without a timeout leaves nothing to happen", func() (incident.Change, error) { return incident.Open(noTimeout).Incident.Acknowledge(ana, clock(1)) },
			incident.Timers{}},
		{"snooze voids the ack timeout", func() (incident.Change, error) { return acknowledged(t).Snooze(ben, clock(2), clock(60)) },
			incident.Timers{SnoozeEndsAt: clock(60), AutoResolveAt: auto}},
		{"unacknowledge owes a step now", func() (incident.Change, error) { return snoozed(t).Unacknowledge(ana, clock(9)) },
			incident.Timers{EscalateAt: clock(9), AutoResolveAt: auto}},
		{"an ack timeout owes a step now", func() (incident.Change, error) { return acknowledged(t).AckTimedOut(clock(31)) },
			incident.Timers{EscalateAt: clock(31), AutoResolveAt: auto}},
		{"a snooze's end owes a step now", func() (incident.Change, error) { return snoozed(t).SnoozeEnded(clock(30)) },
			incident.Timers{EscalateAt: clock(30), AutoResolveAt: auto}},
		{"reassign owes a step now", func() (incident.Change, error) {
			return acknowledged(t).Reassign(ana, clock(3), incident.Reassignment{PolicyID: "pol_2"})
		}, incident.Timers{EscalateAt: clock(3), AutoResolveAt: auto}},
		{"a step says when the next is due", func() (incident.Change, error) {
			return triggered(t).Escalated(level(2, clock(5), ben.ID), incident.System, clock(5))
		}, incident.Timers{EscalateAt: clock(10), AutoResolveAt: auto}},
		{"resolve voids them all", func() (incident.Change, error) { return acknowledged(t).Resolve(ana, clock(5)) }, incident.Timers{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch, err := tt.got()
			if diff := cmp.Diff(tt.want, must(t, ch, err).Timers); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoTimerFiresEarly(t *testing.T) {
	timeout := level(2, clock(5), ben.ID)
	timeout.Reason = incident.ReasonTimeout
	tests := []struct {
		name string
		do   func(time.Time) (incident.Change, error)
		due  time.Time
	}{
		{"escalation", func(at time.Time) (incident.Change, error) {
			return triggered(t).Escalated(timeout, incident.System, at)
		}, clock(5)},
		{"ack timeout", acknowledged(t).AckTimedOut, clock(31)},
		{"snooze", snoozed(t).SnoozeEnded, clock(30)},
		{"auto-resolve", triggered(t).AutoResolved, clock(240)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if ch, err := tt.do(tt.due.Add(-time.Microsecond)); codeOf(err) != "not_due" || ch.Changed {
				t.Errorf("just before its time: changed %v, %v; want not_due", ch.Changed, err)
			}
			if ch, err := tt.do(tt.due); err != nil || !ch.Changed {
				t.Errorf("at its time: changed %v, %v", ch.Changed, err)
			}
		})
	}
}

func TestVoidTimersDoNothing(t *testing.T) {
	o := opening()
	o.AckTimeout, o.AutoResolve = 0, 0
	acked, err := incident.Open(o).Incident.Acknowledge(ana, clock(1))
	i := must(t, acked, err)
	if _, err := i.AckTimedOut(clock(999)); codeOf(err) != "not_due" {
		t.Errorf("ack timeout without a setting: %v, want not_due", err)
	}
	if _, err := i.AutoResolved(clock(999)); codeOf(err) != "not_due" {
		t.Errorf("auto-resolve without a setting: %v, want not_due", err)
	}
}

func TestAClockThatWentBackDoesNotTakeTheIncidentWithIt(t *testing.T) {
	ch, err := acknowledged(t).Resolve(ben, clock(-60))
	i := must(t, ch, err)
	if i.UpdatedAt != clock(1) || i.ResolvedAt != clock(1) || ch.Entries[0].At != clock(1) {
		t.Errorf("updated %s, resolved %s, told at %s; want all at the former update %s", i.UpdatedAt, i.ResolvedAt, ch.Entries[0].At, clock(1))
	}
}

func TestAPersonWhoAcknowledgesBecomesTheOnlyAssignee(t *testing.T) {
	both, err := incident.Open(opening()).Incident.Escalated(level(1, clock(0), ana.ID, ben.ID), incident.System, clock(0))
	i := must(t, both, err)
	byBen, err := i.Acknowledge(ben, clock(1))
	if got := must(t, byBen, err).Assignees; !slices.Equal(got, []string{ben.ID}) {
		t.Errorf("assignees %v after Ben acknowledged", got)
	}
	byEvent, err := i.Acknowledge(sender, clock(1))
	if got := must(t, byEvent, err).Assignees; !slices.Equal(got, []string{ana.ID, ben.ID}) {
		t.Errorf("assignees %v after the sender acknowledged, want them left alone", got)
	}
}

func TestTheSecondToAcknowledgeSeesWhoWasFirst(t *testing.T) {
	ch, err := acknowledged(t).Acknowledge(ben, clock(9))
	if i := must(t, ch, err); ch.Changed || i.AcknowledgedBy != ana || i.AcknowledgedAt != clock(1) {
		t.Errorf("changed %v, acknowledged by %s at %s; want it unchanged, Ana's", ch.Changed, i.AcknowledgedBy.Name, i.AcknowledgedAt)
	}
}

func TestSnoozeWantsAMomentWithinAWeek(t *testing.T) {
	at := clock(2)
	tests := []struct {
		name  string
		until time.Time
		code  string
	}{
		{"now", at, "bad_until"},
		{"the past", at.Add(-time.Hour), "bad_until"},
		{"never said", time.Time{}, "bad_until"},
		{"a moment", at.Add(time.Microsecond), ""},
		{"a week", at.Add(7 * 24 * time.Hour), ""},
		{"more than a week", at.Add(7*24*time.Hour + time.Microsecond), "bad_until"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := triggered(t).Snooze(ana, at, tt.until); codeOf(err) != tt.code {
				t.Errorf("got %v, want code %q", err, tt.code)
			}
		})
	}
}

func TestASnoozeMayBeExtendedOrTakenOver(t *testing.T) {
	same, err := snoozed(t).Snooze(ana, clock(5), clock(30))
	if must(t, same, err); same.Changed {
		t.Error("the same snooze twice is a change")
	}
	longer, err := snoozed(t).Snooze(ana, clock(5), clock(50))
	if i := must(t, longer, err); !longer.Changed || i.Timers.SnoozeEndsAt != clock(50) {
		t.Errorf("extended: changed %v, ends %s", longer.Changed, i.Timers.SnoozeEndsAt)
	}
	bens, err := snoozed(t).Snooze(ben, clock(5), clock(30))
	if i := must(t, bens, err); !bens.Changed || i.AcknowledgedBy != ben || !slices.Equal(i.Assignees, []string{ben.ID}) {
		t.Errorf("taken over: changed %v, by %s, assigned to %v", bens.Changed, i.AcknowledgedBy.Name, i.Assignees)
	}
}

func TestReassignNamesPeopleOrAPolicy(t *testing.T) {
	tests := []struct {
		name string
		to   incident.Reassignment
		code string
		want []string
	}{
		{"people, each once", incident.Reassignment{Users: []string{"usr_b", "usr_a", "usr_b"}}, "", []string{"usr_b", "usr_a"}},
		{"a policy: nobody until its plan starts", incident.Reassignment{PolicyID: "pol_2", PolicyName: "Night"}, "", nil},
		{"nobody", incident.Reassignment{}, "bad_reassignment", nil},
		{"both", incident.Reassignment{Users: []string{"usr_a"}, PolicyID: "pol_2"}, "bad_reassignment", nil},
		{"an empty id", incident.Reassignment{Users: []string{"usr_a", ""}}, "bad_reassignment", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch, err := acknowledged(t).Reassign(ana, clock(3), tt.to)
			if codeOf(err) != tt.code {
				t.Fatalf("got %v, want code %q", err, tt.code)
			}
			if err == nil && !slices.Equal(ch.Incident.Assignees, tt.want) {
				t.Errorf("assignees %v, want %v", ch.Incident.Assignees, tt.want)
			}
		})
	}
}

func TestANoteHasText(t *testing.T) {
	tests := []struct{ name, text, code string }{
		{"empty", "", "empty_note"},
		{"only spaces", " \n\t", "empty_note"},
		{"one character", "x", ""},
		{"the limit", strings.Repeat("x", incident.MaxNote), ""},
		{"over the limit", strings.Repeat("x", incident.MaxNote+1), "note_too_long"},
		{"not UTF-8", "caf\xe9", "bad_encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ch, err := resolved(t).Annotate(ana, clock(9), tt.text)
			if codeOf(err) != tt.code {
				t.Fatalf("got %v, want code %q", err, tt.code)
			}
			if err == nil && ch.Entries[0].Detail.Text != tt.text {
				t.Error("the timeline tells another text")
			}
		})
	}
}

func TestAnAlertOnlyMakesItWorse(t *testing.T) {
	for _, tt := range []struct{ alert, want incident.Severity }{
		{incident.Critical, incident.Critical}, {incident.Error, incident.Error},
		{incident.Warning, incident.Warning}, {incident.Info, incident.Warning}, {"", incident.Warning},
	} {
		ch, err := triggered(t).AlertAdded(incident.AlertInfo{ID: "alr_2", Summary: "Disk fuller", Severity: tt.alert}, sender, clock(3))
		i := must(t, ch, err)
		if i.Severity != tt.want || i.Title != "Disk full" {
			t.Errorf("a warning with an alert of %q is %q with title %q, want %q and the old title", tt.alert, i.Severity, i.Title, tt.want)
		}
		if d := ch.Entries[0].Detail; d.AlertID != "alr_2" || d.Summary != "Disk fuller" || d.Severity != tt.alert {
			t.Errorf("the timeline tells %+v", d)
		}
	}
}
