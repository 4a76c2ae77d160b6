package incident_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

// TestAnyHistoryKeepsTheLaws lets people, senders and a clock that sometimes
// goes back do anything in any order, and carries out what the machine asks
// for as the desk does.
func TestAnyHistoryKeepsTheLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := open(t)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.now = h.now.Add(time.Duration(rapid.IntRange(-20, 120).Draw(t, "minutes")) * time.Minute)
			if rapid.Bool().Draw(t, "clock") {
				h.tick(t)
			} else {
				h.act(t)
			}
			h.check(t)
		}
	})
}

// history is one incident's life, as the desk sees it.
type history struct {
	i   incident.Incident
	now time.Time
	// exhausted: the plan's last word was that nobody is left to page.
	exhausted bool
	// over: it was resolved once, so nothing may ring again.
	over bool
}

func open(t *rapid.T) *history {
	o := opening()
	o.AckTimeout = time.Duration(rapid.IntRange(0, 60).Draw(t, "ack timeout")) * time.Minute
	o.AutoResolve = time.Duration(rapid.IntRange(0, 600).Draw(t, "auto-resolve")) * time.Minute
	h := &history{now: o.At}
	h.take(t, incident.Open(o), nil)
	return h
}

// take carries out a change as the desk does: a plan's step that is asked for
// follows in the same moment. A refusal comes with an unchanged incident, which
// is what the laws are about.
func (h *history) take(t *rapid.T, ch incident.Change, _ error) {
	checkLaws(t, h.i, ch)
	h.i = ch.Incident
	h.over = h.over || h.i.Status == incident.Resolved
	asks := func(n incident.Intent) bool { return slices.Contains(ch.Intents, n) }
	if !asks(incident.PageLevel) && !asks(incident.RestartPlan) {
		return
	}
	if h.over {
		t.Errorf("%v after resolve", ch.Intents)
	}
	step := h.step(t, incident.ReasonTriggered)
	next, err := h.i.Escalated(step, incident.System, h.now)
	if err != nil {
		t.Fatalf("the step that was asked for is refused: %v", err)
	}
	checkLaws(t, h.i, next)
	h.i, h.exhausted = next.Incident, step.Exhausted
}

// step is anything the plan might say.
func (h *history) step(t *rapid.T, reason string) incident.EscalationStep {
	s := incident.EscalationStep{
		Level: rapid.IntRange(1, 3).Draw(t, "level"), Loop: 1, Reason: reason,
		Exhausted: rapid.IntRange(0, 3).Draw(t, "luck") == 0,
	}
	for k := range rapid.IntRange(0, 2).Draw(t, "skipped") {
		s.Skipped = append(s.Skipped, incident.SkippedLevel{Level: k + 1, Loop: 1})
	}
	if !s.Exhausted {
		s.Users, s.NextAt = h.people(t), h.now.Add(5*time.Minute)
	}
	return s
}

func (h *history) people(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.SampledFrom([]string{ana.ID, ben.ID, "usr_cleo"}), 1, 3).Draw(t, "people")
}

// tick is the clock knocking: it does what is due, and is refused the rest.
func (h *history) tick(t *rapid.T) {
	t.Helper()
	timers := h.i.Timers
	passed := func(at time.Time) bool { return !at.IsZero() && !h.now.Before(at) }
	mustDo := func(ch incident.Change, err error) {
		if err != nil || !ch.Changed {
			t.Fatalf("a due timer did nothing: %v", err)
		}
		h.take(t, ch, err)
	}
	switch {
	case passed(timers.AutoResolveAt):
		mustDo(h.i.AutoResolved(h.now))
	case passed(timers.SnoozeEndsAt):
		mustDo(h.i.SnoozeEnded(h.now))
	case passed(timers.AckTimeoutAt):
		mustDo(h.i.AckTimedOut(h.now))
	case passed(timers.EscalateAt):
		step := h.step(t, incident.ReasonTimeout)
		h.exhausted = step.Exhausted
		mustDo(h.i.Escalated(step, incident.System, h.now))
	}
}

