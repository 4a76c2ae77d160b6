package oncall_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
)

// roster is who is there: schedules with their people, and who is gone.
type roster struct {
	schedules map[string][]string
	gone      []string
}

func (r roster) OnCall(scheduleID string, _ time.Time) []string { return r.schedules[scheduleID] }
func (r roster) Reachable(userID string) bool                   { return !slices.Contains(r.gone, userID) }

var now = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func user(id string) oncall.Target  { return oncall.Target{Kind: oncall.UserTarget, ID: id} }
func sched(id string) oncall.Target { return oncall.Target{Kind: oncall.ScheduleTarget, ID: id} }

// level has five minutes and these targets.
func level(targets ...oncall.Target) oncall.Level {
	return oncall.Level{Targets: targets, Delay: 5 * time.Minute}
}

// plan goes first to the night schedule, then to Ben, then to the chief.
func plan(loops int) oncall.Plan {
	return oncall.Plan{PolicyID: "pol_1", Levels: []oncall.Level{level(sched("night")), level(user("ben")), level(user("chief"))}, Loops: loops}
}

var everyone = roster{schedules: map[string][]string{"night": {"ana"}}}

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func pos(level, loop int) oncall.Position { return oncall.Position{Level: level, Loop: loop} }

func over(level, loop int) oncall.Position {
	return oncall.Position{Level: level, Loop: loop, Exhausted: true}
}

