package ical

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
)

// Bounds of a calendar that is read.
const (
	MaxBytes  = 1 << 20
	MaxEvents = 1000
	maxText   = 200 // characters of a name that is kept
)

// Import is what a calendar says about shifts.
type Import struct {
	Name   string // the calendar's own, if it has one
	Shifts []Shift
	// Skipped is what could not be carried over. Nothing is dropped without
	// being listed here.
	Skipped []Skipped
}

// Shift is one event of the calendar. Its Event has a name, no id, and no
// members yet: who they are must be found out by Emails, or by the name.
type Shift struct {
	UID    string
	Event  oncall.Event
	Emails []string // of those who attend, lower-case, without "mailto:"
}

// Skipped is an event that could not be carried over, and why.
type Skipped struct {
	UID  string
	Name string
	Why  string
}

// Decode reads a calendar. Times without a zone, and whole days, are read in
// the zone (an IANA name). A single changed occurrence becomes a shift of its
// own and is taken out of its series. What is no calendar, or too large a one,
// is refused with bad_calendar.
func Decode(data []byte, zone string) (Import, error) {
	home, err := location(zone)
	if err != nil {
		return Import{}, fault.Field("time_zone", "unknown_time_zone", "There is no time zone %q; use an IANA name such as Europe/Madrid or UTC.", clip(zone))
	}
	if len(data) > MaxBytes {
		return Import{}, errCalendar("The calendar has more than %d bytes; export a shorter stretch of time.", MaxBytes)
	}
	cal, err := ics.ParseCalendarWithOptions(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))), ics.WithUnknownPropertyHandler(ics.AcceptUnknownPropertyHandler))
	if err != nil {
		return Import{}, errCalendar("This is no calendar (RFC 5545): %s.", clip(err.Error()))
	}
	events := cal.Events()
	if len(cal.Components) == 0 && len(cal.CalendarProperties) == 0 {
		return Import{}, errCalendar("This is no calendar (RFC 5545): it does not begin with BEGIN:VCALENDAR.")
	}
	if len(events) > MaxEvents {
		return Import{}, errCalendar("The calendar has %d events; %d can be read at once.", len(events), MaxEvents)
	}
	r := reader{home: home, zone: zone}
	for _, p := range cal.CalendarProperties {
		if p.IANAToken == string(ics.PropertyXWRCalName) {
			r.out.Name = clip(p.Value)
		}
	}
	for _, e := range events {
		r.event(e)
	}
	r.finish()
	return r.out, nil
}

func errCalendar(format string, args ...any) error {
	return fault.New(fault.Invalid, "bad_calendar", format, args...)
}

// event reads one event and keeps it, or says why not.
func (r *reader) event(e *ics.VEvent) {
	uid, name := value(e, ics.ComponentPropertyUniqueId), value(e, ics.ComponentPropertySummary)
	s, err := r.shift(e)
	if err != nil {
		r.skip(uid, name, err)
		return
	}
	s.UID, s.Event.Name = clip(uid), clip(name)
	single := e.GetProperty(ics.ComponentPropertyRecurrenceId)
	cancelled := strings.EqualFold(value(e, ics.ComponentPropertyStatus), string(ics.ObjectStatusCancelled))
	if single != nil {
		if len(single.ICalParameters["RANGE"]) > 0 {
			r.skip(uid, name, errors.New("it changes all later occurrences of its series; export the series as two"))
			return
		}
		at, err := r.moment(&single.BaseProperty, single.Value)
		if err != nil {
			r.skip(uid, name, err)
			return
		}
		r.changed = append(r.changed, change{uid: s.UID, at: at.at})
	}
	switch {
	case cancelled && single != nil: // taken out of its series, and that is all
	case cancelled:
		r.skip(uid, name, errors.New("it was cancelled"))
	default:
		r.out.Shifts = append(r.out.Shifts, s)
	}
}

// finish takes changed occurrences out of their series, and asks oncall about
// everything.
func (r *reader) finish() {
	for k := range r.out.Shifts {
		s := &r.out.Shifts[k]
		if len(s.Event.Recurrence) > 0 {
			var gone []string
			for _, c := range r.changed {
				if c.uid == s.UID {
					gone = append(gone, local(c.at, r.locationOf(s.Event)))
				}
			}
			s.Event.Recurrence = append(s.Event.Recurrence, dates("EXDATE", gone)...)
		}
	}
	var sound []Shift
	for _, s := range r.out.Shifts {
		if err := s.Event.Validate(r.zone); err != nil {
			r.skip(s.UID, s.Event.Name, err)
			continue
		}
		sound = append(sound, s)
	}
	r.out.Shifts = sound
}

func (r *reader) skip(uid, name string, why error) {
	said := why.Error()
	var f *fault.Error
	if errors.As(why, &f) {
		said = f.Message
	}
	r.out.Skipped = append(r.out.Skipped, Skipped{UID: clip(uid), Name: clip(name), Why: said})
}

func value(e *ics.VEvent, name ics.ComponentProperty) string {
	if p := e.GetProperty(name); p != nil {
		return p.Value
	}
	return ""
}

// clip makes one short line of a text from outside.
func clip(s string) string {
	s = strings.Join(strings.Fields(text(s)), " ")
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText]) + "…"
	}
	return s
}
