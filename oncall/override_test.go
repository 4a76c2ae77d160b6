package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/oncall"
)

// cover puts a person in from an hour to another of 2 January 2026.
func cover(id, user, instead string, from, to, made int) oncall.Override {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	hour := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	return oncall.Override{ID: id, UserID: user, Instead: instead, From: hour(from), To: hour(to), MadeAt: day.AddDate(0, 0, made)}
}

// words writes shifts as "who hours override".
func words(shifts []oncall.Shift) []string {
	var out []string
	for _, s := range shifts {
		w := s.UserID + s.From.Format(" 15") + s.To.Format("-15")
		if s.OverrideID != "" {
			w += " by " + s.OverrideID
		}
		out = append(out, w)
	}
	return out
}

func TestOverrides(t *testing.T) {
	// Ana until noon, Ben after it; or the two at once, Ben only from six.
	layered := rotation("UTC", at(t, "2026-01-01T00:00:00Z"), 12, oncall.Hours, "ana", "ben")
	shift := func(id, user string, from, to int) oncall.Event {
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		return oncall.Event{ID: id, Start: day.Add(time.Duration(from) * time.Hour), End: day.Add(time.Duration(to) * time.Hour),
			Recurrence: []string{"RRULE:FREQ=DAILY"}, Members: []string{user}, Strategy: oncall.Every}
	}
	both := oncall.Schedule{TimeZone: "UTC", Rotations: []oncall.Rotation{{Events: []oncall.Event{shift("1", "ana", 0, 20), shift("2", "ben", 6, 23)}}}}
	tests := []struct {
		name string
		s    oncall.Schedule
		over []oncall.Override
		want []string
	}{
		{"above all layers", layered, []oncall.Override{cover("1", "cleo", "", 10, 14, 0)}, []string{"ana 00-10", "cleo 10-14 by 1", "ben 14-00"}},
		{"the latest made wins", layered, []oncall.Override{cover("2", "dan", "", 11, 12, 1), cover("1", "cleo", "", 10, 14, 0)},
			[]string{"ana 00-10", "cleo 10-11 by 1", "dan 11-12 by 2", "cleo 12-14 by 1", "ben 14-00"}},
		{"the earlier made shows beside it", layered, []oncall.Override{cover("1", "cleo", "", 10, 14, 0), cover("2", "dan", "", 9, 11, 1)},
			[]string{"ana 00-09", "dan 09-11 by 2", "cleo 11-14 by 1", "ben 14-00"}},
		{"of one moment, the greater id", layered, []oncall.Override{cover("2", "dan", "", 10, 14, 0), cover("1", "cleo", "", 10, 14, 0)},
			[]string{"ana 00-10", "dan 10-14 by 2", "ben 14-00"}},
		{"everybody's place", both, []oncall.Override{cover("1", "cleo", "", 10, 14, 0)}, []string{"ana 00-10", "ben 06-10", "cleo 10-14 by 1", "ana 14-20", "ben 14-23"}},
		{"one person's place", both, []oncall.Override{cover("1", "cleo", "ana", 10, 14, 0)}, []string{"ana 00-10", "ben 06-23", "cleo 10-14 by 1", "ana 14-20"}},
		{"one person's place, for part of which they are on call", both, []oncall.Override{cover("1", "cleo", "ben", 4, 8, 0)},
			[]string{"ana 00-20", "cleo 06-08 by 1", "ben 08-23"}},
		{"the place of somebody who is not there", both, []oncall.Override{cover("1", "cleo", "dan", 4, 8, 0)}, []string{"ana 00-20", "ben 06-23"}},
		{"a cover is covered", both, []oncall.Override{cover("1", "cleo", "ana", 10, 14, 0), cover("2", "dan", "cleo", 12, 18, 1)},
			[]string{"ana 00-10", "ben 06-23", "cleo 10-12 by 1", "dan 12-14 by 2", "ana 14-20"}},
		{"all over one", both, []oncall.Override{cover("1", "cleo", "ana", 10, 14, 0), cover("2", "dan", "", 11, 12, 1)},
			[]string{"ana 00-10", "ben 06-11", "cleo 10-11 by 1", "dan 11-12 by 2", "cleo 12-14 by 1", "ben 12-23", "ana 14-20"}},
		{"one over all", both, []oncall.Override{cover("1", "cleo", "", 10, 14, 0), cover("2", "dan", "cleo", 11, 12, 1)},
			[]string{"ana 00-10", "ben 06-10", "cleo 10-11 by 1", "dan 11-12 by 2", "cleo 12-14 by 1", "ana 14-20", "ben 14-23"}},
		{"what Validate refuses counts for nothing", layered, []oncall.Override{cover("1", "", "", 10, 14, 0), cover("2", "cleo", "", 14, 10, 0)},
			[]string{"ana 00-12", "ben 12-00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.s.Overrides = tt.over
			shifts, err := tt.s.Shifts(at(t, "2026-01-02T00:00:00Z"), at(t, "2026-01-03T00:00:00Z"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, words(shifts)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOverridesWin: whatever lies below, who is put on call for everybody is
// on call alone for exactly as long, and nothing changes outside.
func TestOverridesWin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		from := s.Layers[0].Start
		minutes := func(label string, most int) time.Duration {
			return time.Duration(rapid.IntRange(1, most).Draw(t, label)) * time.Minute
		}
		o := oncall.Override{ID: "ovr", UserID: "cover", From: from.Add(minutes("from", 50*24*60))}
		o.To = o.From.Add(minutes("length", 20*24*60))
		plain := s
		s.Overrides = []oncall.Override{o}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		shifts, err := s.Shifts(from, from.Add(80*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(shifts, func(s oncall.Shift) bool { return s.UserID == "cover" })
		if at < 0 || shifts[at] != (oncall.Shift{UserID: "cover", From: o.From.UTC(), To: o.To.UTC(), OverrideID: "ovr"}) {
			t.Fatalf("the override is not in %v", shifts)
		}
		for k, shift := range shifts {
			if k == at {
				continue
			}
			if shift.UserID == "cover" || shift.From.Before(o.To) && o.From.Before(shift.To) {
				t.Fatalf("%v overlaps the override", shift)
			}
			for _, m := range []time.Time{shift.From, shift.To.Add(-1)} {
				if got, want := s.OnCall(m), plain.OnCall(m); usersOf(got)[0] != usersOf(want)[0] {
					t.Fatalf("outside the override, at %s: %v, want %v", m, got, want)
				}
			}
		}
	})
}

func TestOverrideValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*oncall.Override)
		want  refusal
	}{
		{"sound", func(*oncall.Override) {}, refusal{}},
		{"of nobody", func(o *oncall.Override) { o.UserID = "" }, refusal{"user_id", "no_user", "who takes over"}},
		{"in their own place", func(o *oncall.Override) { o.Instead = o.UserID }, refusal{"instead", "same_user", "own place"}},
		{"from nowhere", func(o *oncall.Override) { o.From = time.Time{} }, refusal{"from", "no_from", "from when"}},
		{"of no length", func(o *oncall.Override) { o.To = o.From }, refusal{"to", "bad_to", "later end"}},
		{"of years", func(o *oncall.Override) { o.To = o.From.Add(oncall.MaxRange + 1) }, refusal{"to", "bad_to", "400 days"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := cover("1", "cleo", "", 10, 14, 0)
			tt.spoil(&o)
			check(t, o.Validate(), tt.want)
			s := rotation("UTC", now, 1, oncall.Days, "ana")
			s.Overrides = []oncall.Override{o}
			if tt.want != (refusal{}) {
				tt.want.field = "overrides[0]." + tt.want.field
			}
			check(t, s.Validate(), tt.want)
		})
	}
	s := rotation("UTC", now, 1, oncall.Days, "ana")
	s.Overrides = slices.Repeat([]oncall.Override{cover("1", "cleo", "", 10, 14, 0)}, oncall.MaxOverrides+1)
	check(t, s.Validate(), refusal{"overrides", "too_many_overrides", "1000"})
}