// act is somebody doing something, allowed or not.
func (h *history) act(t *rapid.T) {
	by := rapid.SampledFrom([]incident.Actor{ana, ben, sender}).Draw(t, "by")
	ch, err := incident.Change{Incident: h.i}, error(nil)
	switch name := rapid.SampledFrom(actions()).Draw(t, "action").name; name {
	case "Acknowledge":
		ch, err = h.i.Acknowledge(by, h.now)
	case "Unacknowledge":
		ch, err = h.i.Unacknowledge(by, h.now)
	case "Snooze":
		ch, err = h.i.Snooze(by, h.now, h.now.Add(time.Duration(rapid.IntRange(-5, 11000).Draw(t, "snooze"))*time.Minute))
	case "Escalate":
		step := h.step(t, incident.ReasonManual)
		if ch, err = h.i.Escalate(step, by, h.now); err == nil {
			h.exhausted = false
		}
	case "Reassign":
		ch, err = h.i.Reassign(by, h.now, incident.Reassignment{Users: h.people(t)})
	case "Resolve":
		ch, err = h.i.Resolve(by, h.now)
	case "Annotate":
		ch, err = h.i.Annotate(by, h.now, rapid.StringN(0, 10, 40).Draw(t, "note"))
	case "AlertAdded":
		worst := rapid.SampledFrom([]incident.Severity{incident.Critical, incident.Info}).Draw(t, "severity")
		ch, err = h.i.AlertAdded(incident.AlertInfo{ID: "alr_2", Severity: worst}, by, h.now)
	case "AckTimedOut":
		ch, err = h.i.AckTimedOut(h.now)
	case "SnoozeEnded":
		ch, err = h.i.SnoozeEnded(h.now)
	case "AutoResolved":
		ch, err = h.i.AutoResolved(h.now)
	}
	h.take(t, ch, err)
}

// check is what holds at every moment between two transitions, told here in
// other words than the machine's own Validate.
func (h *history) check(t *rapid.T) {
	t.Helper()
	i, tm := h.i, h.i.Timers
	set := map[string]bool{
		"escalation": !tm.EscalateAt.IsZero(), "ack timeout": !tm.AckTimeoutAt.IsZero(),
		"snooze": !tm.SnoozeEndsAt.IsZero(), "auto-resolve": !tm.AutoResolveAt.IsZero(),
	}
	allowed := map[incident.Status][]string{
		incident.Triggered:    {"escalation", "auto-resolve"},
		incident.Acknowledged: {"ack timeout", "snooze", "auto-resolve"},
		incident.Resolved:     {},
	}[i.Status]
	for timer, on := range set {
		if on && !slices.Contains(allowed, timer) {
			t.Errorf("%s, but its %s timer is set", i.Status, timer)
		}
	}
	if i.Status == incident.Triggered && !h.exhausted && !set["escalation"] {
		t.Error("triggered, the plan is not over, and nothing will ever happen")
	}
	if h.over && i.Open() {
		t.Error("open again after resolve")
	}
	h.checkRepeats(t)
}

// checkRepeats does what is done once more: nothing may change.
func (h *history) checkRepeats(t *rapid.T) {
	t.Helper()
	acked, err := h.i.Acknowledge(ben, h.now)
	if err != nil {
		t.Errorf("acknowledge is refused: %v", err)
	}
	if again, err := acked.Incident.Acknowledge(ana, h.now); again.Changed || err != nil {
		t.Errorf("acknowledged twice: changed %v, %v", again.Changed, err)
	}
	done, err := h.i.Resolve(ben, h.now)
	if err != nil {
		t.Errorf("resolve is refused: %v", err)
	}
	if again, err := done.Incident.Resolve(ana, h.now); again.Changed || err != nil {
		t.Errorf("resolved twice: changed %v, %v", again.Changed, err)
	}
}
