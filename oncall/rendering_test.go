package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/oncall"
)

func hour(h int) time.Time { return time.Date(2026, 1, 5, h, 0, 0, 0, time.UTC) }

func rendering(to int, shifts ...oncall.Shift) oncall.Rendering {
	return oncall.Rendering{From: hour(0), To: hour(to), Shifts: shifts}
}

func shift(user string, from, to int) oncall.Shift {
	return oncall.Shift{UserID: user, From: hour(from), To: hour(to)}
}

func TestCoverageAndGaps(t *testing.T) {
	tests := []struct {
		name string
		r    oncall.Rendering
		gaps []oncall.Span
		want float64
	}{
		{"nobody", rendering(10), []oncall.Span{{From: hour(0), To: hour(10)}}, 0},
		{"somebody", rendering(10, shift("a", 0, 10)), nil, 100},
		{"gaps before, between and after", rendering(10, shift("a", 1, 3), shift("b", 5, 9)),
			[]oncall.Span{{From: hour(0), To: hour(1)}, {From: hour(3), To: hour(5)}, {From: hour(9), To: hour(10)}}, 60},
		{"two at once cover once", rendering(10, shift("a", 0, 8), shift("b", 2, 4), shift("c", 7, 9)), []oncall.Span{{From: hour(9), To: hour(10)}}, 90},
		{"no range", oncall.Rendering{}, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.gaps, tt.r.Gaps()); diff != "" {
				t.Error(diff)
			}
			if got := tt.r.Coverage(); got != tt.want {
				t.Errorf("coverage %v, want %v", got, tt.want)
			}
			if got := tt.r.Covered(); got != time.Duration(tt.want/100*float64(tt.r.To.Sub(tt.r.From))) {
				t.Errorf("covered for %v", got)
			}
		})
	}
}

func TestJoinedAndOf(t *testing.T) {
	by := func(s oncall.Shift, id string) oncall.Shift { s.OverrideID = id; return s }
	r := rendering(20, shift("a", 0, 4), shift("b", 1, 3), by(shift("a", 4, 6), "ovr"), shift("a", 5, 8), shift("b", 4, 5), by(shift("a", 9, 10), "ovr"), by(shift("a", 10, 11), "ovr"))
	want := []oncall.Shift{shift("a", 0, 8), shift("b", 1, 3), shift("b", 4, 5), by(shift("a", 9, 11), "ovr")}
	if diff := cmp.Diff(want, r.Joined().Shifts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]oncall.Shift{shift("b", 1, 3), shift("b", 4, 5)}, r.Of("b").Shifts); diff != "" {
		t.Error(diff)
	}
	if len(r.Shifts) != 7 || r.Shifts[2].UserID != "a" {
		t.Error("the rendering itself was changed")
	}
	loads := []oncall.Load{{UserID: "a", Shifts: 5, Time: 10 * time.Hour}, {UserID: "b", Shifts: 2, Time: 3 * time.Hour}}
	if diff := cmp.Diff(loads, r.Loads()); diff != "" {
		t.Error(diff)
	}
}

// TestCoverageAndGapsFillTheRange, whatever the schedule, and they do not overlap.
func TestCoverageAndGapsFillTheRange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		s.Layers = s.Layers[rapid.IntRange(0, len(s.Layers)-1).Draw(t, "from layer"):]
		for k := range s.Layers {
			s.Layers[k].Restrictions = anyRestrictions(t)
		}
		from := s.Layers[0].Start.Add(-10 * 24 * time.Hour)
		r, err := s.Render(from, from.Add(60*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var gaps, covered time.Duration
		for _, g := range r.Gaps() {
			if gaps += g.To.Sub(g.From); len(s.OnCall(g.From)) > 0 || len(s.OnCall(g.To.Add(-1))) > 0 {
				t.Fatalf("somebody is on call in the gap %v", g)
			}
		}
		end := r.From
		for _, shift := range r.Shifts {
			if shift.From.Before(end) || !shift.To.After(shift.From) {
				t.Fatalf("%v overlaps what is before it, or is empty", shift)
			}
			end, covered = shift.To, covered+shift.To.Sub(shift.From)
		}
		if covered != r.Covered() || gaps+covered != r.To.Sub(r.From) {
			t.Fatalf("covered %s, gaps %s", covered, gaps)
		}
		for _, alone := range []int{0, len(s.Layers) - 1} {
			if got := s.OnlyLayer(alone).OnCall(from.Add(30 * 24 * time.Hour)); alone == len(s.Layers)-1 && len(got) > 0 &&
				got[0].UserID != s.OnCall(from.Add(30 * 24 * time.Hour))[0].UserID {
				t.Fatalf("the top layer has %v, the schedule somebody else", got)
			}
		}
	})
}

