package oncall

import (
	"slices"
	"time"
)

// DirectDelay is how long people an incident was handed to directly have,
// before its plan is exhausted. There is no policy to take a delay from.
const DirectDelay = 30 * time.Minute

// Freeze copies the policy, so that later edits do not reach the plan. Who
// counts the policy's incidents sets the plan's Turn.
func Freeze(p Policy) Plan {
	plan := Plan{PolicyID: p.ID, PolicyName: p.Name, Levels: make([]Level, len(p.Levels)), Loops: p.Loops}
	for k, l := range p.Levels {
		plan.Levels[k] = Level{Targets: slices.Clone(l.Targets), Delay: l.Delay, Assignment: l.Assignment}
	}
	return plan
}

// PlanForUsers is the plan of an incident handed to people: one level, once.
func PlanForUsers(ids []string) Plan {
	var targets []Target
	for _, id := range ids {
		if t := (Target{Kind: UserTarget, ID: id}); !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	return Plan{Levels: []Level{{Targets: targets, Delay: DirectDelay}}}
}

// Who gives the people behind a level (counted from 1, as are loops) at a
// moment: each once, in the order of its targets, and only those who may be
// paged. Of targets that take turns it is the first, from the one whose turn it
// is on, that has anybody; each loop begins with the next one, because this one
// has not answered.
func (p Plan) Who(level, loop int, at time.Time, roster Roster) []string {
	if level < 1 || level > len(p.Levels) {
		return nil
	}
	l := p.Levels[level-1]
	if l.Assignment != RoundRobin {
		return people(l.Targets, at, roster)
	}
	n := len(l.Targets)
	for k := range n {
		// A counter may be anything; the remainder of a negative one is negative.
		next := ((p.Turn+max(loop, 1)-1+k)%n + n) % n
		if found := people(l.Targets[next:next+1], at, roster); len(found) > 0 {
			return found
		}
	}
	return nil
}

func people(targets []Target, at time.Time, roster Roster) []string {
	var out []string
	for _, t := range targets {
		found := []string{t.ID}
		if t.Kind == ScheduleTarget {
			found = roster.OnCall(t.ID, at)
		}
		for _, user := range found {
			if !slices.Contains(out, user) && roster.Reachable(user) {
				out = append(out, user)
			}
		}
	}
	return out
}

// Start takes the plan's first level that has anybody.
func (p Plan) Start(now time.Time, roster Roster) Step {
	return p.walk(p.first(), Position{}, now, roster)
}

// Next takes the level after pos that has anybody, going round while there
// are loops left. From an exhausted position it stays exhausted; from the
// zero position it is Start.
func (p Plan) Next(pos Position, now time.Time, roster Roster) Step {
	if pos.Exhausted {
		return Step{Position: pos}
	}
	return p.walk(p.after(pos), pos, now, roster)
}

// Again takes the level at pos once more, with the people who are there now:
// an acknowledgement was taken back. If nobody is there any more it goes on as
// Next does; and if nobody comes after either, the plan starts over, because
// somebody had this incident in hand and now nobody has.
func (p Plan) Again(pos Position, now time.Time, roster Roster) Step {
	if pos.Level == 0 {
		return p.Start(now, roster)
	}
	pos.Exhausted = false
	step := p.walk(pos, pos, now, roster)
	if !step.Position.Exhausted {
		return step
	}
	over := p.Start(now, roster)
	if !over.Position.Exhausted {
		over.Skipped = append(step.Skipped, over.Skipped...)
	}
	return over
}

// walk takes the first level from at on that has anybody; stood is where the
// plan was. It asks for each level once: what is empty at this moment is so in
// the next loop too, so after one round of nobody the plan is exhausted.
func (p Plan) walk(at, stood Position, now time.Time, roster Roster) Step {
	step := Step{Position: stood}
	for range p.Levels {
		if at.Exhausted {
			break
		}
		step.Position = at
		if users := p.Who(at.Level, at.Loop, now, roster); len(users) > 0 {
			step.Users, step.NextAt = users, now.Add(p.Levels[at.Level-1].Delay)
			return step
		}
		step.Skipped = append(step.Skipped, Skip{Level: at.Level, Loop: at.Loop})
		at = p.after(at)
	}
	step.Position.Exhausted = true
	return step
}

func (p Plan) first() Position { return p.after(Position{}) }

// after is the position one level on, Exhausted past the last level of the
// last loop.
func (p Plan) after(pos Position) Position {
	switch {
	case len(p.Levels) == 0:
		return Position{Exhausted: true}
	case pos.Level == 0:
		return Position{Level: 1, Loop: 1}
	case pos.Level < len(p.Levels):
		return Position{Level: pos.Level + 1, Loop: pos.Loop}
	case pos.Loop <= p.Loops:
		return Position{Level: 1, Loop: pos.Loop + 1}
	default:
		return Position{Exhausted: true}
	}
}
