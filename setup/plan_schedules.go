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
		if f.Rotation == nil && f.Layers == nil {
			p.problems.add(f.at, "schedule '%s' is new and has no rotation; add one", f.Name)
			return
		}
	}
	var e edits
	putText(&e, "name", &s.Name, f.Name)
	putText(&e, "time zone", &s.TimeZone, f.TimeZone)
	switch {
	case f.Rotation != nil:
		s.Layers = p.rotation(f, s, &e)
	case f.Layers != nil:
		s.Layers = p.layers(f, s, &e)
	}
	p.schedules[key], p.names[s.ID] = s, s.Name
	if !known {
		p.added(sectionSchedules, key, s.Name, p.scheduleWords(s))
	} else if !p.settle(sectionSchedules, key, s.Name, e) {
		return
	}
	p.changes.Schedules = append(p.changes.Schedules, s)
}

// rotation gives the schedule's one layer as the file has it. More layers, made
// elsewhere, are replaced: the file says what the rotation is.
func (p *planner) rotation(f Schedule, s oncall.Schedule, e *edits) []oncall.Layer {
	next := p.layer(f, Layer{Name: "Rotation", Rotation: *f.Rotation}, s.TimeZone)
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
	p.compareLayer("", old, next, s.TimeZone, e)
	return []oncall.Layer{next}
}

// layers gives the layers as the file has them, bottom first. One of the same
// name is the same layer; what the file does not name goes.
func (p *planner) layers(f Schedule, s oncall.Schedule, e *edits) []oncall.Layer {
	old := index(s.Layers, func(l oncall.Layer) string { return NameKey(l.Name) })
	var next []oncall.Layer
	var kept []string
	for _, l := range f.Layers {
		layer := p.layer(f, l, s.TimeZone)
		was, known := old[NameKey(l.Name)]
		if !known {
			layer.ID = id.New(id.Layer)
			e.say("layer %s added (%s)", layer.Name, layerWords(layer, s.TimeZone))
		} else {
			layer.ID = was.ID
			put(e, "layer", &was.Name, layer.Name, func(n string) string { return n })
			p.compareLayer("layer "+layer.Name+" ", was, layer, s.TimeZone, e)
			kept = append(kept, was.ID)
		}
		next = append(next, layer)
	}
	var stayed []string
	for _, l := range s.Layers {
		if slices.Contains(kept, l.ID) {
			stayed = append(stayed, l.ID)
		} else {
			e.say("layer %s removed", l.Name)
		}
	}
	if !slices.Equal(kept, stayed) {
		e.say("layers in another order")
	}
	return next
}

// layer gives a layer without its id.
func (p *planner) layer(f Schedule, l Layer, zone string) oncall.Layer {
	out := oncall.Layer{
		Name: l.Name, Turn: l.Turn, Unit: l.Unit, Start: moment(l.Start, l.Local, zone), Until: moment(l.Until, l.UntilLocal, zone), Restrictions: l.Restrictions,
	}
	for _, r := range l.Users {
		if userID := p.person("schedule '"+f.Name+"'", r); userID != "" {
			out.Users = append(out.Users, userID)
		}
	}
	return out
}

// compareLayer says what changes; of begins each edit.
func (p *planner) compareLayer(of string, old, next oncall.Layer, zone string, e *edits) {
	if !old.Start.Equal(next.Start) {
		e.say("%sstart %s → %s", of, wallClock(old.Start, zone), wallClock(next.Start, zone))
	}
	if old.Turn != next.Turn || old.Unit != next.Unit {
		e.say("%sturn %s → %s", of, turnWord(old.Turn, old.Unit), turnWord(next.Turn, next.Unit))
	}
	if !slices.Equal(old.Users, next.Users) {
		e.say("%susers %s → %s", of, p.list(old.Users), p.list(next.Users))
	}
	switch {
	case old.Until.Equal(next.Until):
	case next.Until.IsZero():
		e.say("%send %s removed", of, wallClock(old.Until, zone))
	case old.Until.IsZero():
		e.say("%send %s added", of, wallClock(next.Until, zone))
	default:
		e.say("%send %s → %s", of, wallClock(old.Until, zone), wallClock(next.Until, zone))
	}
	if !slices.Equal(old.Restrictions, next.Restrictions) {
		e.say("%srestrictions %s → %s", of, restrictionWords(old.Restrictions), restrictionWords(next.Restrictions))
	}
}

// moment gives a time of the file as an instant; zero stays zero.
func moment(at time.Time, local bool, zone string) time.Time {
	if at.IsZero() || !local {
		return at.UTC()
	}
	// The zone was checked when it was read; a database that names one which
	// this machine does not know falls back to UTC rather than to nothing.
	where, err := time.LoadLocation(zone)
	if err != nil {
		where = time.UTC
	}
	y, m, d := at.Date()
	return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), 0, where).UTC()
}

func (p *planner) list(ids []string) string {
	words := make([]string, len(ids))
	for i, one := range ids {
		words[i] = p.name(one)
	}
	return strings.Join(words, " + ")
}

func (p *planner) scheduleWords(s oncall.Schedule) string {
	if len(s.Layers) == 1 {
		return layerWords(s.Layers[0], s.TimeZone)
	}
	words := make([]string, len(s.Layers))
	for k, l := range s.Layers {
		words[k] = l.Name + ": " + layerWords(l, s.TimeZone)
	}
	return strings.Join(words, "; ")
}

func layerWords(l oncall.Layer, zone string) string {
	words := fmt.Sprintf("%s, turns of %s from %s", count(len(l.Users), "person"), turnWord(l.Turn, l.Unit), wallClock(l.Start, zone))
	if !l.Until.IsZero() {
		words += " until " + wallClock(l.Until, zone)
	}
	if len(l.Restrictions) > 0 {
		words += ", " + restrictionWords(l.Restrictions)
	}
	return words
}

// restrictionWords writes restrictions as people do: 22:00–08:00, Fri
// 18:00–Mon 08:00.
func restrictionWords(all []oncall.Restriction) string {
	if len(all) == 0 {
		return "always"
	}
	words := make([]string, len(all))
	for k, r := range all {
		from := time.Date(2023, 1, 1+int(r.Day), 0, 0, 0, 0, time.UTC).Add(r.Start) // 1 January 2023 was a Sunday
		to, form := from.Add(r.Length), "15:04"
		if from.Second() != 0 || to.Second() != 0 {
			form = "15:04:05"
		}
		switch {
		case r.Cycle == oncall.Daily:
			words[k] = from.Format(form) + "–" + to.Format(form)
		case r.Length <= day:
			words[k] = from.Format("Mon "+form) + "–" + to.Format(form)
		default:
			words[k] = from.Format("Mon "+form) + "–" + to.Format("Mon "+form)
		}
	}
	return strings.Join(words, " + ")
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
