package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

// at reads a moment with its zone's offset.
func at(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rotation is a schedule of one layer.
func rotation(zone string, start time.Time, turn int, unit oncall.TurnUnit, users ...string) oncall.Schedule {
	return oncall.Schedule{ID: "sch_1", Name: "Nights", TimeZone: zone, Layers: []oncall.Layer{
		{ID: "lay_1", Users: users, Start: start, Turn: turn, Unit: unit},
	}}
}

// TestHandOffsOverClockChanges: the hand-off stands on the wall clock. Where
// the clock is put forward over it, it happens when the gap ends; where the
// clock is put back over it, at the first of the two.
func TestHandOffsOverClockChanges(t *testing.T) {
	tests := []struct {
		name  string
		zone  string
		start string
		unit  oncall.TurnUnit
		turn  int
		want  []string // the hand-offs after the start, UTC
	}{
		{"Madrid, spring, in the gap", "Europe/Madrid", "2026-03-27T02:30:00+01:00", oncall.Days, 1,
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		{"Madrid, autumn, in the overlap", "Europe/Madrid", "2026-10-23T02:30:00+02:00", oncall.Days, 1,
			[]string{"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"Madrid, starting in the second of the two", "Europe/Madrid", "2026-10-25T02:30:00+01:00", oncall.Days, 1,
			[]string{"2026-10-26T01:30:00Z", "2026-10-27T01:30:00Z"}},
		{"Madrid, hours are elapsed", "Europe/Madrid", "2026-03-28T12:00:00+01:00", oncall.Hours, 12,
			[]string{"2026-03-28T23:00:00Z", "2026-03-29T11:00:00Z", "2026-03-29T23:00:00Z"}},
		{"New York, weeks keep their hour", "America/New_York", "2026-03-02T09:00:00-05:00", oncall.Weeks, 1,
			[]string{"2026-03-09T13:00:00Z", "2026-03-16T13:00:00Z"}},
		{"New York, autumn, in the overlap", "America/New_York", "2026-10-30T01:30:00-04:00", oncall.Days, 1,
			[]string{"2026-10-31T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
		{"Sydney, in the gap", "Australia/Sydney", "2026-10-02T02:30:00+10:00", oncall.Days, 1,
			[]string{"2026-10-02T16:30:00Z", "2026-10-03T16:00:00Z", "2026-10-04T15:30:00Z"}},
		{"Lord Howe, a gap of half an hour", "Australia/Lord_Howe", "2026-10-02T02:15:00+10:30", oncall.Days, 1,
			[]string{"2026-10-02T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
		{"Lord Howe, an overlap of half an hour", "Australia/Lord_Howe", "2026-04-03T01:45:00+11:00", oncall.Days, 1,
			[]string{"2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
		{"São Paulo, no midnight", "America/Sao_Paulo", "2018-11-02T00:00:00-03:00", oncall.Days, 1,
			[]string{"2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
		{"São Paulo, an evening twice", "America/Sao_Paulo", "2018-02-15T23:30:00-02:00", oncall.Days, 1,
			[]string{"2018-02-17T01:30:00Z", "2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"}},
		{"New York, spring, in the gap", "America/New_York", "2026-03-06T02:30:00-05:00", oncall.Days, 1,
			[]string{"2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
		{"Sydney, weeks, in the gap", "Australia/Sydney", "2026-09-27T02:30:00+10:00", oncall.Weeks, 1,
			[]string{"2026-10-03T16:00:00Z", "2026-10-10T15:30:00Z"}},
		{"Sydney, weeks, in the overlap", "Australia/Sydney", "2026-03-29T02:30:00+11:00", oncall.Weeks, 1,
			[]string{"2026-04-04T15:30:00Z", "2026-04-11T16:30:00Z"}},
		{"Lord Howe, weeks keep their hour", "Australia/Lord_Howe", "2026-09-28T02:15:00+10:30", oncall.Weeks, 1,
			[]string{"2026-10-04T15:15:00Z", "2026-10-11T15:15:00Z"}},
		{"Lord Howe, hours are elapsed over the overlap", "Australia/Lord_Howe", "2026-04-04T22:00:00+11:00", oncall.Hours, 3,
			[]string{"2026-04-04T14:00:00Z", "2026-04-04T17:00:00Z"}},
		{"São Paulo, weeks, no midnight", "America/Sao_Paulo", "2018-10-28T00:00:00-03:00", oncall.Weeks, 1,
			[]string{"2018-11-04T03:00:00Z", "2018-11-11T02:00:00Z"}},
		{"São Paulo, hours are elapsed over the gap", "America/Sao_Paulo", "2018-11-03T22:00:00-03:00", oncall.Hours, 2,
			[]string{"2018-11-04T03:00:00Z", "2018-11-04T05:00:00Z"}},
		{"Apia, a day that never was", "Pacific/Apia", "2011-12-28T09:00:00-10:00", oncall.Days, 1,
			[]string{"2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"}},
		{"Apia, at the midnight of that day: a turn of no length", "Pacific/Apia", "2011-12-28T00:00:00-10:00", oncall.Days, 1,
			[]string{"2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := at(t, tt.start)
			last := at(t, tt.want[len(tt.want)-1])
			shifts, err := rotation(tt.zone, start, tt.turn, tt.unit, "ana", "ben", "cleo").Shifts(start, last.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range shifts[1:] {
				got = append(got, s.From.Format(time.RFC3339))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATurnOfNoLengthIsPassedOver(t *testing.T) {
	s := rotation("Pacific/Apia", at(t, "2011-12-28T00:00:00-10:00"), 1, oncall.Days, "ana", "ben", "cleo", "dan")
	// The 30th began and ended at the same moment: Cleo's turn was nothing.
	if got := s.OnCall(at(t, "2011-12-31T00:00:00+14:00")); len(got) != 1 || got[0].UserID != "dan" {
		t.Errorf("on call %v, want dan", got)
	}
}

func TestOnCallTellsWhoAndUntilWhen(t *testing.T) {
	start := at(t, "2026-01-05T09:00:00Z")
	three := rotation("UTC", start, 1, oncall.Weeks, "ana", "ben", "cleo")
	ended := three
	ended.Layers = slices.Clone(three.Layers)
	ended.Layers[0].Until = at(t, "2026-01-20T00:00:00Z")
	alone := rotation("UTC", start, 1, oncall.Days, "ana", "ana")
	tests := []struct {
		name string
		s    oncall.Schedule
		at   string
		want []oncall.Shift
	}{
		{"nobody before the start", three, "2026-01-05T08:59:59.999999Z", nil},
		{"the first from the start", three, "2026-01-05T09:00:00Z", []oncall.Shift{{UserID: "ana", From: start, To: start.AddDate(0, 0, 7)}}},
		{"the first to the last microsecond", three, "2026-01-12T08:59:59.999999Z", []oncall.Shift{{UserID: "ana", From: start, To: start.AddDate(0, 0, 7)}}},
		{"the second from the hand-off", three, "2026-01-12T09:00:00Z", []oncall.Shift{{UserID: "ben", From: start.AddDate(0, 0, 7), To: start.AddDate(0, 0, 14)}}},
		{"round again", three, "2026-01-26T09:00:00Z", []oncall.Shift{{UserID: "ana", From: start.AddDate(0, 0, 21), To: start.AddDate(0, 0, 28)}}},
		{"521 weeks later, two past a round", three, "2036-01-01T00:00:00Z", []oncall.Shift{{UserID: "cleo", From: at(t, "2035-12-31T09:00:00Z"), To: at(t, "2036-01-07T09:00:00Z")}}},
		{"cut by the layer's end", ended, "2026-01-19T12:00:00Z", []oncall.Shift{{UserID: "cleo", From: start.AddDate(0, 0, 14), To: at(t, "2026-01-20T00:00:00Z")}}},
		{"nobody after the layer's end", ended, "2026-01-20T00:00:00Z", nil},
		{"one person has no hand-offs", alone, "2027-01-01T00:00:00Z", []oncall.Shift{{UserID: "ana", From: start}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.s.OnCall(at(t, tt.at))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALaterLayerCoversTheOnesBelow(t *testing.T) {
	s := rotation("UTC", at(t, "2026-01-01T00:00:00Z"), 2, oncall.Days, "ana", "ben")
	s.Layers = append(s.Layers, oncall.Layer{
		Users: []string{"cleo"}, Start: at(t, "2026-01-02T12:00:00Z"), Until: at(t, "2026-01-03T12:00:00Z"), Turn: 1, Unit: oncall.Days,
	})
	got, err := s.Shifts(at(t, "2025-12-31T00:00:00Z"), at(t, "2026-01-06T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	want := []oncall.Shift{
		{UserID: "ana", From: at(t, "2026-01-01T00:00:00Z"), To: at(t, "2026-01-02T12:00:00Z")},
		{UserID: "cleo", From: at(t, "2026-01-02T12:00:00Z"), To: at(t, "2026-01-03T12:00:00Z")},
		{UserID: "ben", From: at(t, "2026-01-03T12:00:00Z"), To: at(t, "2026-01-05T00:00:00Z")},
		{UserID: "ana", From: at(t, "2026-01-05T00:00:00Z"), To: at(t, "2026-01-06T00:00:00Z")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestABadLayerLetsTheOneBelowShowThrough(t *testing.T) {
	s := rotation("UTC", at(t, "2026-01-01T00:00:00Z"), 1, oncall.Days, "ana")
	s.Layers = append(s.Layers, oncall.Layer{Users: []string{"ben"}, Start: at(t, "2026-01-01T00:00:00Z"), Unit: oncall.Days})
	if got := s.OnCall(at(t, "2026-01-02T00:00:00Z")); len(got) != 1 || got[0].UserID != "ana" {
		t.Errorf("on call %v, want ana: a turn of 0 days has nobody", got)
	}
}

func TestAVanishedZoneIsReadInUTC(t *testing.T) {
	s := rotation("Europe/Atlantis", at(t, "2026-01-01T09:00:00Z"), 1, oncall.Days, "ana", "ben")
	if got := s.OnCall(at(t, "2026-01-02T09:00:00Z")); len(got) != 1 || got[0].UserID != "ben" {
		t.Errorf("on call %v, want ben by UTC", got)
	}
}

func TestShiftsRefusesARangeItCannotRender(t *testing.T) {
	s := rotation("UTC", at(t, "2026-01-01T00:00:00Z"), 1, oncall.Hours, "ana", "ben")
	from := at(t, "2026-02-01T00:00:00Z")
	for name, to := range map[string]time.Time{"empty": from, "backwards": from.Add(-time.Hour), "too long": from.Add(oncall.MaxRange + 1)} {
		if _, err := s.Shifts(from, to); codeOf(err) != "bad_range" {
			t.Errorf("%s: %v, want bad_range", name, err)
		}
	}
	if got, err := s.Shifts(from, from.Add(oncall.MaxRange)); err != nil || len(got) != 400*24 {
		t.Errorf("the longest range has %d shifts, %v", len(got), err)
	}
}

// TestAFarMomentCostsNoMore: the arithmetic must not walk, nor overflow.
func TestAFarMomentCostsNoMore(t *testing.T) {
	for _, unit := range []oncall.TurnUnit{oncall.Hours, oncall.Days, oncall.Weeks} {
		s := rotation("Europe/Madrid", at(t, "0002-01-01T00:00:00.5Z"), 1, unit, "ana", "ben")
		for _, moment := range []string{"0002-01-01T00:00:00.5Z", "2026-03-29T02:00:00Z", "9998-01-01T00:00:00Z"} {
			m := at(t, moment)
			if got := s.OnCall(m); len(got) != 1 || m.Before(got[0].From) || !m.Before(got[0].To) {
				t.Errorf("%s at %s: %v does not hold the moment", unit, moment, got)
			}
		}
	}
}

// TestTheLastDayOfALeapYear: beyond its tables the standard library loses it
// ([time.Time.ZoneBounds] ends a zone before it), and who looks for a zone's end
// never finds one.
func TestTheLastDayOfALeapYear(t *testing.T) {
	for _, zone := range []string{"Europe/Madrid", "America/New_York", "Australia/Sydney"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{2040, 2128} {
			start := time.Date(year, 12, 20, 9, 0, 0, 0, loc)
			s := rotation(zone, start, 1, oncall.Days, "ana", "ben")
			shifts, err := s.Shifts(start, start.AddDate(0, 0, 30))
			if err != nil || len(shifts) != 30 {
				t.Fatalf("%s: %d shifts, %v", zone, len(shifts), err)
			}
			for k, shift := range shifts {
				if want := time.Date(year, 12, 20+k, 9, 0, 0, 0, loc); !shift.From.Equal(want) {
					t.Errorf("%s: shift %d begins at %s, want %s", zone, k, shift.From.In(loc), want)
				}
			}
		}
	}
}

func BenchmarkOnCall(b *testing.B) {
	s := rotation("America/New_York", at(b, "2019-03-02T09:00:00-05:00"), 1, oncall.Weeks, "ana", "ben", "cleo")
	m := at(b, "2026-03-08T06:59:00Z")
	for b.Loop() {
		s.OnCall(m)
	}
}
