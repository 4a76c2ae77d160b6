package ical

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/nightbell/nightbell/oncall"
)

// reader is one calendar being read.
type reader struct {
	home    *time.Location
	zone    string
	out     Import
	changed []change
}

// change is an occurrence of a series that has an event of its own.
type change struct {
	uid string
	at  time.Time
}

// moment is a time as the calendar gives it.
type moment struct {
	at   time.Time
	zone string // IANA; empty for the schedule's own
	day  bool   // a whole day: only the date was given
}

func (r *reader) shift(e *ics.VEvent) (Shift, error) {
	start := e.GetProperty(ics.ComponentPropertyDtStart)
	if start == nil {
		return Shift{}, errors.New("it has no DTSTART")
	}
	from, err := r.moment(&start.BaseProperty, start.Value)
	if err != nil {
		return Shift{}, err
	}
	to, err := r.end(e, from)
	if err != nil {
		return Shift{}, err
	}
	s := Shift{Event: oncall.Event{Start: from.at.UTC(), End: to.UTC(), TimeZone: from.zone, Strategy: oncall.Every}}
	if s.Event.Recurrence, err = r.recurrence(e, from); err != nil {
		return Shift{}, err
	}
	for _, p := range e.GetProperties(ics.ComponentPropertyAttendee) {
		address := strings.ToLower(p.Value)
		if mail, ok := strings.CutPrefix(address, "mailto:"); ok && len(s.Emails) < oncall.MaxUsers {
			s.Emails = append(s.Emails, clip(mail))
		}
	}
	return s, nil
}

// end is DTEND, or the start and its DURATION, or the end of the day.
func (r *reader) end(e *ics.VEvent, from moment) (time.Time, error) {
	if p := e.GetProperty(ics.ComponentPropertyDtEnd); p != nil {
		to, err := r.moment(&p.BaseProperty, p.Value)
		return to.at, err
	}
	if text := value(e, ics.ComponentPropertyDuration); text != "" {
		return after(from.at, text)
	}
	if from.day {
		return from.at.AddDate(0, 0, 1), nil
	}
	return time.Time{}, errors.New("it has no end: neither DTEND nor DURATION")
}

var durationForm = regexp.MustCompile(`^\+?P(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?$`)

// after adds a duration; its weeks and days are of the calendar.
func after(t time.Time, duration string) (time.Time, error) {
	m := durationForm.FindStringSubmatch(duration)
	if m == nil {
		return time.Time{}, fmt.Errorf("its DURATION %q is none that shifts have", clip(duration))
	}
	var n [5]int
	for k := range n {
		n[k], _ = strconv.Atoi(m[k+1]) // what is not there is 0
	}
	t = t.AddDate(0, 0, 7*n[0]+n[1])
	return t.Add(time.Duration(n[2])*time.Hour + time.Duration(n[3])*time.Minute + time.Duration(n[4])*time.Second), nil
}

// moment reads a DATE or DATE-TIME by its own parameters.
func (r *reader) moment(p *ics.BaseProperty, text string) (moment, error) {
	m := moment{day: len(text) == len(dateForm)}
	loc, form := r.home, timeForm
	switch tz := p.ICalParameters["TZID"]; {
	case m.day:
		form = dateForm
	case strings.HasSuffix(text, "Z"):
		loc, m.zone, text = time.UTC, "UTC", strings.TrimSuffix(text, "Z")
	case len(tz) > 0:
		var err error
		if loc, err = location(tz[0]); err != nil {
			return m, fmt.Errorf("its time zone %q is none that is known here (IANA)", clip(tz[0]))
		}
		m.zone = loc.String()
	}
	var err error
	if m.at, err = time.ParseInLocation(form, text, loc); err != nil {
		return m, fmt.Errorf("%q is no date with a time", clip(text))
	}
	return m, nil
}

const (
	dateForm = "20060102"
	timeForm = "20060102T150405"
)

// location finds a zone by its IANA name, also where a program has put its own
// prefix before it.
func location(name string) (*time.Location, error) {
	name = strings.Trim(name, `"`)
	for rest := name; ; {
		if rest == "" || rest == "Local" {
			return nil, errors.New("no zone")
		}
		if loc, err := time.LoadLocation(rest); err == nil {
			return loc, nil
		}
		_, after, more := strings.Cut(rest, "/")
		if !more {
			return nil, errors.New("no zone")
		}
		rest = after
	}
}

// recurrence gives the event's rule and dates as oncall reads them: in the
// event's own zone.
func (r *reader) recurrence(e *ics.VEvent, from moment) ([]string, error) {
	var lines []string
	rules := e.GetProperties(ics.ComponentPropertyRrule)
	if len(rules) > 1 || len(e.GetProperties(ics.ComponentPropertyExrule)) > 0 {
		return nil, errors.New("it has several rules, or rules for what is not; one RRULE can be read")
	}
	for _, p := range rules {
		lines = append(lines, "RRULE:"+p.Value)
	}
	where := r.home
	if from.zone != "" {
		where, _ = location(from.zone) // it was found before
	}
	for name, all := range map[string][]*ics.IANAProperty{
		"EXDATE": e.GetProperties(ics.ComponentPropertyExdate), "RDATE": e.GetProperties(ics.ComponentPropertyRdate),
	} {
		var found []string
		for _, p := range all {
			for one := range strings.SplitSeq(p.Value, ",") {
				m, err := r.moment(&p.BaseProperty, one)
				if err != nil {
					return nil, fmt.Errorf("in its %s, %w", name, err)
				}
				if m.day { // the occurrence of that day
					h, mi, s := from.at.Clock()
					y, mo, d := m.at.Date()
					m.at = time.Date(y, mo, d, h, mi, s, 0, where)
				}
				found = append(found, local(m.at, where))
			}
		}
		lines = append(lines, dates(name, found)...)
	}
	return lines, nil
}

func (r *reader) locationOf(e oncall.Event) *time.Location {
	if e.TimeZone == "" {
		return r.home
	}
	loc, err := location(e.TimeZone)
	if err != nil {
		return r.home
	}
	return loc
}

func local(t time.Time, where *time.Location) string { return t.In(where).Format(timeForm) }

// dates writes dates, some on each line.
func dates(name string, all []string) []string {
	const some = 20
	var lines []string
	for len(all) > 0 {
		n := min(some, len(all))
		lines = append(lines, name+":"+strings.Join(all[:n], ","))
		all = all[n:]
	}
	return lines
}
