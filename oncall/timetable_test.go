package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

var workdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}

func TestTimetable(t *testing.T) {
	office := oncall.TimetableOf("Europe/Madrid", clock(9, 0), clock(17, 30), workdays...)
	nights := oncall.TimetableOf("Europe/Madrid", clock(22, 0), clock(7, 0), 0, 1, 2, 3, 4, 5, 6)
	tests := []struct {
		name   string
		hours  oncall.Timetable
		at     string
		inside bool
		next   string
	}{
		{"in the office", office, "2026-03-02T10:00:00+01:00", true, "2026-03-02T17:30:00+01:00"},
		{"from the first moment", office, "2026-03-02T09:00:00+01:00", true, "2026-03-02T17:30:00+01:00"},
		{"not at the last", office, "2026-03-02T17:30:00+01:00", false, "2026-03-03T09:00:00+01:00"},
		{"over the weekend of the change", office, "2026-03-27T18:00:00+01:00", false, "2026-03-30T09:00:00+02:00"},
		{"a night", nights, "2026-03-02T23:00:00+01:00", true, "2026-03-03T07:00:00+01:00"},
		{"the morning of it", nights, "2026-03-03T06:59:59+01:00", true, "2026-03-03T07:00:00+01:00"},
		{"the short night", nights, "2026-03-28T23:00:00+01:00", true, "2026-03-29T07:00:00+02:00"},
		{"the day", nights, "2026-03-29T07:00:00+02:00", false, "2026-03-29T22:00:00+02:00"},
		{"no hours", oncall.Timetable{}, "2026-03-29T07:00:00+02:00", false, ""},
		{"all hours", oncall.TimetableOf("UTC", 0, 0, 0, 1, 2, 3, 4, 5, 6), "2026-03-29T07:00:00Z", true, ""},
		{"bad windows do not count", oncall.Timetable{TimeZone: "UTC", Windows: []oncall.Restriction{{Cycle: "x"}}}, "2026-03-29T07:00:00Z", false, ""},
		{"a vanished zone is UTC", oncall.TimetableOf("Europe/Atlantis", clock(9, 0), clock(17, 0), workdays...), "2026-03-02T16:59:00Z", true, "2026-03-02T17:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inside, next := tt.hours.At(at(t, tt.at))
			var want time.Time
			if tt.next != "" {
				want = at(t, tt.next)
			}
			if inside != tt.inside || !next.Equal(want) {
				t.Errorf("inside %t until %s, want %t until %s", inside, next, tt.inside, want)
			}
		})
	}
}

func TestUrgencyBySupportHours(t *testing.T) {
	rule := oncall.UrgencyHours{Hours: oncall.TimetableOf("America/New_York", clock(8, 0), clock(20, 0), workdays...), Inside: "high", Outside: "low"}
	type said struct{ urgency, next string }
	ask := func(r oncall.UrgencyHours, moment string) said {
		u, next := r.At(at(t, moment))
		if next.IsZero() {
			return said{u, ""}
		}
		return said{u, next.Format(time.RFC3339)}
	}
	same := rule
	same.Inside = "low"
	odd := rule
	odd.Outside = "medium"
	for name, c := range map[string]struct{ got, want said }{
		"inside":                     {ask(rule, "2026-03-06T09:00:00-05:00"), said{"high", "2026-03-07T01:00:00Z"}},
		"outside, over the change":   {ask(rule, "2026-03-06T21:00:00-05:00"), said{"low", "2026-03-09T12:00:00Z"}},
		"the same never changes":     {ask(same, "2026-03-06T21:00:00-05:00"), said{"low", ""}},
		"an unknown urgency is high": {ask(odd, "2026-03-06T21:00:00-05:00"), said{"high", ""}},
		"no hours: always outside":   {ask(oncall.UrgencyHours{Inside: "high", Outside: "low"}, "2026-03-06T21:00:00-05:00"), said{"low", ""}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	check(t, rule.Validate(), refusal{})
	check(t, odd.Validate(), refusal{"outside", "unknown_urgency", `"medium"`})
	rule.Hours.Windows[4].Length = 0
	check(t, rule.Validate(), refusal{"hours.windows[4].length", "bad_length", "Support hours: Window 5: "})
	check(t, oncall.Timetable{TimeZone: "UTC"}.Validate(), refusal{"windows", "bad_windows", "1 to 50"})
	check(t, oncall.Timetable{TimeZone: "UTC", Windows: slices.Repeat([]oncall.Restriction{daily(9, 0, time.Hour)}, 51)}.Validate(), refusal{"windows", "bad_windows", "these have 51"})
	check(t, oncall.Timetable{TimeZone: "Mars"}.Validate(), refusal{"time_zone", "unknown_time_zone", "Mars"})
}

func TestHush(t *testing.T) {
	// now is 02:00 in UTC; the night ends at 07:00.
	nights := oncall.TimetableOf("UTC", clock(22, 0), clock(7, 0), 0, 1, 2, 3, 4, 5, 6)
	morning := in(5 * 60)
	rungs := []oncall.Rung{pushAt(0), pushAt(5), {Method: oncall.Email, At: in(6)}, pushAt(6 * 60)}
	tests := []struct {
		name    string
		urgency string
		quiet   oncall.Timetable
		want    []oncall.Rung
	}{
		{"low waits for the morning, once by each way", "low", nights, []oncall.Rung{{Method: oncall.Push, At: morning}, {Method: oncall.Email, At: morning}, pushAt(6 * 60)}},
		{"high does not", "high", nights, rungs},
		{"no quiet hours", "low", oncall.Timetable{}, rungs},
		{"quiet without end is no quiet", "low", oncall.TimetableOf("UTC", 0, 0, 0, 1, 2, 3, 4, 5, 6), rungs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, oncall.Hush(rungs, tt.urgency, tt.quiet)); diff != "" {
				t.Error(diff)
			}
			if !rungs[0].At.Equal(now) {
				t.Fatal("the rungs given were changed")
			}
		})
	}
}