func TestSteps(t *testing.T) {
	next := now.Add(5 * time.Minute)
	nobody := roster{gone: []string{"ben", "chief"}}
	onlyAna := roster{schedules: everyone.schedules, gone: nobody.gone}
	skipAll := []oncall.Skip{{Level: 1, Loop: 1}, {Level: 2, Loop: 1}, {Level: 3, Loop: 1}}
	tests := []struct {
		name string
		got  oncall.Step
		want oncall.Step
	}{
		{"the first level", plan(0).Start(now, everyone), oncall.Step{Position: pos(1, 1), Users: []string{"ana"}, NextAt: next}},
		{"the next level", plan(0).Next(pos(1, 1), now, everyone), oncall.Step{Position: pos(2, 1), Users: []string{"ben"}, NextAt: next}},
		{"next of nothing is the start", plan(0).Next(oncall.Position{}, now, everyone), plan(0).Start(now, everyone)},
		{"an empty level is skipped at once", plan(0).Start(now, roster{}),
			oncall.Step{Position: pos(2, 1), Users: []string{"ben"}, Skipped: skipAll[:1], NextAt: next}},
		{"someone who may not be paged counts as absent", plan(0).Next(pos(1, 1), now, roster{gone: []string{"ben"}}),
			oncall.Step{Position: pos(3, 1), Users: []string{"chief"}, Skipped: skipAll[1:2], NextAt: next}},
		{"after the last level", plan(0).Next(pos(3, 1), now, everyone), oncall.Step{Position: over(3, 1)}},
		{"after the last level of a loop", plan(1).Next(pos(3, 1), now, everyone), oncall.Step{Position: pos(1, 2), Users: []string{"ana"}, NextAt: next}},
		{"after the last level of the last loop", plan(1).Next(pos(3, 2), now, everyone), oncall.Step{Position: over(3, 2)}},
		{"exhausted stays exhausted", plan(9).Next(over(3, 1), now, everyone), oncall.Step{Position: over(3, 1)}},
		{"nobody at all, however many loops", plan(9).Start(now, nobody), oncall.Step{Position: over(3, 1), Skipped: skipAll}},
		{"nobody any more, in the middle", plan(9).Next(pos(2, 3), now, nobody),
			oncall.Step{Position: over(2, 4), Skipped: []oncall.Skip{{Level: 3, Loop: 3}, {Level: 1, Loop: 4}, {Level: 2, Loop: 4}}}},
		{"a plan without levels", oncall.Plan{}.Start(now, everyone), oncall.Step{Position: oncall.Position{Exhausted: true}}},
		{"again: the same level, today's people", plan(0).Again(pos(1, 1), now, roster{schedules: map[string][]string{"night": {"dan"}}}),
			oncall.Step{Position: pos(1, 1), Users: []string{"dan"}, NextAt: next}},
		{"again after the plan was over", plan(0).Again(over(3, 1), now, everyone), oncall.Step{Position: pos(3, 1), Users: []string{"chief"}, NextAt: next}},
		{"again, but nobody is there now", plan(0).Again(pos(1, 1), now, roster{}),
			oncall.Step{Position: pos(2, 1), Users: []string{"ben"}, Skipped: skipAll[:1], NextAt: next}},
		{"again, and nobody comes after: the plan starts over", plan(0).Again(pos(2, 1), now, onlyAna),
			oncall.Step{Position: pos(1, 1), Users: []string{"ana"}, Skipped: skipAll[1:], NextAt: next}},
		{"again of nothing is the start", plan(0).Again(oncall.Position{}, now, everyone), plan(0).Start(now, everyone)},
		{"again with nobody at all", plan(0).Again(pos(2, 1), now, nobody), oncall.Step{Position: over(3, 1), Skipped: skipAll}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALevelPagesEachPersonOnce(t *testing.T) {
	p := oncall.Plan{Levels: []oncall.Level{level(user("ben"), sched("night"), sched("day"), user("ana"), user("eva"))}}
	r := roster{schedules: map[string][]string{"night": {"ana", "ben"}, "day": {"ana", "cleo"}}, gone: []string{"eva"}}
	want := []string{"ben", "ana", "cleo"}
	if got := p.Start(now, r).Users; !slices.Equal(got, want) {
		t.Errorf("paged %v, want %v", got, want)
	}
	if got := p.Who(1, 1, now, r); !slices.Equal(got, want) {
		t.Errorf("Who says %v, want %v", got, want)
	}
	if got := append(p.Who(0, 1, now, r), p.Who(2, 1, now, r)...); got != nil {
		t.Errorf("levels that do not exist have %v", got)
	}
}

// TestTargetsTakeTurns: the counter picks the target, a loop moves on to the
// next, and a target without anybody is passed over before the level is.
func TestTargetsTakeTurns(t *testing.T) {
	l := level(user("ana"), sched("night"), user("cleo"))
	l.Assignment = oncall.RoundRobin
	tests := []struct {
		name       string
		turn, loop int
		r          roster
		want       []string
	}{
		{"the first incident", 0, 1, everyone, []string{"ana"}},
		{"the second: all of a schedule", 1, 1, roster{schedules: map[string][]string{"night": {"ben", "dan"}}}, []string{"ben", "dan"}},
		{"the third", 2, 1, everyone, []string{"cleo"}},
		{"round again", 3, 1, everyone, []string{"ana"}},
		{"the second loop of the third", 2, 2, everyone, []string{"ana"}},
		{"nobody on call: the next one", 1, 1, roster{}, []string{"cleo"}},
		{"gone, and the one after too", 0, 1, roster{gone: []string{"ana"}}, []string{"cleo"}},
		{"nobody at all", 0, 1, roster{gone: []string{"ana", "cleo"}}, nil},
		{"a counter that has run over", -1, 1, everyone, []string{"cleo"}},
		{"before any loop", 0, 0, everyone, []string{"ana"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := oncall.Plan{Levels: []oncall.Level{l, level(user("chief"))}, Turn: tt.turn}
			if got := p.Who(1, tt.loop, now, tt.r); !slices.Equal(got, tt.want) {
				t.Errorf("paged %v, want %v", got, tt.want)
			}
		})
	}
	p := oncall.Freeze(oncall.Policy{Levels: []oncall.Level{l}, Loops: 1})
	p.Turn = 2
	first := p.Start(now, everyone)
	second := p.Next(first.Position, now, everyone)
	if !slices.Equal(first.Users, []string{"cleo"}) || !slices.Equal(second.Users, []string{"ana"}) {
		t.Errorf("the walk pages %v, then %v", first.Users, second.Users)
	}
}

func TestAFrozenPlanDoesNotFollowThePolicy(t *testing.T) {
	policy := oncall.Policy{ID: "pol_1", Name: "Nights", Levels: []oncall.Level{level(user("ana"))}, Loops: 2}
	frozen := oncall.Freeze(policy)
	policy.Levels[0].Targets[0].ID = "ben"
	policy.Levels[0].Delay = time.Hour
	want := oncall.Plan{PolicyID: "pol_1", PolicyName: "Nights", Levels: []oncall.Level{level(user("ana"))}, Loops: 2}
	if diff := cmp.Diff(want, frozen); diff != "" {
		t.Error(diff)
	}
}

func TestAPlanForPeopleAsksThemOnce(t *testing.T) {
	p := oncall.PlanForUsers([]string{"ben", "ana", "ben"})
	first := p.Start(now, everyone)
	want := oncall.Step{Position: pos(1, 1), Users: []string{"ben", "ana"}, NextAt: now.Add(oncall.DirectDelay)}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if second := p.Next(first.Position, now, everyone); !second.Position.Exhausted {
		t.Errorf("then it goes on: %+v", second)
	}
}

// TestAnyPlanEndsAndTellsEveryLevel: whoever is there, walking from the start
// names each level of each loop exactly once, paged or skipped, in order, and
// then is over; unless nobody is there at all, which ends it in one step.
func TestAnyPlanEndsAndTellsEveryLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, r, anybody := anyPlan(t)
		var seen []oncall.Skip
		step := p.Start(now, r)
		for range len(p.Levels)*(p.Loops+1) + 1 {
			checkStep(t, p, r, step)
			seen = append(seen, step.Skipped...)
			if step.Position.Exhausted {
				break
			}
			seen = append(seen, oncall.Skip{Level: step.Position.Level, Loop: step.Position.Loop})
			step = p.Next(step.Position, now, r)
		}
		if !step.Position.Exhausted {
			t.Fatalf("does not end: %+v", step)
		}
		loops := p.Loops + 1
		if !anybody {
			loops = 1
		}
		var want []oncall.Skip
		for loop := range loops {
			for l := range p.Levels {
				want = append(want, oncall.Skip{Level: l + 1, Loop: loop + 1})
			}
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
		if again := p.Again(step.Position, now, r); again.Position.Exhausted == anybody {
			t.Errorf("somebody is there: %v, but again says %+v", anybody, again)
		}
	})
}

// anyPlan has one user per level, each of whom may be gone.
func anyPlan(t *rapid.T) (oncall.Plan, roster, bool) {
	p, r, anybody := oncall.Plan{Loops: rapid.IntRange(0, 3).Draw(t, "loops")}, roster{}, false
	for k := range rapid.IntRange(1, 5).Draw(t, "levels") {
		id := fmt.Sprint("usr_", k)
		p.Levels = append(p.Levels, oncall.Level{Targets: []oncall.Target{user(id)}, Delay: time.Duration(k+1) * time.Minute})
		if rapid.Bool().Draw(t, "gone") {
			r.gone = append(r.gone, id)
		} else {
			anybody = true
		}
	}
	return p, r, anybody
}

func checkStep(t *rapid.T, p oncall.Plan, r roster, s oncall.Step) {
	t.Helper()
	if s.Position.Exhausted {
		if len(s.Users) > 0 || !s.NextAt.IsZero() {
			t.Errorf("exhausted, but %+v", s)
		}
		return
	}
	l := p.Levels[s.Position.Level-1]
	if !slices.Equal(s.Users, []string{l.Targets[0].ID}) || !r.Reachable(s.Users[0]) || !s.NextAt.Equal(now.Add(l.Delay)) {
		t.Errorf("level %d pages %v and goes on at %s", s.Position.Level, s.Users, s.NextAt)
	}
}
