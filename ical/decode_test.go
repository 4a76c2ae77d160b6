package ical_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/ical"
	"github.com/nightbell/nightbell/oncall"
)

// calendar wraps events, each given as its lines.
func calendar(events ...string) []byte {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:Nights\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\n" + strings.ReplaceAll(e, "\n", "\r\n") + "\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return []byte(b.String())
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name   string
		events []string
		want   []oncall.Event
		emails []string
	}{
		{"in a zone, with a rule", []string{"UID:1\nSUMMARY:Ana\\, nights\nDTSTART;TZID=Europe/Madrid:20260105T090000\nDTEND;TZID=Europe/Madrid:20260105T170000\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=Europe/Madrid:20260112T090000\nATTENDEE;CN=Ana:MAILTO:Ana@example.com\nATTENDEE:urn:uuid:1"},
			[]oncall.Event{{Name: "Ana, nights", Start: moment(t, "2026-01-05T08:00:00Z"), End: moment(t, "2026-01-05T16:00:00Z"), TimeZone: "Europe/Madrid",
				Recurrence: []string{"RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE:20260112T090000"}}}, []string{"ana@example.com"}},
		{"in UTC, by a duration", []string{"UID:1\nDTSTART:20260105T090000Z\nDURATION:P1DT2H30M"},
			[]oncall.Event{{Start: moment(t, "2026-01-05T09:00:00Z"), End: moment(t, "2026-01-06T11:30:00Z"), TimeZone: "UTC"}}, nil},
		{"floating: in the schedule's zone", []string{"UID:1\nDTSTART:20260705T090000\nDTEND:20260705T100000"},
			[]oncall.Event{{Start: moment(t, "2026-07-05T13:00:00Z"), End: moment(t, "2026-07-05T14:00:00Z")}}, nil},
		{"whole days, over the change of the clock", []string{"UID:1\nDTSTART;VALUE=DATE:20260307\nDTEND;VALUE=DATE:20260309\nRRULE:FREQ=WEEKLY\nEXDATE;VALUE=DATE:20260314\nRDATE;VALUE=DATE:20260311"},
			[]oncall.Event{{Start: moment(t, "2026-03-07T05:00:00Z"), End: moment(t, "2026-03-09T04:00:00Z"),
				Recurrence: []string{"RRULE:FREQ=WEEKLY", "EXDATE:20260314T000000", "RDATE:20260311T000000"}}}, nil},
		{"a whole day without an end", []string{"UID:1\nDTSTART;VALUE=DATE:20260105"},
			[]oncall.Event{{Start: moment(t, "2026-01-05T05:00:00Z"), End: moment(t, "2026-01-06T05:00:00Z")}}, nil},
		{"a zone behind a prefix", []string{"UID:1\nDTSTART;TZID=/mozilla.org/20050126_1/America/Argentina/Salta:20260105T090000\nDURATION:PT1H"},
			[]oncall.Event{{Start: moment(t, "2026-01-05T12:00:00Z"), End: moment(t, "2026-01-05T13:00:00Z"), TimeZone: "America/Argentina/Salta"}}, nil},
		{"dates in another zone than the event's", []string{"UID:1\nDTSTART;TZID=Europe/Madrid:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:20260106T080000Z,20260107T080000Z"},
			[]oncall.Event{{Start: moment(t, "2026-01-05T08:00:00Z"), End: moment(t, "2026-01-05T09:00:00Z"), TimeZone: "Europe/Madrid",
				Recurrence: []string{"RRULE:FREQ=DAILY", "EXDATE:20260106T090000,20260107T090000"}}}, nil},
		{"an occurrence that was moved, and one that was cancelled", []string{
			"UID:1\nDTSTART;TZID=Europe/Madrid:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY",
			"UID:1\nRECURRENCE-ID;TZID=Europe/Madrid:20260106T090000\nDTSTART;TZID=Europe/Madrid:20260106T120000\nDURATION:PT2H",
			"UID:1\nRECURRENCE-ID:20260107T080000Z\nSTATUS:CANCELLED\nDTSTART:20260107T080000Z\nDURATION:PT1H",
		}, []oncall.Event{
			{Start: moment(t, "2026-01-05T08:00:00Z"), End: moment(t, "2026-01-05T09:00:00Z"), TimeZone: "Europe/Madrid",
				Recurrence: []string{"RRULE:FREQ=DAILY", "EXDATE:20260106T090000,20260107T090000"}},
			{Start: moment(t, "2026-01-06T11:00:00Z"), End: moment(t, "2026-01-06T13:00:00Z"), TimeZone: "Europe/Madrid"},
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ical.Decode(append([]byte("\xef\xbb\xbf"), calendar(tt.events...)...), "America/New_York")
			if err != nil {
				t.Fatal(err)
			}
			want := ical.Import{Name: "Nights"}
			for _, e := range tt.want {
				e.Strategy = oncall.Every
				want.Shifts = append(want.Shifts, ical.Shift{UID: "1", Event: e, Emails: tt.emails})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestADecodedSeriesIsRead by oncall as the calendar meant it.
func TestADecodedSeriesIsRead(t *testing.T) {
	got, err := ical.Decode(calendar(
		"UID:1\nDTSTART;TZID=Europe/Madrid:20260326T230000\nDTEND;TZID=Europe/Madrid:20260327T070000\nRRULE:FREQ=DAILY",
		"UID:1\nRECURRENCE-ID;TZID=Europe/Madrid:20260327T230000\nDTSTART;TZID=Europe/Madrid:20260328T000000\nDTEND;TZID=Europe/Madrid:20260328T070000",
	), "UTC")
	if err != nil {
		t.Fatal(err)
	}
	s := oncall.Schedule{TimeZone: "UTC", Rotations: []oncall.Rotation{{}}}
	for _, shift := range got.Shifts {
		shift.Event.Members = []string{"ana"}
		s.Rotations[0].Events = append(s.Rotations[0].Events, shift.Event)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	shifts, err := s.Shifts(moment(t, "2026-03-27T12:00:00Z"), moment(t, "2026-03-30T12:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, x := range shifts {
		said = append(said, x.From.Format("02 15:04 > ")+x.To.Format("02 15:04"))
	}
	if diff := cmp.Diff([]string{"27 23:00 > 28 06:00", "28 22:00 > 29 05:00", "29 21:00 > 30 05:00"}, said); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsDroppedSilently(t *testing.T) {
	const sound = "\nDTSTART:20260105T090000Z\nDURATION:PT1H"
	for event, why := range map[string]string{
		"DURATION:PT1H":                   "no DTSTART",
		"DTSTART:20260105T090000Z":        "no end",
		"DTSTART:tomorrow\nDURATION:PT1H": "no date with a time",
		"DTSTART;TZID=W. Europe Standard Time:20260105T090000\nDURATION:PT1H": `"W. Europe Standard Time" is none`,
		"DTSTART;TZID=Local:20260105T090000\nDURATION:PT1H":                   `"Local" is none`,
		"DTSTART:20260105T090000Z\nDURATION:-PT1H":                            "DURATION",
		"DTSTART:20260105T090000Z\nDTEND:20260105T090000Z":                    "later end",
		"RRULE:FREQ=SECONDLY" + sound:                                         "too often",
		"RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY" + sound:                         "several rules",
		"EXRULE:FREQ=DAILY\nRRULE:FREQ=DAILY" + sound:                         "several rules",
		"RRULE:FREQ=DAILY\nRDATE;VALUE=PERIOD:20260105T090000Z/PT1H" + sound:  "in its RDATE",
		"STATUS:CANCELLED" + sound:                                            "cancelled",
		"RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T090000Z" + sound:          "all later occurrences",
		"RECURRENCE-ID:never" + sound:                                         "no date with a time",
	} {
		got, err := ical.Decode(calendar("UID:1\nSUMMARY:Ana\n"+event), "UTC")
		if err != nil || len(got.Shifts) != 0 || len(got.Skipped) != 1 {
			t.Errorf("%q: %+v, %v", event, got, err)
			continue
		}
		if s := got.Skipped[0]; s.UID != "1" || s.Name != "Ana" || !strings.Contains(s.Why, why) {
			t.Errorf("%q: skipped as %+v, want %q", event, s, why)
		}
	}
}

func TestWhatIsNoCalendar(t *testing.T) {
	many := make([]string, ical.MaxEvents+1)
	for k := range many {
		many[k] = fmt.Sprintf("UID:%d", k)
	}
	for name, c := range map[string]struct {
		data       []byte
		zone, code string
	}{
		"nothing":         {nil, "UTC", "bad_calendar"},
		"a page":          {[]byte("<html>"), "UTC", "bad_calendar"},
		"half of one":     {[]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1"), "UTC", "bad_calendar"},
		"too large":       {make([]byte, ical.MaxBytes+1), "UTC", "bad_calendar"},
		"too many events": {calendar(many...), "UTC", "bad_calendar"},
		"no zone":         {calendar(), "Mars", "unknown_time_zone"},
	} {
		_, err := ical.Decode(c.data, c.zone)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// FuzzDecode: any bytes are refused with a sentence, or give shifts that oncall
// accepts and can be asked about.
func FuzzDecode(f *testing.F) {
	f.Add(calendar("UID:1\nSUMMARY:Ana\nDTSTART;TZID=Europe/Madrid:20260105T090000\nDURATION:PT8H\nRRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE:20260112T080000Z"))
	f.Add(calendar("UID:1\nDTSTART;VALUE=DATE:20260105\nRRULE:FREQ=MONTHLY", "UID:1\nRECURRENCE-ID;VALUE=DATE:20260205\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20260205"))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\nX:1\nBEGIN:VEVENT\nDTSTART\n :2026\nEND:VEVENT\nEND:VCALENDAR"))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTENDEE;CN=\"a;b\":mailto:a@b\nDTSTART;TZID=\"/x/UTC\":20260105T090000\nDURATION:P1W\nEND:VEVENT\nEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ical.Decode(data, "Australia/Lord_Howe")
		if err != nil {
			var refusal *fault.Error
			if !errors.As(err, &refusal) || refusal.Message == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		s := oncall.Schedule{TimeZone: "Australia/Lord_Howe", Rotations: []oncall.Rotation{{}}}
		for _, shift := range got.Shifts {
			if err := shift.Event.Validate(s.TimeZone); err != nil {
				t.Fatalf("%+v is given and not sound: %v", shift, err)
			}
			shift.Event.Members = []string{"ana"}
			s.Rotations[0].Events = append(s.Rotations[0].Events, shift.Event)
		}
		if _, err := s.Shifts(time.Unix(1_780_000_000, 0), time.Unix(1_781_000_000, 0)); err != nil && len(got.Shifts) <= oncall.MaxEvents {
			t.Fatal(err)
		}
		for _, skipped := range got.Skipped {
			if skipped.Why == "" {
				t.Fatalf("%+v has no reason", skipped)
			}
		}
	})
}
