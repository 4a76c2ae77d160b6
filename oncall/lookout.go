package oncall

import "time"

// view is what is so at a moment: the shifts that have it, with their real
// ends, and a stretch around the moment in which none of that changes (it may
// be shorter than it could be, never longer).
type view struct {
	on       []stretch
	from, to time.Time
}

// lookout is a schedule made ready to be asked about moments.
type lookout struct {
	tracks    []track // the layers that count, bottom first
	events    []*occasion
	overrides []Override // as made, the oldest first
}

func (s Schedule) lookout() lookout {
	loc, err := zone(s.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	l := lookout{overrides: inOrder(s.Overrides), tracks: make([]track, 0, len(s.Layers))}
	for _, layer := range s.Layers {
		if t := trackOf(layer, loc); t != nil {
			l.tracks = append(l.tracks, t)
		}
	}
	for _, r := range s.Rotations {
		for k := range r.Events {
			if o, err := occasionOf(&r.Events[k], s.TimeZone); err == nil {
				l.events = append(l.events, o)
			}
		}
	}
	return l
}

// at unites the layers with the events, then lays the overrides over them.
func (l lookout) at(t time.Time) view {
	var v view
	if len(l.tracks) > 0 {
		found := stacked(l.tracks, t)
		v.from, v.to = found.from, found.to
		if found.user != "" {
			v.on = []stretch{found}
		}
	}
	for _, e := range l.events {
		v = e.add(v, t)
	}
	for _, o := range l.overrides {
		v = o.lay(v, t)
	}
	return v
}

// parts are lookouts that together show what this one does: events know nothing
// of one another, so each may be followed for itself.
func (l lookout) parts() []lookout {
	if len(l.events) == 0 {
		return []lookout{l}
	}
	var out []lookout
	if len(l.tracks) > 0 {
		out = append(out, lookout{tracks: l.tracks, overrides: l.overrides})
	}
	for k := range l.events {
		out = append(out, lookout{events: l.events[k : k+1], overrides: l.overrides})
	}
	return out
}

// cost is what one look costs, in questions to a layer or an event.
func (l lookout) cost() int { return 1 + len(l.tracks) + len(l.events) + len(l.overrides)/50 }