func anyRestrictions(t *rapid.T) (out []oncall.Restriction) {
	for range rapid.IntRange(0, 3).Draw(t, "restrictions") {
		r := oncall.Restriction{
			Cycle: rapid.SampledFrom([]oncall.Cycle{oncall.Daily, oncall.Weekly}).Draw(t, "cycle"), Day: time.Weekday(rapid.IntRange(0, 6).Draw(t, "day")),
			Start: time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "at")) * time.Minute, Length: time.Duration(rapid.IntRange(1, 24*60).Draw(t, "long")) * time.Minute,
		}
		if r.Cycle == oncall.Weekly {
			r.Length *= 7
		}
		out = append(out, r)
	}
	return out
}

func TestOnlyParts(t *testing.T) {
	s := rotation("UTC", hour(0), 12, oncall.Hours, "ana", "ben")
	s.Layers = append(s.Layers, oncall.Layer{Users: []string{"cleo"}, Start: hour(6), Until: hour(8), Turn: 1, Unit: oncall.Days})
	s.Overrides = []oncall.Override{{ID: "ovr", UserID: "dan", Instead: "ana", From: hour(1), To: hour(2)}}
	parts := map[string]struct {
		s    oncall.Schedule
		want []string
	}{
		"all":              {s, []string{"ana 00-01", "dan 01-02 by ovr", "ana 02-06", "cleo 06-08", "ana 08-12", "ben 12-20"}},
		"the first layer":  {s.OnlyLayer(0), []string{"ana 00-12", "ben 12-20"}},
		"the second":       {s.OnlyLayer(1), []string{"cleo 06-08"}},
		"no such layer":    {s.OnlyLayer(2), nil},
		"before them":      {s.OnlyLayer(-1), nil},
		"overrides":        {s.OnlyOverrides(), []string{"dan 01-02 by ovr"}},
		"no such rotation": {s.OnlyRotation(0), nil},
	}
	for name, part := range parts {
		shifts, err := part.s.Shifts(hour(0), hour(20))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(part.want, words(shifts)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHandOffs(t *testing.T) {
	weeks := rotation("UTC", hour(9), 1, oncall.Weeks, "ana", "ben", "ben")
	on := func(at time.Time) oncall.HandOff { return oncall.HandOff{At: at, Starts: true, UserID: "ben"} }
	off := func(at time.Time) oncall.HandOff { return oncall.HandOff{At: at, UserID: "ben"} }
	day := func(d int) time.Time { return hour(9).AddDate(0, 0, d) }
	tests := []struct {
		name  string
		s     oncall.Schedule
		after time.Time
		n     int
		want  []oncall.HandOff
	}{
		{"two turns in a row are one", weeks, hour(0), 3, []oncall.HandOff{on(day(7)), off(day(21)), on(day(28))}},
		{"in the middle of a shift", weeks, day(10), 1, []oncall.HandOff{off(day(21))}},
		{"between their own two turns", weeks, day(14), 1, []oncall.HandOff{off(day(21))}},
		{"not the one at that very moment", weeks, day(7), 2, []oncall.HandOff{off(day(21)), on(day(28))}},
		{"as many as there are in 400 days", rotation("UTC", day(390), 1, oncall.Weeks, "ben"), day(0), 5, []oncall.HandOff{on(day(390))}},
		{"none", rotation("UTC", hour(9), 1, oncall.Weeks, "ana"), hour(0), 5, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.s.HandOffs("ben", tt.after, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, slices.Clip(got), cmp.Transformer("nil", func(h []oncall.HandOff) []oncall.HandOff { return append([]oncall.HandOff{}, h...) })); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, n := range []int{0, oncall.MaxHandOffs + 1} {
		if _, err := weeks.HandOffs("ben", hour(0), n); codeOf(err) != "bad_limit" {
			t.Errorf("asking for %d: %v", n, err)
		}
	}
}

// TestTooManyChangesAreRefused: a hundred events that come every hour, each at
// its own second, are not followed for a year; for a day they are. Nobody has
// the shifts of the year: following them is the work, not drawing them.
func TestTooManyChangesAreRefused(t *testing.T) {
	t.Parallel()
	hourly := func(members string) oncall.Schedule {
		s := shiftBased()
		for k := range oncall.MaxEvents {
			e := event(members, "RRULE:FREQ=HOURLY")
			e.Start, e.End = e.Start.Add(time.Duration(k)*time.Second), e.Start.Add(time.Hour)
			s.Rotations[0].Events = append(s.Rotations[0].Events, e)
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := hourly("").Shifts(hour(9), hour(9).Add(oncall.MaxRange)); codeOf(err) != "bad_range" {
		t.Errorf("over 400 days: %v, want bad_range", err)
	}
	if shifts, err := hourly("a b").Shifts(hour(9), hour(9).AddDate(0, 0, 1)); err != nil || len(shifts) < 2400 {
		t.Errorf("over a day: %d shifts, %v", len(shifts), err)
	}
}
