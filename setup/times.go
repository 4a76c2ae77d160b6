package setup

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/oncall"
)

// Bounds of durations; those of levels and rules are oncall's.
const (
	defaultDelay = 5 * time.Minute
	minTimeout   = time.Second
	maxTimeout   = 90 * 24 * time.Hour
)

// span reads a duration between the bounds; lo when it is wrong.
func (v value) span(lo, hi time.Duration) time.Duration {
	if !v.given() {
		return lo
	}
	d, err := time.ParseDuration(v.text())
	switch {
	case err != nil:
		v.wrong("expected a duration like 30s, 5m or 2h30m")
	case d < lo || d > hi:
		v.wrong("expected a duration from %s to %s", span(lo), span(hi))
	case d%time.Millisecond != 0:
		v.wrong("a duration finer than a millisecond means nothing here; round it")
	default:
		return d
	}
	return lo
}

// timeout reads a duration that may be "off"; nil when absent.
func (v value) timeout() *time.Duration {
	if !v.given() {
		return nil
	}
	var d time.Duration
	if s := v.text(); s != "off" && s != "0" && s != "0s" {
		d = v.span(minTimeout, maxTimeout)
	}
	return &d
}

var turnForm = regexp.MustCompile(`^([0-9]{1,4}) ?(hours?|days?|weeks?)$`)

// turn reads "1 week", "12 hours", or the same as {length: 12, unit: hours}.
func (v value) turn() (int, oncall.TurnUnit) {
	if !v.given() {
		return 1, oncall.Weeks
	}
	if _, isMap := pairs(v.node); isMap {
		f := v.fields("length", "unit")
		unit := word(f.need("unit"), oncall.Hours, oncall.Days, oncall.Weeks)
		return f.need("length").number(1, maxTurn(unit)), unit
	}
	if m := turnForm.FindStringSubmatch(v.text()); m != nil {
		unit := oncall.TurnUnit(strings.TrimSuffix(m[2], "s") + "s")
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= maxTurn(unit) {
			return n, unit
		}
	}
	v.wrong("expected a turn like 12 hours, 1 day or 2 weeks, of at most a year")
	return 1, oncall.Weeks
}

// maxTurn is about a year in the unit.
func maxTurn(u oncall.TurnUnit) int {
	switch u {
	case oncall.Hours:
		return oncall.MaxTurn * 24
	case oncall.Days:
		return oncall.MaxTurn
	default:
		return oncall.MaxTurn / 7
	}
}

// moment reads a date and time: with an offset it is that instant, without
// one (local) it is the wall clock of the schedule's zone.
func (v value) moment() (at time.Time, local bool) {
	if !v.given() {
		return time.Time{}, false
	}
	s := v.text()
	if t, err := time.Parse(time.RFC3339, s); err == nil && sane(t) {
		return t.UTC().Truncate(time.Microsecond), false
	}
	for _, form := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(form, s); err == nil && sane(t) {
			return t.Truncate(time.Second), true
		}
	}
	v.wrong("expected a date and time like 2026-11-02 09:00 (in the schedule's time zone) or 2026-11-02T09:00:00+01:00, between the years 2000 and 2200")
	return time.Time{}, false
}

func sane(t time.Time) bool { return t.Year() >= 2000 && t.Year() < 2200 }

// span writes a duration as people write it: 5m, not 5m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// timeoutWord writes a timeout, "off" for none.
func timeoutWord(d time.Duration) string {
	if d == 0 {
		return "off"
	}
	return span(d)
}

// turnWord writes a turn: "1 week", "12 hours".
func turnWord(n int, u oncall.TurnUnit) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(string(u), "s")
	}
	return fmt.Sprintf("%d %s", n, u)
}
