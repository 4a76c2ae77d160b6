package setup

import (
	"fmt"
	"slices"
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
