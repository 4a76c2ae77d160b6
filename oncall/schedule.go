package oncall

import (
	"time"

	"github.com/nightbell/nightbell/fault"
)

// MaxRange is the longest stretch that [Schedule.Shifts] renders: a year and
// a month, so that a year's view may be scrolled.
const MaxRange = 400 * 24 * time.Hour

// OnCall gives the shifts that have the moment in the final schedule, one at
// most for now; none when nobody is on call. The shift's ends are the real
// hand-offs, also where a later layer begins or stops covering it; turns are
// not joined, and a rotation of one person has no hand-offs.
//
// A schedule whose zone no longer exists is read in UTC: a hand-off some hours
// off is better than paging nobody. Layers that Validate refuses have nobody.
func (s Schedule) OnCall(at time.Time) []Shift {
	found := stacked(s.tracks(), at)
	if found.user == "" {
		return nil
	}
	return []Shift{{UserID: found.user, From: utc(found.from), To: utc(found.to)}}
}

// Shifts renders the final schedule from a moment up to another, cut at both.
// Refused with bad_range when to is not after from, or further away than
// [MaxRange].
func (s Schedule) Shifts(from, to time.Time) ([]Shift, error) {
	if !to.After(from) {
		return nil, fault.Field("until", "bad_range", "The range ends at or before its start; give a later end.")
	}
	if to.Sub(from) > MaxRange {
		return nil, fault.Field("until", "bad_range", "The range is longer than 400 days; ask for less at a time.")
	}
	tracks, asked := s.tracks(), stretch{from: from, to: to}
	var out []Shift
	for t := from; t.Before(to); {
		found := stacked(tracks, t).within(asked)
		if found.user != "" {
			out = append(out, Shift{UserID: found.user, From: utc(found.from), To: utc(found.to)})
		}
		t = found.to
	}
	return out, nil
}

// tracks are the layers that count, bottom first.
func (s Schedule) tracks() []track {
	loc, err := zone(s.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	out := make([]track, 0, len(s.Layers))
	for _, l := range s.Layers {
		if r, ok := turnsOf(l, loc); ok {
			out = append(out, r)
		}
	}
	return out
}

// utc keeps the zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
