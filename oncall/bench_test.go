package oncall_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nightbell/nightbell/oncall"
)

// large has five layers over twenty people, three of them with restrictions,
// and fifty overrides; it began seven years ago.
func large(zone string) oncall.Schedule {
	start := time.Date(2019, 1, 7, 9, 0, 0, 0, time.UTC)
	s := oncall.Schedule{TimeZone: zone}
	for k, l := range []oncall.Layer{
		{Turn: 1, Unit: oncall.Weeks}, {Turn: 1, Unit: oncall.Days}, {Turn: 12, Unit: oncall.Hours, Restrictions: []oncall.Restriction{daily(22, 0, 10*time.Hour)}},
		{Turn: 1, Unit: oncall.Days, Restrictions: []oncall.Restriction{weekly(time.Friday, 18, 0, 62*time.Hour)}},
		{Turn: 2, Unit: oncall.Weeks, Restrictions: []oncall.Restriction{weekly(time.Monday, 9, 0, 3*time.Hour), weekly(time.Thursday, 9, 0, 3*time.Hour)}},
	} {
		l.Start = start.Add(time.Duration(k) * 7 * time.Minute)
		for u := range 20 {
			l.Users = append(l.Users, fmt.Sprintf("usr_%02d", (u*7+k)%20))
		}
		s.Layers = append(s.Layers, l)
	}
	for k := range 50 {
		from := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, 7*k)
		s.Overrides = append(s.Overrides, oncall.Override{ID: fmt.Sprint(k), UserID: "usr_00", From: from, To: from.Add(9 * time.Hour), MadeAt: from})
	}
	return s
}

func BenchmarkRenderYear(b *testing.B) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, s := range map[string]oncall.Schedule{"layers": large("Europe/Madrid"), "shifts": bruteShifts("Europe/Madrid", time.UTC, 2026)} {
		for _, days := range []int{30, 365} {
			b.Run(fmt.Sprintf("%s/days=%d", name, days), func(b *testing.B) {
				n := 0
				for b.Loop() {
					shifts, err := s.Shifts(from, from.AddDate(0, 0, days))
					if err != nil {
						b.Fatal(err)
					}
					n = len(shifts)
				}
				b.ReportMetric(float64(n), "shifts")
			})
		}
	}
}

// BenchmarkOnCallNow asks 1,000 schedules in all zones; the figure is for all.
func BenchmarkOnCallNow(b *testing.B) {
	at := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	kinds := map[string]func(k int) oncall.Schedule{
		"one layer": func(k int) oncall.Schedule {
			return rotation(eightZones[k%len(eightZones)], time.Date(2019, 1, 7, 9, k%60, 0, 0, time.UTC), 1, oncall.Weeks, "a", "b", "c")
		},
		"five layers": func(k int) oncall.Schedule { return large(eightZones[k%len(eightZones)]) },
		"eleven events": func(k int) oncall.Schedule {
			return bruteShifts(eightZones[k%len(eightZones)], time.UTC, 2020+k%5)
		},
	}
	for name, kind := range kinds {
		var all []oncall.Schedule
		for k := range 1000 {
			all = append(all, kind(k))
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for k := range all {
					all[k].OnCall(at)
				}
			}
		})
	}
}

func BenchmarkHandOffs(b *testing.B) {
	s := large("Europe/Madrid")
	at := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	for b.Loop() {
		if _, err := s.HandOffs("usr_03", at, 4); err != nil {
			b.Fatal(err)
		}
	}
}
