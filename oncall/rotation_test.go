package oncall_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/oncall"
)

// event is a shift of two hours from nine of Monday, 5 January 2026, in Madrid.
func event(members string, lines ...string) oncall.Event {
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	return oncall.Event{
		ID: "evt_1", Start: start, End: start.Add(2 * time.Hour), TimeZone: "Europe/Madrid", Recurrence: lines,
		Members: strings.Fields(members), Strategy: oncall.Rotating, ShiftsPerMember: 1,
	}
}

func shiftBased(events ...oncall.Event) oncall.Schedule {
	return oncall.Schedule{ID: "sch_1", TimeZone: "UTC", Rotations: []oncall.Rotation{{ID: "rot_1", Events: events}}}
}

func TestShifts(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	const weekdays = "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
	tests := []struct {
		name     string
		e        oncall.Event
		spoil    func(*oncall.Event)
		from, to string
		want     []string // in Madrid
	}{
		{"once", event("ana"), nil, "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", []string{"ana 01-05 09:00 > 01-05 11:00"}},
		{"members take turns", event("ana ben", "RRULE:FREQ=DAILY"), nil, "2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ben 01-06 09:00 > 01-06 11:00", "ana 01-07 09:00 > 01-07 11:00"}},
		{"for several shifts each", event("ana ben", weekdays), func(e *oncall.Event) { e.ShiftsPerMember = 5 }, "2026-01-08T00:00:00Z", "2026-01-14T00:00:00Z",
			[]string{"ana 01-08 09:00 > 01-08 11:00", "ana 01-09 09:00 > 01-09 11:00", "ben 01-12 09:00 > 01-12 11:00", "ben 01-13 09:00 > 01-13 11:00"}},
		{"all of them at once", event("ana ben", "RRULE:FREQ=WEEKLY"), func(e *oncall.Event) { e.Strategy = oncall.Every }, "2026-01-12T00:00:00Z", "2026-01-13T00:00:00Z",
			[]string{"ana 01-12 09:00 > 01-12 11:00", "ben 01-12 09:00 > 01-12 11:00"}},
		{"members empty: a gap", event("", "RRULE:FREQ=DAILY"), nil, "2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z", nil},
		{"the wall's hours over the change of the clock", event("ana", weekdays), nil, "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z",
			[]string{"ana 03-27 09:00 > 03-27 11:00", "ana 03-30 09:00 > 03-30 11:00"}},
		{"a start in the gap", event("ana", "RRULE:FREQ=DAILY;BYHOUR=2;BYMINUTE=30"), nil, "2026-03-29T00:00:00Z", "2026-03-29T20:00:00Z",
			[]string{"ana 03-29 03:00 > 03-29 04:30"}},
		{"an end in the overlap is the first", event("ana", "RRULE:FREQ=DAILY;BYHOUR=0;BYMINUTE=30"), nil, "2026-10-24T12:00:00Z", "2026-10-25T20:00:00Z",
			[]string{"ana 10-25 00:30 > 10-25 02:30"}},
		{"cut by since and until", event("ana ben", "RRULE:FREQ=DAILY"), func(e *oncall.Event) {
			e.Since, e.Until = at(t, "2026-01-06T08:30:00Z"), at(t, "2026-01-07T09:00:00Z")
		}, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", []string{"ben 01-06 09:30 > 01-06 11:00", "ana 01-07 09:00 > 01-07 10:00"}},
		{"a count", event("ana ben", "RRULE:FREQ=DAILY;COUNT=2"), nil, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ben 01-06 09:00 > 01-06 11:00"}},
		{"a count of months", event("ana", "RRULE:FREQ=MONTHLY;COUNT=2"), nil, "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ana 02-05 09:00 > 02-05 11:00"}},
		{"until a day, which is meant", event("ana", "RRULE:FREQ=DAILY;UNTIL=20260106"), nil, "2026-01-06T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"ana 01-06 09:00 > 01-06 11:00"}},
		{"until a moment in UTC", event("ana", "RRULE:FREQ=DAILY;UNTIL=20260106T080000Z"), nil, "2026-01-06T00:00:00Z", "2026-02-01T00:00:00Z",
			[]string{"ana 01-06 09:00 > 01-06 11:00"}},
		{"until just before a shift", event("ana", "RRULE:FREQ=DAILY;UNTIL=20260106T085959"), nil, "2026-01-06T00:00:00Z", "2026-02-01T00:00:00Z", nil},
		{"until, of months", event("ana", "RRULE:FREQ=MONTHLY;UNTIL=20260204"), nil, "2026-01-06T00:00:00Z", "2026-12-01T00:00:00Z", nil},
		{"a day taken out moves nobody", event("ana ben", "RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Madrid:20260106T090000"), nil, "2026-01-05T00:00:00Z", "2026-01-08T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ana 01-07 09:00 > 01-07 11:00"}},
		{"a day put in goes to whose turn it is", event("ana ben", "RRULE:FREQ=WEEKLY", "RDATE:20260114T080000Z,20260115T090000"), nil, "2026-01-12T00:00:00Z", "2026-01-18T00:00:00Z",
			[]string{"ben 01-12 09:00 > 01-12 11:00", "ben 01-14 09:00 > 01-14 11:00", "ben 01-15 09:00 > 01-15 11:00"}},
		{"a day put in after the last goes to who had the last", event("ana ben cleo", "RRULE:FREQ=DAILY;COUNT=2", "RDATE:20260120T090000"), nil, "2026-01-12T00:00:00Z", "2026-01-28T00:00:00Z",
			[]string{"ben 01-20 09:00 > 01-20 11:00"}},
		{"and after the until", event("ana ben cleo", "RRULE:FREQ=DAILY;UNTIL=20260106", "RDATE:20260120T090000"), nil, "2026-01-12T00:00:00Z", "2026-01-28T00:00:00Z",
			[]string{"ben 01-20 09:00 > 01-20 11:00"}},
		{"a day put in that is there", event("ana ben", "RRULE:FREQ=WEEKLY", "RDATE:20260112T090000"), nil, "2026-01-12T00:00:00Z", "2026-01-18T00:00:00Z",
			[]string{"ben 01-12 09:00 > 01-12 11:00"}},
		{"small letters", event("ana", "rrule:freq=weekly;byday=tu"), nil, "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z", []string{"ana 01-06 09:00 > 01-06 11:00"}},
		{"the same hour twice is once", event("ana ben", "RRULE:FREQ=DAILY;BYHOUR=9,9"), nil, "2026-01-05T00:00:00Z", "2026-01-07T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ben 01-06 09:00 > 01-06 11:00"}},
		{"every five hours", event("ana ben cleo", "RRULE:FREQ=HOURLY;INTERVAL=5;BYDAY=MO"), nil, "2026-01-05T00:00:00Z", "2026-01-13T00:00:00Z",
			[]string{"ana 01-05 09:00 > 01-05 11:00", "ben 01-05 14:00 > 01-05 16:00", "cleo 01-05 19:00 > 01-05 21:00", "ana 01-12 01:00 > 01-12 03:00",
				"ben 01-12 06:00 > 01-12 08:00", "cleo 01-12 11:00 > 01-12 13:00", "ana 01-12 16:00 > 01-12 18:00", "ben 01-12 21:00 > 01-12 23:00"}},
		{"thirty years on", event("ana ben cleo", weekdays), nil, "2056-01-06T00:00:00Z", "2056-01-07T00:00:00Z", []string{"ben 01-06 09:00 > 01-06 11:00"}},
		{"leap days", event("ana ben", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"), nil, "2056-01-01T00:00:00Z", "2056-12-31T00:00:00Z", []string{"ben 02-29 09:00 > 02-29 11:00"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.spoil != nil {
				tt.spoil(&tt.e)
			}
			s := shiftBased(tt.e)
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			shifts, err := s.Shifts(at(t, tt.from), at(t, tt.to))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for k, span := range spans(t, shifts, "01-02 15:04", madrid) {
				got = append(got, shifts[k].UserID+" "+span)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAStartInTheSecondOfTwoEqualHours: the first of the two is before it.
func TestAStartInTheSecondOfTwoEqualHours(t *testing.T) {
	e := event("ana ben", "RRULE:FREQ=DAILY")
	e.Start, e.End = at(t, "2026-10-25T02:30:00+01:00"), at(t, "2026-10-25T04:00:00+01:00")
	got := shiftBased(e).OnCall(at(t, "2026-10-25T02:45:00+01:00"))
	want := []oncall.Shift{{UserID: "ana", From: e.Start.UTC(), To: e.End.UTC()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := shiftBased(e).OnCall(at(t, "2026-10-25T02:45:00+02:00")); got != nil {
		t.Errorf("before its start: %v", got)
	}
}

func TestEventValidate(t *testing.T) {
	rule := func(text string) func(*oncall.Event) {
		return func(e *oncall.Event) { e.Recurrence = []string{"RRULE:" + text} }
	}
	lines := func(lines ...string) func(*oncall.Event) {
		return func(e *oncall.Event) { e.Recurrence = lines }
	}
	tests := []struct {
		name  string
		spoil func(*oncall.Event)
		want  refusal
	}{
		{"sound", func(*oncall.Event) {}, refusal{}},
		{"an unknown zone", func(e *oncall.Event) { e.TimeZone = "Mars" }, refusal{"time_zone", "unknown_time_zone", "Mars"}},
		{"no start", func(e *oncall.Event) { e.Start = time.Time{} }, refusal{"start", "bad_start", "1970"}},
		{"a start in another age", func(e *oncall.Event) { e.Start = at(t, "2201-01-01T00:00:00Z") }, refusal{"start", "bad_start", "2200"}},
		{"of no length", func(e *oncall.Event) { e.End = e.Start }, refusal{"end", "bad_end", "later end"}},
		{"of months", func(e *oncall.Event) { e.End = e.Start.Add(oncall.MaxShift + 1) }, refusal{"end", "bad_end", "31 days"}},
		{"of no length on the wall", func(e *oncall.Event) {
			e.Start, e.End = at(t, "2026-10-25T02:30:00+02:00"), at(t, "2026-10-25T02:15:00+01:00")
		}, refusal{"end", "bad_end", "On the clock of Europe/Madrid"}},
		{"over before it begins", func(e *oncall.Event) { e.Until = e.Start }, refusal{"until", "bad_until", "before it begins"}},
		{"too many members", func(e *oncall.Event) { e.Members = slices.Repeat(e.Members, 501) }, refusal{"members", "too_many_members", "500"}},
		{"a member without id", func(e *oncall.Event) { e.Members = []string{""} }, refusal{"members", "empty_member", "empty"}},
		{"an unknown strategy", func(e *oncall.Event) { e.Strategy = "dice" }, refusal{"strategy", "unknown_strategy", `"dice"`}},
		{"no shifts each", func(e *oncall.Event) { e.ShiftsPerMember = 0 }, refusal{"shifts_per_member", "bad_shifts_per_member", "not 0"}},
		{"every second", rule("FREQ=SECONDLY"), refusal{"recurrence", "too_often", "SECONDLY"}},
		{"every minute", rule("FREQ=MINUTELY;INTERVAL=120"), refusal{"recurrence", "too_often", "MINUTELY"}},
		{"every quarter of an hour", rule("FREQ=HOURLY;BYMINUTE=0,15,30,45"), refusal{"recurrence", "too_often", "BYMINUTE"}},
		{"several seconds", rule("FREQ=DAILY;BYSECOND=0,1"), refusal{"recurrence", "too_often", "BYSECOND"}},
		{"every hour of months", rule("FREQ=MONTHLY;BYHOUR=1,2,3,4,5"), refusal{"recurrence", "too_often", "4 hours"}},
		{"no rule", rule("DAILY"), refusal{"recurrence", "bad_rrule", "RFC 5545"}},
		{"no frequency", rule("INTERVAL=2"), refusal{"recurrence", "bad_rrule", "RFC 5545"}},
		{"a rule of two lines", rule("FREQ=DAILY\nRRULE:FREQ=DAILY"), refusal{"recurrence", "bad_rrule", "RFC 5545"}},
		{"an interval of nothing", rule("FREQ=DAILY;INTERVAL=0"), refusal{"recurrence", "bad_rrule", "INTERVAL"}},
		{"an interval of ages", rule("FREQ=DAILY;INTERVAL=1001"), refusal{"recurrence", "bad_rrule", "INTERVAL"}},
		{"a count of nothing", rule("FREQ=DAILY;COUNT=0"), refusal{"recurrence", "bad_rrule", "COUNT"}},
		{"a start in the rule", rule("FREQ=DAILY;DTSTART=20260101T000000Z"), refusal{"recurrence", "bad_rrule", "DTSTART"}},
		{"by easter", rule("FREQ=YEARLY;BYEASTER=1"), refusal{"recurrence", "bad_rrule", "BYEASTER"}},
		{"a 25th hour", rule("FREQ=DAILY;BYHOUR=24"), refusal{"recurrence", "bad_rrule", "byhour"}},
		{"days of the month with weeks", rule("FREQ=WEEKLY;BYMONTHDAY=1"), refusal{"recurrence", "bad_rrule", "FREQ=MONTHLY"}},
		{"months with hours", rule("FREQ=HOURLY;BYMONTH=2"), refusal{"recurrence", "bad_rrule", "FREQ=DAILY"}},
		{"30 February", rule("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"), refusal{"recurrence", "never", "never comes true"}},
		{"never a Tuesday", rule("FREQ=DAILY;INTERVAL=7;BYDAY=TU"), refusal{"recurrence", "never", "never comes true"}},
		{"never that hour", rule("FREQ=HOURLY;INTERVAL=24;BYHOUR=5"), refusal{"recurrence", "never", "BYHOUR"}},
		{"over before it begins, by the rule", rule("FREQ=DAILY;UNTIL=20250101"), refusal{"recurrence", "never", "never comes true"}},
		{"two rules", lines("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), refusal{"recurrence", "bad_recurrence", "two RRULE"}},
		{"another kind of line", lines("EXRULE:FREQ=DAILY"), refusal{"recurrence", "bad_recurrence", "EXRULE"}},
		{"too many lines", lines(slices.Repeat([]string{"EXDATE:20260101T000000Z"}, 26)...), refusal{"recurrence", "bad_recurrence", "25 lines"}},
		{"a line without end", lines("EXDATE:" + strings.Repeat("20260101T000000Z,", 100)), refusal{"recurrence", "bad_recurrence", "500 characters"}},
		{"no date", lines("RRULE:FREQ=DAILY", "EXDATE:tomorrow"), refusal{"recurrence", "bad_dates", "TOMORROW"}},
		{"dates of another zone", lines("EXDATE;TZID=Asia/Tokyo:20260101T000000"), refusal{"recurrence", "bad_dates", "ASIA/TOKYO"}},
		{"dates without times", lines("EXDATE;VALUE=DATE:20260101"), refusal{"recurrence", "bad_dates", "VALUE=DATE"}},
		{"too many dates", lines(slices.Repeat([]string{"EXDATE:" + strings.Repeat("20260101T000000Z,", 19) + "20260101T000000Z"}, 11)...), refusal{"recurrence", "bad_dates", "200 dates"}},
		{"shifts upon shifts", func(e *oncall.Event) {
			e.Recurrence, e.End = []string{"RRULE:FREQ=HOURLY"}, e.Start.Add(21*time.Hour)
		}, refusal{"recurrence", "too_many_at_once", "20"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := event("ana", "RRULE:FREQ=DAILY")
			tt.spoil(&e)
			check(t, e.Validate("UTC"), tt.want)
			if tt.want != (refusal{}) {
				tt.want.field = "rotations[0].events[0]." + tt.want.field
				if got := shiftBased(e).OnCall(e.Start); got != nil {
					t.Errorf("what is refused has %v on call", got)
				}
			}
			check(t, shiftBased(e).Validate(), tt.want)
		})
	}
	check(t, shiftBased(slices.Repeat([]oncall.Event{event("ana")}, oncall.MaxEvents+1)...).Validate(), refusal{"rotations", "too_many_events", "100"})
	mixed := shiftBased(event("ana"))
	mixed.Layers = rotation("UTC", now, 1, oncall.Days, "ana").Layers
	check(t, mixed.Validate(), refusal{"rotations", "layers_and_rotations", "not both"})
	check(t, oncall.Schedule{TimeZone: "UTC", Rotations: []oncall.Rotation{{ID: "rot_1"}}}.Validate(), refusal{})
}

// TestAnEventInAVanishedZone: the schedule's own zone falls back to UTC, and so
// do its events.
func TestAnEventInAVanishedZone(t *testing.T) {
	e := event("ana", "RRULE:FREQ=DAILY")
	e.TimeZone = ""
	s := shiftBased(e)
	s.TimeZone = "Europe/Atlantis"
	if got := s.OnCall(at(t, "2026-07-01T08:00:00Z")); len(got) != 1 {
		t.Errorf("on call %v, want ana by UTC", got)
	}
}

// TestEventsUnite: who is on call in a schedule is who is in any of its events
// alone.
func TestEventsUnite(t *testing.T) {
	t.Parallel()
	rules := []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU",
		"FREQ=HOURLY;INTERVAL=7", "FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=YEARLY", "FREQ=DAILY;COUNT=20", "FREQ=DAILY;BYMONTH=3,4",
	}
	rapid.Check(t, func(t *rapid.T) {
		s := oncall.Schedule{TimeZone: rapid.SampledFrom(eightZones).Draw(t, "zone")}
		base := time.Unix(rapid.Int64Range(1_200_000_000, 1_800_000_000).Draw(t, "base"), 0)
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			e := oncall.Event{
				Start:    base.Add(time.Duration(rapid.IntRange(0, 100*24*60).Draw(t, "start")) * time.Minute),
				Strategy: rapid.SampledFrom([]oncall.Strategy{oncall.Every, oncall.Rotating}).Draw(t, "strategy"), ShiftsPerMember: rapid.IntRange(1, 3).Draw(t, "each"),
				Members:    rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3, rapid.ID).Draw(t, "members"),
				Recurrence: []string{"RRULE:" + rapid.SampledFrom(rules).Draw(t, "rule")},
			}
			e.End = e.Start.Add(time.Duration(rapid.IntRange(61, 40*60).Draw(t, "length")) * time.Minute)
			s.Rotations = append(s.Rotations, oncall.Rotation{Events: []oncall.Event{e}})
		}
		from := base.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "days")) * 24 * time.Hour)
		r, err := s.Render(from, from.Add(20*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for m := from; m.Before(r.To); m = m.Add(347 * time.Minute) { // all hours and minutes come round
			var want []string
			for k := range s.Rotations {
				want = append(want, usersOf(s.OnlyRotation(k).OnCall(m))...)
			}
			slices.Sort(want)
			var seen []string
			for _, shift := range r.Shifts {
				if !m.Before(shift.From) && m.Before(shift.To) {
					seen = append(seen, shift.UserID)
				}
			}
			slices.Sort(seen)
			// Two shifts of one person with the same ends are one in a rendering.
			if got := usersOf(s.OnCall(m)); !slices.Equal(got, want) || !slices.Equal(slices.Compact(seen), slices.Compact(want)) {
				t.Fatalf("at %s: on call %v, rendered %v, each alone %v", m, got, seen, want)
			}
		}
	})
}

// TestManyAskAtOnce about the same rule of months, near and far: what has been
// worked out is shared, and is the same for all.
func TestManyAskAtOnce(t *testing.T) {
	s := shiftBased(event("a b c", "RRULE:FREQ=MONTHLY;BYDAY=1MO"))
	ask := func(year int) string {
		for day := 1; day <= 7; day++ {
			if got := s.OnCall(time.Date(year, 6, day, 8, 0, 0, 0, time.UTC)); len(got) > 0 {
				return got[0].UserID
			}
		}
		return ""
	}
	var wg sync.WaitGroup
	answers := make([][]string, 8)
	for k := range answers {
		wg.Go(func() {
			for n := range 100 {
				answers[k] = append(answers[k], ask(2026+n*37%100))
			}
		})
	}
	wg.Wait()
	for _, a := range answers {
		if !slices.Equal(a, answers[0]) || slices.Contains(a, "") {
			t.Fatalf("one was told %v, another %v", answers[0], a)
		}
	}
}

// TestMoreRulesThanAreKept: a rule that was forgotten is worked out anew.
func TestMoreRulesThanAreKept(t *testing.T) {
	e := event("a b", "RRULE:FREQ=DAILY")
	want := shiftBased(e).OnCall(e.Start)
	for k := range 10_100 {
		other := e
		other.Start, other.End = e.Start.Add(time.Duration(k)*time.Minute), e.End.Add(time.Duration(k)*time.Minute)
		if got := shiftBased(other).OnCall(other.Start); len(got) != 1 || got[0].UserID != "a" {
			t.Fatalf("event %d: on call %v", k, got)
		}
	}
	if diff := cmp.Diff(want, shiftBased(e).OnCall(e.Start)); diff != "" {
		t.Error(diff)
	}
}
