package oncall_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/oncall"
)

// naive is who is on call, found by looking at the wall clock as time goes by:
// the hand-off is when it first shows the hand-off's reading, or a later one.
type naive struct {
	loc   *time.Location
	users []string
	turn  time.Duration // on the wall
	next  time.Time     // the next hand-off's reading, written as if in UTC
	k     int
}

func newNaive(loc *time.Location, start time.Time, days int, users []string) *naive {
	turn := time.Duration(days) * 24 * time.Hour
	return &naive{loc: loc, users: users, turn: turn, next: reading(start, loc).Add(turn)}
}

// reading is what the wall clock shows, written as if in UTC.
func reading(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// look must be called for moments in order.
func (n *naive) look(t time.Time) string {
	for !reading(t, n.loc).Before(n.next) {
		n.k++
		n.next = n.next.Add(n.turn)
	}
	return n.users[n.k%len(n.users)]
}

// TestEveryMinuteAroundTheChanges compares with the naive walk for two months
// around each change of the clock, every minute near it and hourly elsewhere.
func TestEveryMinuteAroundTheChanges(t *testing.T) {
	changes := map[string][]string{
		"Europe/Madrid":       {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
		"America/New_York":    {"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
		"Australia/Sydney":    {"2026-10-03T16:00:00Z", "2026-04-04T16:00:00Z"},
		"Australia/Lord_Howe": {"2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"},
		"America/Sao_Paulo":   {"2018-11-04T03:00:00Z", "2018-02-18T02:00:00Z"},
		"Pacific/Apia":        {"2011-12-30T10:00:00Z"},
		"Africa/Cairo":        {"2026-04-23T22:00:00Z"},
		"America/St_Johns":    {"2010-11-07T02:31:00Z"}, // at 00:01: yesterday again
	}
	for zone, moments := range changes {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			for _, moment := range moments {
				for _, handOff := range []string{"00:00", "00:30", "01:45", "02:15", "09:00"} {
					compare(t, zone, at(t, moment), handOff)
				}
			}
		})
	}
}

func compare(t *testing.T, zone string, change time.Time, handOff string) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	if _, before := change.Add(-time.Second).In(loc).Zone(); before == offset(change, loc) {
		t.Fatalf("%s: the clock does not change at %s", zone, change)
	}
	day := change.In(loc).AddDate(0, 0, -30)
	start, err := time.ParseInLocation("2006-01-02 15:04", day.Format(time.DateOnly)+" "+handOff, loc)
	if err != nil {
		t.Fatal(err)
	}
	users := []string{"ana", "ben", "cleo"}
	s, n := rotation(zone, start, 1, oncall.Days, users...), newNaive(loc, start, 1, users)
	for m := start; m.Before(start.AddDate(0, 0, 60)); {
		want := n.look(m)
		if got := s.OnCall(m); len(got) != 1 || got[0].UserID != want || m.Before(got[0].From) || !m.Before(got[0].To) {
			t.Fatalf("%s, hand-off %s, at %s: on call %v, want %s", zone, handOff, m, got, want)
		}
		if step := time.Hour; m.Add(step).Sub(change).Abs() > 15*time.Hour {
			m = m.Add(step)
		} else {
			m = m.Add(time.Minute)
		}
	}
}

func offset(t time.Time, loc *time.Location) int {
	_, o := t.In(loc).Zone()
	return o
}

// TestAnyScheduleHasOnePersonAtATime: shifts follow one another without gap or
// overlap, the top layer wins, and OnCall agrees with the rendering.
func TestAnyScheduleHasOnePersonAtATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySchedule(t)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		from := s.Layers[0].Start
		to := from.Add(time.Duration(rapid.IntRange(1, 200*24*60).Draw(t, "minutes")) * time.Minute)
		shifts, err := s.Shifts(from, to)
		if err != nil {
			t.Fatal(err)
		}
		end := from
		for _, shift := range shifts {
			if !shift.From.Equal(end) || !shift.To.After(shift.From) {
				t.Fatalf("shift %v does not follow %s", shift, end)
			}
			end = shift.To
		}
		if !end.Equal(to) {
			t.Fatalf("covered until %s, asked until %s", end, to)
		}
		checkAgreement(t, s, shifts)
	})
}

// checkAgreement asks OnCall at both ends of every shift and in the middle.
func checkAgreement(t *rapid.T, s oncall.Schedule, shifts []oncall.Shift) {
	t.Helper()
	for _, shift := range shifts {
		for _, m := range []time.Time{shift.From, shift.From.Add(shift.To.Sub(shift.From) / 2), shift.To.Add(-1)} {
			got := s.OnCall(m)
			if len(got) != 1 || got[0].UserID != shift.UserID || got[0].From.After(m) || !got[0].To.IsZero() && !m.Before(got[0].To) {
				t.Fatalf("at %s: OnCall says %v, the rendering %v", m, got, shift)
			}
			if want := topmost(s, m); got[0].UserID != want {
				t.Fatalf("at %s: on call %s, the topmost layer has %s", m, got[0].UserID, want)
			}
		}
	}
}

// topmost asks each layer alone, from the top.
func topmost(s oncall.Schedule, m time.Time) string {
	for k := len(s.Layers) - 1; k >= 0; k-- {
		alone := s
		alone.Layers = s.Layers[k : k+1]
		if got := alone.OnCall(m); len(got) > 0 {
			return got[0].UserID
		}
	}
	return ""
}

// anySchedule has a first layer without end, and others above it.
func anySchedule(t *rapid.T) oncall.Schedule {
	s := oncall.Schedule{TimeZone: rapid.SampledFrom([]string{
		"UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu",
	}).Draw(t, "zone")}
	base := time.Unix(rapid.Int64Range(1_200_000_000, 1_800_000_000).Draw(t, "base"), 0)
	for k := range rapid.IntRange(1, 3).Draw(t, "layers") {
		l := oncall.Layer{
			Start: base.Add(time.Duration(rapid.IntRange(-100*24*60, 100*24*60).Draw(t, "start")) * time.Minute),
			Turn:  rapid.IntRange(1, 10).Draw(t, "turn"),
			Unit:  rapid.SampledFrom([]oncall.TurnUnit{oncall.Hours, oncall.Days, oncall.Weeks}).Draw(t, "unit"),
		}
		for u := range rapid.IntRange(1, 4).Draw(t, "users") {
			l.Users = append(l.Users, fmt.Sprintf("layer %d user %d", k, u))
		}
		if k > 0 && rapid.Bool().Draw(t, "ends") {
			l.Until = l.Start.Add(time.Duration(rapid.IntRange(1, 10000).Draw(t, "until")) * time.Minute)
		}
		s.Layers = append(s.Layers, l)
	}
	return s
}
