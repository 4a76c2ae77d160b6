package oncall

import (
	"fmt"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Timetable is a set of hours of the week on a zone's wall: a service's support
// hours, a person's quiet hours. Over changes of the clock they behave as
// restrictions do. The zero value has no hours.
type Timetable struct {
	TimeZone string        `json:"time_zone"`
	Windows  []Restriction `json:"windows"`
}

// TimetableOf has the hours from one time of day to another on these days; to the
// next day's where the end is not after the beginning.
func TimetableOf(zone string, from, to time.Duration, days ...time.Weekday) Timetable {
	length := to - from
	if length <= 0 {
		length += 24 * time.Hour
	}
	h := Timetable{TimeZone: zone}
	for _, d := range days {
		h.Windows = append(h.Windows, Restriction{Cycle: Weekly, Day: d, Start: from, Length: length})
	}
	return h
}

// Validate refuses hours of no zone or no time, and windows as
// [Restriction.Validate] does.
func (t Timetable) Validate() error {
	if _, err := zone(t.TimeZone); err != nil {
		return err
	}
	if len(t.Windows) == 0 || len(t.Windows) > MaxRestrictions {
		return fault.Field("windows", "bad_windows", "Hours need from 1 to %d windows, these have %d.", MaxRestrictions, len(t.Windows))
	}
	for k, w := range t.Windows {
		if err := w.Validate(); err != nil {
			return under(fmt.Sprintf("windows[%d].", k), fmt.Sprintf("Window %d: ", k+1), err)
		}
	}
	return nil
}

// At reports whether the moment is inside, and when that changes next; zero is
// never. A zone that no longer exists is read in UTC; windows that Validate
// refuses do not count.
func (t Timetable) At(now time.Time) (inside bool, next time.Time) {
	loc, err := zone(t.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	sound := slices.DeleteFunc(slices.Clone(t.Windows), func(r Restriction) bool { return r.Validate() != nil })
	if len(sound) == 0 {
		return false, time.Time{}
	}
	windows := windowsOf(sound)
	if len(windows) == 0 {
		return true, time.Time{} // they leave nothing out
	}
	s := restricted{turns: turns{layer: Layer{Users: []string{"inside"}}, loc: loc}, windows: windows}.at(now)
	return s.user != "", utc(s.to)
}

// UrgencyHours is an urgency rule by support hours. Urgencies are "high" and
// "low".
type UrgencyHours struct {
	Hours   Timetable `json:"hours"`
	Inside  string    `json:"inside"`
	Outside string    `json:"outside"`
}

// Validate refuses unknown urgencies, and hours as [Timetable.Validate] does.
func (u UrgencyHours) Validate() error {
	for field, urgency := range map[string]string{"inside": u.Inside, "outside": u.Outside} {
		if urgency != "high" && urgency != "low" {
			return fault.Field(field, "unknown_urgency", "The urgency %s the support hours is high or low, not %q.", field, urgency)
		}
	}
	if err := u.Hours.Validate(); err != nil {
		return under("hours.", "Support hours: ", err)
	}
	return nil
}

// At gives the urgency at a moment, and when it changes next; zero is never.
// An unknown urgency counts as high: better woken than missed.
func (u UrgencyHours) At(now time.Time) (urgency string, next time.Time) {
	inside, next := u.Hours.At(now)
	in, out := soundUrgency(u.Inside), soundUrgency(u.Outside)
	if in == out {
		return in, time.Time{}
	}
	if inside {
		return in, next
	}
	return out, next
}

func soundUrgency(u string) string {
	if u == "low" {
		return u
	}
	return "high"
}

// Hush puts off what would ring in a person's quiet hours until they are over;
// high urgency is never put off, and hours without end hush nothing: a page is
// late, but it comes. What then falls together is one, as in [Rungs].
func Hush(rungs []Rung, urgency string, quiet Timetable) []Rung {
	if urgency != "low" {
		return rungs
	}
	out := slices.Clone(rungs)
	for k, r := range out {
		if inside, over := quiet.At(r.At); inside && !over.IsZero() {
			out[k].At = over
		}
	}
	return sparse(out)
}
