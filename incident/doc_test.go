package incident_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
)

// action is one row of the state machine, played when every timer is due.
type action struct {
	name string
	do   func(incident.Incident) (incident.Change, error)
}

func actions() []action {
	at := clock(300)
	step := level(2, at, ben.ID)
	step.Skipped = []incident.SkippedLevel{{Level: 1, Loop: 1}}
	to := incident.Reassignment{Users: []string{ben.ID}}
	alert := incident.AlertInfo{ID: "alr_2", Summary: "Disk fuller", Severity: incident.Critical}
	return []action{
		{"Acknowledge", func(i incident.Incident) (incident.Change, error) { return i.Acknowledge(ben, at) }},
		{"Unacknowledge", func(i incident.Incident) (incident.Change, error) { return i.Unacknowledge(ben, at) }},
		{"AckTimedOut", func(i incident.Incident) (incident.Change, error) { return i.AckTimedOut(at) }},
		{"Snooze", func(i incident.Incident) (incident.Change, error) { return i.Snooze(ben, at, clock(400)) }},
		{"SnoozeEnded", func(i incident.Incident) (incident.Change, error) { return i.SnoozeEnded(at) }},
		{"Escalated", func(i incident.Incident) (incident.Change, error) { return i.Escalated(step, incident.System, at) }},
		{"Escalate", func(i incident.Incident) (incident.Change, error) { return i.Escalate(step, ben, at) }},
		{"Reassign", func(i incident.Incident) (incident.Change, error) { return i.Reassign(ben, at, to) }},
		{"Resolve", func(i incident.Incident) (incident.Change, error) { return i.Resolve(ben, at) }},
		{"AutoResolved", func(i incident.Incident) (incident.Change, error) { return i.AutoResolved(at) }},
		{"Annotate", func(i incident.Incident) (incident.Change, error) { return i.Annotate(ben, at, "on it") }},
		{"AlertAdded", func(i incident.Incident) (incident.Change, error) { return i.AlertAdded(alert, sender, at) }},
	}
}

// states are the columns of the state machine.
func states(t testing.TB) map[string]incident.Incident {
	return map[string]incident.Incident{
		"triggered": triggered(t), "acknowledged": acknowledged(t), "snoozed": snoozed(t), "resolved": resolved(t),
	}
}

// outcome says what came of an action in the document's words.
func outcome(ch incident.Change, err error) string {
	switch i := ch.Incident; {
	case err != nil:
		return "`" + codeOf(err) + "`"
	case !ch.Changed:
		return "no change"
	case !i.Timers.SnoozeEndsAt.IsZero():
		return "→ snoozed"
	default:
		return "→ " + string(i.Status)
	}
}

func TestTheDocumentTellsTheTruth(t *testing.T) {
	rows := documented(t)
	for _, a := range actions() {
		row, ok := rows[a.name]
		if !ok {
			t.Errorf("docs/state-machine.md has no row for %s", a.name)
			continue
		}
		delete(rows, a.name)
		var entries, intents []string
		for state, i := range states(t) {
			ch, err := a.do(i)
			if got := outcome(ch, err); got != row[state] {
				t.Errorf("%s while %s: the document says %q, the machine %q", a.name, state, row[state], got)
			}
			for _, e := range ch.Entries {
				entries = append(entries, strings.TrimPrefix(string(e.Type), "incident."))
			}
			for _, n := range ch.Intents {
				intents = append(intents, string(n))
			}
		}
		if got, want := set(entries), set(strings.Split(row["Entries"], ", ")); !slices.Equal(got, want) {
			t.Errorf("%s: the document says entries %v, the machine %v", a.name, want, got)
		}
		if got, want := set(intents), set(strings.Split(row["Intents"], ", ")); !slices.Equal(got, want) {
			t.Errorf("%s: the document says intents %v, the machine %v", a.name, want, got)
		}
	}
	for name := range rows {
		t.Errorf("docs/state-machine.md has a row for %s, which this test does not play", name)
	}
}

