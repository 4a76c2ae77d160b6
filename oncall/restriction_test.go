package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

// only is a schedule of one person with these restrictions.
func only(zone string, start time.Time, restrictions ...oncall.Restriction) oncall.Schedule {
	s := rotation(zone, start, 1, oncall.Days, "ana")
	s.Layers[0].Restrictions = restrictions
	return s
}

func daily(h, m int, length time.Duration) oncall.Restriction {
	return oncall.Restriction{Cycle: oncall.Daily, Start: clock(h, m), Length: length}
}

func weekly(day time.Weekday, h, m int, length time.Duration) oncall.Restriction {
	return oncall.Restriction{Cycle: oncall.Weekly, Day: day, Start: clock(h, m), Length: length}
}

// spans writes shifts as "from > to" in a layout and zone.
func spans(t *testing.T, shifts []oncall.Shift, layout string, loc *time.Location) []string {
	t.Helper()
	var out []string
	for _, s := range shifts {
		out = append(out, s.From.In(loc).Format(layout)+" > "+s.To.In(loc).Format(layout))
	}
	return out
}

// TestRestrictionsOverClockChanges: both ends stand on the wall's clock.
func TestRestrictionsOverClockChanges(t *testing.T) {
	tests := []struct {
		name, zone, from, to string
		r                    oncall.Restriction
		want                 []string // UTC
	}{
		{"Madrid, spring: the night is an hour shorter, its end stays", "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", daily(22, 0, clock(10, 0)),
			[]string{"28 21:00 > 29 06:00", "29 20:00 > 30 06:00"}},
		{"Madrid, autumn: an hour longer", "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", daily(22, 0, clock(10, 0)),
			[]string{"24 20:00 > 25 07:00", "25 21:00 > 26 07:00"}},
		{"Madrid, a start in the gap", "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", daily(2, 30, clock(2, 0)),
			[]string{"29 01:00 > 29 02:30", "30 00:30 > 30 02:30"}},
		{"Madrid, an end in the gap", "Europe/Madrid", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", daily(0, 30, clock(2, 0)),
			[]string{"28 23:30 > 29 01:00", "29 22:30 > 30 00:30"}},
		{"Madrid, all of it in the gap", "Europe/Madrid", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z", daily(2, 10, clock(0, 40)),
			[]string{"28 01:10 > 28 01:50", "30 00:10 > 30 00:50"}},
		{"Madrid, a start in the overlap", "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", daily(2, 30, clock(2, 0)),
			[]string{"25 00:30 > 25 03:30"}},
		{"Madrid, an end in the overlap", "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", daily(0, 30, clock(2, 0)),
			[]string{"24 22:30 > 25 00:30"}},
		{"Madrid, all of it in the overlap: once", "Europe/Madrid", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z", daily(2, 10, clock(0, 40)),
			[]string{"25 00:10 > 25 00:50"}},
		{"New York, a weekend over the change", "America/New_York", "2026-03-06T12:00:00Z", "2026-03-10T12:00:00Z", weekly(time.Friday, 18, 0, clock(62, 0)),
			[]string{"06 23:00 > 09 12:00"}},
		{"New York, autumn", "America/New_York", "2026-10-30T12:00:00Z", "2026-11-03T12:00:00Z", weekly(time.Friday, 18, 0, clock(62, 0)),
			[]string{"30 22:00 > 02 13:00"}},
		{"Sydney, a start in the gap", "Australia/Sydney", "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", weekly(time.Sunday, 2, 0, clock(1, 30)),
			[]string{"03 16:00 > 03 16:30"}},
		{"Lord Howe, a start in the half hour's gap", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z", daily(2, 15, clock(1, 0)),
			[]string{"03 15:30 > 03 16:15"}},
		{"Lord Howe, an end in the half hour's overlap", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-05T00:00:00Z", daily(1, 0, clock(0, 45)),
			[]string{"04 14:00 > 04 14:45"}},
		{"São Paulo, from a midnight that was not", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T12:00:00Z", daily(0, 0, clock(1, 30)),
			[]string{"04 03:00 > 04 03:30"}},
		{"São Paulo, from an evening hour that came twice", "America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-18T12:00:00Z", daily(23, 30, clock(1, 0)),
			[]string{"18 01:30 > 18 03:30"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := only(tt.zone, at(t, "2010-01-01T00:00:00Z"), tt.r)
			shifts, err := s.Shifts(at(t, tt.from), at(t, tt.to))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, spans(t, shifts, "02 15:04", time.UTC)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRestrictionsTogether: several count as one, and where they leave nothing
// out, there are none.
func TestRestrictionsTogether(t *testing.T) {
	const hour = time.Hour
	allDay := daily(0, 0, 24*hour)
	shiftOf := func(day time.Weekday) oncall.Restriction { return weekly(day, 0, 0, 24*hour) }
	tests := []struct {
		name string
		r    []oncall.Restriction
		want []string
	}{
		{"apart", []oncall.Restriction{weekly(1, 9, 0, 8*hour), weekly(3, 9, 0, 8*hour)}, []string{"Mon 05 09:00 > Mon 05 17:00", "Wed 07 09:00 > Wed 07 17:00"}},
		{"touching", []oncall.Restriction{weekly(1, 9, 0, 8*hour), weekly(1, 17, 0, hour)}, []string{"Mon 05 09:00 > Mon 05 18:00"}},
		{"one in the other", []oncall.Restriction{weekly(1, 9, 0, 8*hour), weekly(1, 10, 0, hour)}, []string{"Mon 05 09:00 > Mon 05 17:00"}},
		{"over the week's end", []oncall.Restriction{weekly(0, 20, 0, 8*hour), weekly(1, 2, 0, 4*hour)},
			[]string{"Mon 05 00:00 > Mon 05 06:00", "Sun 11 20:00 > Mon 12 00:00"}},
		{"nearly all the week, over its end", []oncall.Restriction{weekly(3, 12, 0, 167*hour)},
			[]string{"Mon 05 00:00 > Wed 07 11:00", "Wed 07 12:00 > Mon 12 00:00"}},
		{"every day of the week", []oncall.Restriction{shiftOf(0), shiftOf(1), shiftOf(2), shiftOf(3), shiftOf(4), shiftOf(5), shiftOf(6)}, []string{"Mon 05 00:00 > Mon 12 00:00"}},
		{"the whole day", []oncall.Restriction{allDay, weekly(1, 9, 0, hour)}, []string{"Mon 05 00:00 > Mon 12 00:00"}},
		{"the whole week", []oncall.Restriction{weekly(2, 9, 0, 168*hour)}, []string{"Mon 05 00:00 > Mon 12 00:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := only("UTC", at(t, "2020-01-01T00:00:00Z"), tt.r...)
			shifts, err := s.Shifts(at(t, "2026-01-05T00:00:00Z"), at(t, "2026-01-12T00:00:00Z"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, spans(t, shifts, "Mon 02 15:04", time.UTC)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTurnsGoOnOutsideTheHours: whose turn it is does not wait for the hours,
// and the layer below shows through between them, in one piece.
func TestTurnsGoOnOutsideTheHours(t *testing.T) {
	s := rotation("UTC", at(t, "2026-01-01T00:00:00Z"), 1, oncall.Weeks, "below")
	s.Layers = append(s.Layers, oncall.Layer{
		Users: []string{"ana", "ben"}, Start: at(t, "2026-01-01T12:00:00Z"), Turn: 12, Unit: oncall.Hours, Restrictions: []oncall.Restriction{daily(9, 0, 8*time.Hour)},
	})
	shifts, err := s.Shifts(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-03T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for k, span := range spans(t, shifts, "02 15:04", time.UTC) {
		got = append(got, shifts[k].UserID+" "+span)
	}
	want := []string{
		"below 01 00:00 > 01 12:00", "ana 01 12:00 > 01 17:00", "below 01 17:00 > 02 09:00",
		"ben 02 09:00 > 02 12:00", "ana 02 12:00 > 02 17:00", "below 02 17:00 > 03 00:00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTheEdgesOfARestrictedLayer: before its start, after its end, and around
// an hour that the clock skipped, what is seen is one stretch.
func TestTheEdgesOfARestrictedLayer(t *testing.T) {
	s := rotation("Europe/Madrid", at(t, "2020-01-01T00:00:00Z"), 1, oncall.Weeks, "below")
	s.Layers = append(s.Layers, only("", at(t, "2026-03-20T10:00:00Z"), daily(2, 10, clock(0, 40)), weekly(time.Friday, 10, 0, clock(2, 0))).Layers[0])
	s.Layers[1].Until = at(t, "2026-04-03T09:00:00Z")
	tests := []struct{ name, at, from, to string }{
		{"long before", "2021-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2026-03-20T10:00:00Z"},
		{"the first hours, cut by the start", "2026-03-20T10:00:00Z", "2026-03-20T10:00:00Z", "2026-03-20T11:00:00Z"},
		{"before the hour that the clock skips", "2026-03-28T12:00:00Z", "2026-03-28T01:50:00Z", "2026-03-30T00:10:00Z"},
		{"after it", "2026-03-29T12:00:00Z", "2026-03-28T01:50:00Z", "2026-03-30T00:10:00Z"},
		{"the last hours, cut by the end", "2026-04-03T08:59:00Z", "2026-04-03T08:00:00Z", "2026-04-03T09:00:00Z"},
		{"at the end", "2026-04-03T09:00:00Z", "2026-04-03T09:00:00Z", ""},
		{"long after", "2036-04-03T09:00:00Z", "2026-04-03T09:00:00Z", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.OnCall(at(t, tt.at))
			if len(got) != 1 {
				t.Fatalf("on call: %v", got)
			}
			var to time.Time
			if tt.to != "" {
				to = at(t, tt.to)
			}
			if !got[0].From.Equal(at(t, tt.from)) || !got[0].To.Equal(to) {
				t.Errorf("got %s to %s, want %s to %s", got[0].From, got[0].To, tt.from, tt.to)
			}
		})
	}
}

func TestRestrictionValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*oncall.Restriction)
		want  refusal
	}{
		{"sound", func(*oncall.Restriction) {}, refusal{}},
		{"a whole day", func(r *oncall.Restriction) { r.Length = 24 * time.Hour }, refusal{}},
		{"more than a day", func(r *oncall.Restriction) { r.Length = 25 * time.Hour }, refusal{"length", "bad_length", "24h"}},
		{"more than a day, weekly", func(r *oncall.Restriction) { r.Cycle, r.Length = oncall.Weekly, 168*time.Hour }, refusal{}},
		{"more than a week", func(r *oncall.Restriction) { r.Cycle, r.Length = oncall.Weekly, 169*time.Hour }, refusal{"length", "bad_length", "168h"}},
		{"of no length", func(r *oncall.Restriction) { r.Length = 0 }, refusal{"length", "bad_length", "1m"}},
		{"of part of a second", func(r *oncall.Restriction) { r.Length = time.Hour + 1 }, refusal{"length", "bad_length", "whole seconds"}},
		{"monthly", func(r *oncall.Restriction) { r.Cycle = "monthly" }, refusal{"cycle", "unknown_cycle", `"monthly"`}},
		{"an eighth day", func(r *oncall.Restriction) { r.Day = 7 }, refusal{"day", "bad_day", "seven"}},
		{"before midnight", func(r *oncall.Restriction) { r.Start = -time.Second }, refusal{"start", "bad_start", "00:00:00"}},
		{"past midnight", func(r *oncall.Restriction) { r.Start = 24 * time.Hour }, refusal{"start", "bad_start", "23:59:59"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := daily(9, 0, 8*time.Hour)
			tt.spoil(&r)
			check(t, r.Validate(), tt.want)
			s := only("UTC", now, r)
			if tt.want != (refusal{}) {
				tt.want.field = "layers[0].restrictions[0]." + tt.want.field
			}
			check(t, s.Validate(), tt.want)
		})
	}
	s := only("UTC", now, slices.Repeat([]oncall.Restriction{daily(9, 0, time.Hour)}, oncall.MaxRestrictions+1)...)
	check(t, s.Validate(), refusal{"layers[0].restrictions", "too_many_restrictions", "50"})
}
