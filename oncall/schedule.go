package oncall

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// MaxRange is the longest stretch that [Schedule.Shifts] renders: a year and
// a month, so that a year's view may be scrolled.
const MaxRange = 400 * 24 * time.Hour

// maxWork bounds one rendering, in questions to a layer or an event: about a
// second. Fifty layers that all change every hour are followed for [MaxRange]
// with half of it.
const maxWork = 1_000_000

// OnCall gives the shifts that have the moment in the final schedule: one at
// most with layers, one for each shift with rotations, where a person with two
// of them has both; none when nobody is on call. The shifts' ends are the real
// hand-offs, also where a later layer or an override begins or stops covering
// them; turns are not joined, and a rotation of one person has no hand-offs.
//
// A schedule whose zone no longer exists is read in UTC: a hand-off some hours
// off is better than paging nobody. Layers, events and overrides that Validate
// refuses have nobody.
func (s Schedule) OnCall(at time.Time) []Shift {
	var out []Shift
	for _, found := range s.lookout().at(at).on {
		out = append(out, found.shift())
	}
	return out
}

// Shifts renders the final schedule from a moment up to another, cut at both,
// in the order in which the shifts begin. Refused with bad_range when to is not
// after from, further away than [MaxRange], or beyond too many hand-offs.
func (s Schedule) Shifts(from, to time.Time) ([]Shift, error) {
	if !to.After(from) {
		return nil, fault.Field("until", "bad_range", "The range ends at or before its start; give a later end.")
	}
	if to.Sub(from) > MaxRange {
		return nil, fault.Field("until", "bad_range", "The range is longer than 400 days; ask for less at a time.")
	}
	d := drawing{asked: stretch{from: from, to: to}}
	for _, part := range s.lookout().parts() {
		if !d.draw(part) {
			return nil, fault.Field("until", "bad_range", "There are too many hand-offs in this range to draw them at once; ask for less at a time.")
		}
	}
	slices.SortStableFunc(d.shifts, func(a, b Shift) int { return a.From.Compare(b.From) })
	return d.shifts, nil
}

// drawing gathers the shifts of a range.
type drawing struct {
	asked  stretch
	shifts []Shift
	seen   map[Shift]bool // what several parts show: an override, and twins
	work   int
}

// draw adds what one part shows; false when that is too much work.
func (d *drawing) draw(part lookout) bool {
	var before []stretch
	for t := d.asked.from; t.Before(d.asked.to); {
		if d.work += part.cost(); d.work > maxWork {
			return false
		}
		v := part.at(t)
		for k := range v.on {
			if v.on[k] = v.on[k].within(d.asked); !holds(before, v.on[k]) {
				d.add(v.on[k].shift())
			}
		}
		if before = v.on; v.to.IsZero() {
			break
		}
		t = v.to
	}
	return true
}

func (d *drawing) add(s Shift) {
	if d.seen == nil {
		d.seen = map[Shift]bool{}
	}
	if !d.seen[s] {
		d.seen[s] = true
		d.shifts = append(d.shifts, s)
	}
}

// holds reports whether the very stretch is among them. A shift is seen anew
// whenever anything changes beside it, and has the same ends each time.
func holds(all []stretch, s stretch) bool {
	for _, o := range all {
		if o.user == s.user && o.override == s.override && o.from.Equal(s.from) && o.to.Equal(s.to) {
			return true
		}
	}
	return false
}

// OnlyLayer is the schedule as one of its layers alone would have it, without
// overrides; k counts from 0. Nobody is on call in a layer that is not there.
func (s Schedule) OnlyLayer(k int) Schedule {
	alone := Schedule{ID: s.ID, Name: s.Name, TimeZone: s.TimeZone}
	if k >= 0 && k < len(s.Layers) {
		alone.Layers = s.Layers[k : k+1]
	}
	return alone
}

// OnlyRotation is [Schedule.OnlyLayer] for rotations.
func (s Schedule) OnlyRotation(k int) Schedule {
	alone := Schedule{ID: s.ID, Name: s.Name, TimeZone: s.TimeZone}
	if k >= 0 && k < len(s.Rotations) {
		alone.Rotations = s.Rotations[k : k+1]
	}
	return alone
}

// OnlyOverrides is what the overrides alone would have. One made for a single
// person's place is shown as if it were everybody's.
func (s Schedule) OnlyOverrides() Schedule {
	alone := Schedule{ID: s.ID, Name: s.Name, TimeZone: s.TimeZone}
	for _, o := range s.Overrides {
		o.Instead = ""
		alone.Overrides = append(alone.Overrides, o)
	}
	return alone
}

func (s stretch) shift() Shift {
	return Shift{UserID: s.user, From: utc(s.from), To: utc(s.to), OverrideID: s.override}
}

// utc keeps the zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
