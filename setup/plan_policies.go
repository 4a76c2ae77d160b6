package setup

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
)

func (p *planner) policy(f Policy) {
	key := NameKey(f.Name)
	if key == "" {
		return // reported by Parse
	}
	pol, known := p.policies[key]
	if !known {
		pol = oncall.Policy{ID: id.New(id.Policy)}
		if f.Levels == nil {
			p.problems.add(f.at, "policy '%s' is new and has no levels; add at least one", f.Name)
			return
		}
	}
	var e edits
	putText(&e, "name", &pol.Name, f.Name)
	if f.Loops != nil {
		put(&e, "loops", &pol.Loops, *f.Loops, strconv.Itoa)
	}
	if f.Levels != nil {
		next := p.levels(f, pol.Levels)
		p.compareLevels(pol.Levels, next, &e)
		pol.Levels = next
	}
	p.policies[key], p.names[pol.ID] = pol, pol.Name
	if !known {
		p.added(sectionPolicies, key, pol.Name, count(len(pol.Levels), "level"))
	} else if !p.settle(sectionPolicies, key, pol.Name, e) {
		return
	}
	p.changes.Policies = append(p.changes.Policies, pol)
}

// levels gives the levels as the file has them. It does not speak of targets
// that take turns: a level that has them keeps them.
func (p *planner) levels(f Policy, old []oncall.Level) []oncall.Level {
	var out []oncall.Level
	for i, l := range f.Levels {
		level := oncall.Level{Delay: l.Delay}
		if i < len(old) {
			level.Assignment = old[i].Assignment
		}
		for _, t := range l.Targets {
			target, ok := p.target("policy '"+f.Name+"'", t)
			if !ok {
				continue
			}
			if slices.Contains(level.Targets, target) {
				p.problems.add(t.at, "level %d of policy '%s' names %s '%s' twice; remove one", i+1, f.Name, t.Kind, t.Name)
				continue
			}
			level.Targets = append(level.Targets, target)
		}
		out = append(out, level)
	}
	return out
}

func (p *planner) target(owner string, t Target) (oncall.Target, bool) {
	switch t.Kind {
	case oncall.UserTarget:
		userID := p.person(owner, t.Ref)
		return oncall.Target{Kind: t.Kind, ID: userID}, userID != ""
	case oncall.ScheduleTarget:
		s, ok := p.schedules[NameKey(t.Name)]
		if !ok {
			p.missing(owner, "schedule", t.Ref)
		}
		return oncall.Target{Kind: t.Kind, ID: s.ID}, ok
	default:
		return oncall.Target{}, false // reported by Parse
	}
}

func (p *planner) compareLevels(old, next []oncall.Level, e *edits) {
	for i := range max(len(old), len(next)) {
		switch {
		case i >= len(next):
			e.say("level %d removed", i+1)
		case i >= len(old):
			e.say("level %d added (%s after %s)", i+1, p.targets(next[i]), span(next[i].Delay))
		default:
			if old[i].Delay != next[i].Delay {
				e.say("level %d delay %s → %s", i+1, span(old[i].Delay), span(next[i].Delay))
			}
			if !slices.Equal(old[i].Targets, next[i].Targets) {
				e.say("level %d targets %s → %s", i+1, p.targets(old[i]), p.targets(next[i]))
			}
		}
	}
}

func (p *planner) targets(l oncall.Level) string {
	words := make([]string, len(l.Targets))
	for i, t := range l.Targets {
		words[i] = string(t.Kind) + " " + p.name(t.ID)
	}
	return strings.Join(words, " + ")
}
