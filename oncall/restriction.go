package oncall

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Cycle is how often a restriction comes round.
type Cycle string

// Restrictions come round every day or every week.
const (
	Daily  Cycle = "daily"
	Weekly Cycle = "weekly"
)

// Restriction is a stretch of the day or of the week in which a layer counts.
//
// Both its ends stand on the clock of the schedule's wall: it lasts from the
// moment the clock first shows the start to the moment it first shows the end,
// so "22:00 for ten hours" ends at 08:00 on every morning of the year, be the
// night nine hours long or eleven. Counting elapsed time instead would end it
// at 07:00 or 09:00 twice a year, when the day shift expects 08:00. An end
// inside a gap of the clock is where the gap ends; inside an overlap it is the
// first of the two.
type Restriction struct {
	Cycle Cycle `json:"cycle"`
	// Day is the weekday on which a weekly one starts.
	Day time.Weekday `json:"day,omitempty"`
	// Start is the time of day, counted from midnight: 9h30m is 09:30. In JSON,
	// nanoseconds, as is Length.
	Start time.Duration `json:"start"`
	// Length is up to a day, or up to a week, read off the clock on the wall.
	Length time.Duration `json:"length"`
}

// Validate refuses what is no part of a day or of a week.
func (r Restriction) Validate() error {
	most := 24 * time.Hour
	switch {
	case r.Cycle == Weekly:
		most *= 7
	case r.Cycle != Daily:
		return fault.Field("cycle", "unknown_cycle", "A restriction comes round daily or weekly, not %q.", string(r.Cycle))
	}
	switch {
	case r.Day < time.Sunday || r.Day > time.Saturday:
		return fault.Field("day", "bad_day", "There are seven days in a week; a restriction cannot start on day %d.", int(r.Day))
	case r.Start < 0 || r.Start >= 24*time.Hour || r.Start%time.Second != 0:
		return fault.Field("start", "bad_start", "A restriction starts at a time of day from 00:00:00 to 23:59:59, not at %s.", r.Start)
	case r.Length < time.Minute || r.Length > most || r.Length%time.Second != 0:
		return fault.Field("length", "bad_length", "A %s restriction lasts from 1m to %s, in whole seconds, not %s.", r.Cycle, most, r.Length)
	}
	return nil
}

const (
	aDay  = 24 * 60 * 60 // seconds on the wall
	aWeek = 7 * aDay
)

// window is a piece of the week, in seconds of the wall from Monday 00:00. Its
// end may lie in the next week.
type window struct{ from, to int64 }

// windowsOf joins restrictions into windows that neither touch nor overlap, in
// order; none when they leave nothing out.
func windowsOf(all []Restriction) []window {
	var out []window
	for _, r := range all {
		w := window{from: int64(r.Start / time.Second)}
		w.to = w.from + int64(r.Length/time.Second)
		for day := range int64(7) {
			if r.Cycle == Daily || int64(r.Day+6)%7 == day {
				out = append(out, window{w.from + day*aDay, w.to + day*aDay})
			}
		}
	}
	return joinedWindows(out)
}

func joinedWindows(all []window) []window {
	slices.SortFunc(all, func(a, b window) int { return int(a.from - b.from) })
	var out []window
	for _, w := range all {
		if n := len(out); n > 0 && w.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, w.to)
		} else {
			out = append(out, w)
		}
	}
	// The week is a circle: what passes its end may reach its beginning.
	for len(out) > 1 && out[len(out)-1].to >= out[0].from+aWeek {
		out[len(out)-1].to = max(out[len(out)-1].to, out[0].to+aWeek)
		out = out[1:]
	}
	if len(out) == 1 && out[0].to-out[0].from >= aWeek {
		return nil
	}
	return out
}
