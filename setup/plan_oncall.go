package setup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
)

func (p *planner) schedule(f Schedule) {
	key := NameKey(f.Name)
	if key == "" {
		return // reported by Parse
	}
	s, known := p.schedules[key]
	if !known {
		s = oncall.Schedule{ID: id.New(id.Schedule), TimeZone: "UTC"}
		if f.Rotation == nil {
			p.problems.add(f.at, "schedule '%s' is new and has no rotation; add one", f.Name)
			return
		}
	}
	var e edits
	putText(&e, "name", &s.Name, f.Name)
	putText(&e, "time zone", &s.TimeZone, f.TimeZone)
	if f.Rotation != nil {
		s.Layers = p.layers(f, s, &e)
	}
	p.schedules[key], p.names[s.ID] = s, s.Name
	if !known {
		p.added(sectionSchedules, key, s.Name, p.rotationWords(s))
	} else if !p.settle(sectionSchedules, key, s.Name, e) {
		return
	}
	p.changes.Schedules = append(p.changes.Schedules, s)
}

// layers gives the schedule's one layer as the file has it. More layers, made
// elsewhere, are replaced: the file says what the rotation is.
func (p *planner) layers(f Schedule, s oncall.Schedule, e *edits) []oncall.Layer {
	next := oncall.Layer{Name: "Rotation", Turn: f.Rotation.Turn, Unit: f.Rotation.Unit, Start: f.Rotation.begin(s.TimeZone)}
	for _, r := range f.Rotation.Users {
		if userID := p.person("schedule '"+f.Name+"'", r); userID != "" {
			next.Users = append(next.Users, userID)
		}
	}
	if len(s.Layers) == 0 {
		next.ID = id.New(id.Layer)
		e.say("rotation added")
		return []oncall.Layer{next}
	}
	old := s.Layers[0]
	next.ID, next.Name = old.ID, old.Name
	if len(s.Layers) > 1 {
		e.say("layers %d → 1", len(s.Layers))
	}
	p.compareLayer(old, next, s.TimeZone, e)
	return []oncall.Layer{next}
}

func (p *planner) compareLayer(old, next oncall.Layer, zone string, e *edits) {
	if !old.Start.Equal(next.Start) {
		e.say("start %s → %s", wallClock(old.Start, zone), wallClock(next.Start, zone))
	}
	if old.Turn != next.Turn || old.Unit != next.Unit {
		e.say("turn %s → %s", turnWord(old.Turn, old.Unit), turnWord(next.Turn, next.Unit))
	}
	if !slices.Equal(old.Users, next.Users) {
		e.say("users %s → %s", p.list(old.Users), p.list(next.Users))
	}
	if !old.Until.IsZero() {
		e.say("end %s removed", wallClock(old.Until, zone))
	}
}

// begin gives the rotation's start as an instant.
func (r Rotation) begin(zone string) time.Time {
	if !r.Local {
		return r.Start.UTC()
	}
	// The zone was checked when it was read; a database that names one which
	// this machine does not know falls back to UTC rather than to nothing.
	where, err := time.LoadLocation(zone)
	if err != nil {
		where = time.UTC
	}
	y, m, d := r.Start.Date()
	return time.Date(y, m, d, r.Start.Hour(), r.Start.Minute(), r.Start.Second(), 0, where).UTC()
}

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
		next := p.levels(f)
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

func (p *planner) levels(f Policy) []oncall.Level {
	var out []oncall.Level
	for i, l := range f.Levels {
		level := oncall.Level{Delay: l.Delay}
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

func (p *planner) list(ids []string) string {
	words := make([]string, len(ids))
	for i, one := range ids {
		words[i] = p.name(one)
	}
	return strings.Join(words, " + ")
}

func (p *planner) rotationWords(s oncall.Schedule) string {
	l := s.Layers[0]
	return fmt.Sprintf("%s, turns of %s from %s", count(len(l.Users), "person"), turnWord(l.Turn, l.Unit), wallClock(l.Start, s.TimeZone))
}

// wallClock writes a moment as the schedule's people see it.
func wallClock(t time.Time, zone string) string {
	if where, err := time.LoadLocation(zone); err == nil {
		t = t.In(where)
	}
	return t.Format("2006-01-02 15:04 MST")
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "person":
		return fmt.Sprintf("%d people", n)
	default:
		return fmt.Sprintf("%d %ss", n, what)
	}
}