// TestEveryTransitionIsInTheMatrix keeps a new method from slipping by.
func TestEveryTransitionIsInTheMatrix(t *testing.T) {
	known := map[string]bool{}
	for _, a := range actions() {
		known[a.name] = true
	}
	change := reflect.TypeFor[incident.Change]()
	for m := range reflect.TypeFor[incident.Incident]().Methods() {
		if m.Type.NumOut() > 0 && m.Type.Out(0) == change && !known[m.Name] {
			t.Errorf("%s is a transition, but not in actions() and the document", m.Name)
		}
	}
}

// documented reads the first table of the document: action → column → cell.
func documented(t *testing.T) map[string]map[string]string {
	t.Helper()
	b, err := os.ReadFile("../docs/state-machine.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "| Action |")
	table, _, _ := strings.Cut("| Action |"+text, "\n\n")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	columns := cells(lines[0])
	rows := map[string]map[string]string{}
	for _, line := range lines[2:] {
		row := map[string]string{}
		for k, cell := range cells(line) {
			row[columns[k]] = cell
		}
		rows[row["Action"]] = row
	}
	return rows
}

func cells(line string) []string {
	out := strings.Split(strings.Trim(line, "|"), "|")
	for k := range out {
		out[k] = strings.TrimSpace(out[k])
	}
	return out
}

// set is words sorted, each once, without the empty one.
func set(words []string) []string {
	slices.Sort(words)
	words = slices.Compact(words)
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}

// TestEveryTransitionKeepsTheLaws plays each cell and checks what all share.
func TestEveryTransitionKeepsTheLaws(t *testing.T) {
	for _, a := range actions() {
		for state, before := range states(t) {
			t.Run(fmt.Sprintf("%s while %s", a.name, state), func(t *testing.T) {
				kept := before
				kept.Assignees = slices.Clone(before.Assignees)
				ch, err := a.do(before)
				if diff := cmp.Diff(kept, before); diff != "" {
					t.Errorf("the receiver was changed:\n%s", diff)
				}
				if err != nil && fault.KindOf(err) != fault.Conflict {
					t.Errorf("refused with %s, want a conflict", fault.KindOf(err))
				}
				checkLaws(t, before, ch)
			})
		}
	}
}

// reporter is what checkLaws needs of a test, so that rapid's may have it too.
type reporter interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
}

// checkLaws is what holds for the outcome of any transition.
func checkLaws(t reporter, before incident.Incident, ch incident.Change) {
	t.Helper()
	if !ch.Changed {
		if diff := cmp.Diff(before, ch.Incident); diff != "" || len(ch.Entries)+len(ch.Intents) > 0 {
			t.Errorf("unchanged, but it differs or says something: %v %v\n%s", ch.Entries, ch.Intents, diff)
		}
		return
	}
	after := ch.Incident
	if err := after.Validate(); err != nil {
		t.Error(err)
	}
	if after.Revision != before.Revision+1 || after.UpdatedAt.Before(before.UpdatedAt) {
		t.Errorf("revision %d → %d, updated %s → %s", before.Revision, after.Revision, before.UpdatedAt, after.UpdatedAt)
	}
	if len(ch.Entries) == 0 {
		t.Error("changed, but the timeline says nothing")
	}
	for _, e := range ch.Entries {
		if e.Revision != after.Revision || e.IncidentID != after.ID || !e.At.Equal(after.UpdatedAt) {
			t.Errorf("entry %s is of revision %d at %s, the incident of %d at %s", e.Type, e.Revision, e.At, after.Revision, after.UpdatedAt)
		}
		if diff := cmp.Diff(after.Snapshot(), e.Incident); diff != "" {
			t.Errorf("entry %s does not show the incident as it is:\n%s", e.Type, diff)
		}
	}
}
