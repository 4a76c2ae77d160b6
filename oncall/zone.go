package oncall

import (
	"sync"
	"time"
	_ "time/tzdata" // a small container has no zone files, and hand-offs need them

	"github.com/nightbell/nightbell/fault"
)

// zones remembers what LoadLocation read from disk: it is asked at each
// escalation. Zones never change while we run, so the functions here stay
// pure; only names that exist are kept, so it cannot grow beyond the database.
var zones sync.Map //nolint:gochecknoglobals // name → *time.Location: a memo of constants, not state

// zone gives the named zone. "Local" and "" are refused: they would mean
// something else on another node.
func zone(name string) (*time.Location, error) {
	if l, ok := zones.Load(name); ok {
		return l.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, errZone(name)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone(name)
	}
	zones.Store(name, l)
	return l, nil
}

func errZone(name string) error {
	return fault.Field("time_zone", "unknown_time_zone", "There is no time zone %q; use an IANA name such as Europe/Madrid or UTC.", name)
}

// wall is a reading of a clock on the wall, without saying where: the seconds
// and nanoseconds since 1970 that a clock in UTC would have shown then.
type wall struct{ at time.Time }

// wallOf is what the clock of the zone shows at t.
func wallOf(t time.Time, loc *time.Location) wall {
	y, mo, d := t.In(loc).Date()
	h, mi, s := t.In(loc).Clock()
	return wall{time.Date(y, mo, d, h, mi, s, t.Nanosecond(), time.UTC)}
}

// wallSeconds is the reading so many seconds after that of 1970-01-01 00:00.
func wallSeconds(s int64) wall { return wall{time.Unix(s, 0).UTC()} }

// plusDays moves the reading by calendar days, the time of day staying.
func (w wall) plusDays(n int) wall { return wall{w.at.AddDate(0, 0, n)} }

// daysUntil counts the midnights between two readings' dates; not before w.
func (w wall) daysUntil(v wall) int {
	const day = 24 * 60 * 60
	return int(v.at.Unix()/day - w.at.Unix()/day)
}

// first is the first moment at which the zone's clock shows this reading or a
// later one: where the clock is put forward over it, the moment the gap ends;
// where it is put back over it, the first of the two. time.Date promises
// neither. Later readings never come earlier, so turns keep their order.
func (w wall) first(loc *time.Location) time.Time {
	// No zone was ever further than 16 hours from UTC, so the clock has not
	// shown the reading yet 36 hours before a UTC clock does, and has after.
	const far = 36 * time.Hour
	for t := w.at.Add(-far).In(loc); ; {
		_, offset := t.Zone()
		start, end := t.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			// Where the tables end and a rule goes on (2037), the standard library
			// takes leap years for 365 days long: their last day lies beyond its
			// zone's end, and we would stand there for ever. No clock changes then.
			end = t.Add(24 * time.Hour)
		}
		guess := w.at.Add(-time.Duration(offset) * time.Second)
		switch {
		case !start.IsZero() && guess.Before(start):
			return start.UTC()
		case end.IsZero() || guess.Before(end):
			return guess.UTC()
		}
		t = end
	}
}
