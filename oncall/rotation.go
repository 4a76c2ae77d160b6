package oncall

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Rotation is a line of shifts. All rotations of a schedule count together.
type Rotation struct {
	ID     string  `json:"id"`
	Name   string  `json:"name,omitempty"`
	Events []Event `json:"events"`
}

// Strategy says which members take a shift.
type Strategy string

const (
	// Rotating: one member after the other, ShiftsPerMember shifts each.
	Rotating Strategy = "rotating"
	// Every member takes every shift.
	Every Strategy = "every"
)

// Event is a shift that may recur. Everything about it stands on the clock of
// the wall: a shift from 09:00 to 17:00 is so on every day of the year.
type Event struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Start and End are those of the first shift; what the clock of the zone
	// shows then counts. Rules count from Start.
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// TimeZone is an IANA name; empty means the schedule's.
	TimeZone string `json:"time_zone,omitempty"`
	// Since and Until cut off what lies before and after; zero does not. Whose
	// turn it is does not depend on them.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Recurrence is at most one RRULE of RFC 5545, with EXDATE and RDATE lines
	// if wanted; empty means once. A shift that an EXDATE takes out is still
	// counted, so nobody's turn moves; a shift that an RDATE adds goes to
	// whoever has the one before it.
	Recurrence []string `json:"recurrence,omitempty"`
	// Members take the shifts; without any the shifts are a gap.
	Members  []string `json:"members,omitempty"`
	Strategy Strategy `json:"strategy"`
	// ShiftsPerMember is for Rotating, at least 1.
	ShiftsPerMember int `json:"shifts_per_member,omitempty"`
}

// Bounds of events. Starts outside the years are a mistyped date.
const (
	MaxShift        = 31 * 24 * time.Hour
	maxAtOnce       = 20 // shifts of one event that overlap
	maxPerMember    = 1000
	firstYear       = 1970
	lastYear        = 2200
	maxRecurrence   = 25  // lines
	maxRuleText     = 500 // characters of a line
	maxExtraShifts  = 200 // dates in EXDATE and RDATE lines
	maxRuleInterval = 1000
)

// Validate refuses an event that has no shifts, or too many to be counted; the
// zone is that of its schedule.
func (e Event) Validate(schedulesZone string) error {
	_, err := occasionOf(&e, schedulesZone)
	return err
}

func (e *Event) check() error {
	switch {
	case e.Start.Year() < firstYear || e.Start.Year() > lastYear:
		return fault.Field("start", "bad_start", "The event starts in the year %d; give a start between %d and %d.", e.Start.Year(), firstYear, lastYear)
	case !e.End.After(e.Start):
		return fault.Field("end", "bad_end", "The first shift ends at or before its start; give a later end.")
	case e.End.Sub(e.Start) > MaxShift:
		return fault.Field("end", "bad_end", "A shift lasts 31 days at most; give an earlier end.")
	case !e.Until.IsZero() && !e.Until.After(later(e.Since, e.Start)):
		return fault.Field("until", "bad_until", "The event is over before it begins; give a later until or none.")
	case len(e.Members) > MaxUsers:
		return fault.Field("members", "too_many_members", "An event may have %d members, this one has %d.", MaxUsers, len(e.Members))
	case slices.Contains(e.Members, ""):
		return fault.Field("members", "empty_member", "One of the event's member ids is empty.")
	case e.Strategy != Rotating && e.Strategy != Every:
		return fault.Field("strategy", "unknown_strategy", "Members take shifts by the strategy rotating or every, not %q.", string(e.Strategy))
	case e.Strategy == Rotating && (e.ShiftsPerMember < 1 || e.ShiftsPerMember > maxPerMember):
		return fault.Field("shifts_per_member", "bad_shifts_per_member", "A member takes 1 to %d shifts in a row, not %d.", maxPerMember, e.ShiftsPerMember)
	}
	return nil
}

// takers are the members who take shift k.
func (e *Event) takers(k int) []string {
	if e.Strategy == Every || len(e.Members) == 0 {
		return e.Members
	}
	k = k / e.ShiftsPerMember % len(e.Members)
	return e.Members[k : k+1]
}

// occasion is an event made ready for arithmetic.
type occasion struct {
	event  *Event
	loc    *time.Location
	length int64 // of a shift, in seconds of the wall
	life   stretch
	rule   *recurrence
}

func occasionOf(e *Event, schedulesZone string) (*occasion, error) {
	name := e.TimeZone
	if name == "" {
		name = schedulesZone
	}
	loc, err := zone(name)
	if err != nil {
		if e.TimeZone != "" {
			return nil, err
		}
		loc = time.UTC // as for layers, see OnCall
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	// Should the clock stand in the second of two equal hours at the start, the
	// first of the two is before it, and cut off.
	o := &occasion{event: e, loc: loc, life: stretch{from: later(e.Since, e.Start), to: e.Until}}
	start := wallOf(e.Start, loc).at.Unix()
	if o.length = wallOf(e.End, loc).at.Unix() - start; o.length <= 0 {
		return nil, fault.Field("end", "bad_end", "On the clock of %s the first shift ends at or before its start; give a later end.", loc)
	}
	if o.rule, err = recurrenceOf(e.Recurrence, start, o.length, loc); err != nil {
		return nil, err
	}
	return o, nil
}

// span is the shift that begins at a reading of the wall.
func (o *occasion) span(start int64) stretch {
	return stretch{from: wallSeconds(start).first(o.loc), to: wallSeconds(start + o.length).first(o.loc)}
}

// begun is how many shifts of the rule have begun at t: those whose beginning
// the wall shows, and more where the clock was put back since.
func (o *occasion) begun(t time.Time) int {
	n := o.rule.upTo(wallOf(t, o.loc).at.Unix())
	for {
		start, ok := o.rule.start(n)
		if !ok || t.Before(o.span(start).from) {
			return n
		}
		n++
	}
}

// add adds the event's shifts at t to what is seen.
func (o *occasion) add(v view, t time.Time) view {
	if !o.life.has(t) {
		if t.Before(o.life.from) {
			v.to = earlier(v.to, o.life.from)
		} else {
			v.from = later(v.from, o.life.to)
		}
		return v
	}
	v.from, v.to = later(v.from, o.life.from), earlier(v.to, o.life.to)
	n := o.begun(t)
	if start, ok := o.rule.start(n); ok {
		v.to = earlier(v.to, o.span(start).from)
	}
	for k := n - 1; k >= 0; k-- {
		start, ok := o.rule.start(k)
		if !ok {
			break
		}
		// Shifts end in the order in which they begin.
		span := o.span(start)
		if v = o.see(v, span, t, o.rule.taken(start), k); !t.Before(span.to) {
			break
		}
	}
	for _, x := range o.rule.added {
		v = o.see(v, o.span(x), t, true, max(o.rule.upTo(x)-1, 0))
	}
	return v
}

// see narrows the view by one shift, and adds it where it has t.
func (o *occasion) see(v view, span stretch, t time.Time, taken bool, k int) view {
	switch {
	case t.Before(span.from):
		v.to = earlier(v.to, span.from)
	case !t.Before(span.to):
		v.from = later(v.from, span.to)
	default:
		v.from, v.to = later(v.from, span.from), earlier(v.to, span.to)
		if taken {
			for _, user := range o.event.takers(k) {
				s := span.within(o.life)
				s.user = user
				v.on = append(v.on, s)
			}
		}
	}
	return v
}
