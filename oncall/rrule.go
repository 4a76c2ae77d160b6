package oncall

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/nightbell/nightbell/fault"
)

// memo remembers what was worked out about recurrences, refusals too: reading a
// rule costs some ten microseconds, and it is asked about at each escalation.
// It holds constants, not state, so the functions here stay pure; it is emptied
// when it has grown too large.
type memo struct {
	mu    sync.RWMutex
	known map[memoKey]memoized
}

type memoKey struct {
	lines, zone   string
	start, length int64
}

type memoized struct {
	rule *recurrence
	err  error
}

// maxMemo bounds the memo; a rule of weeks takes some hundred bytes, one of
// months that is asked about for decades some kilobytes.
const maxMemo = 10_000

var recurrences memo //nolint:gochecknoglobals // a memo of constants, not state

// recurrenceOf reads the lines of an event whose first shift begins at a
// reading of the zone's wall and lasts so long on it.
func recurrenceOf(lines []string, start, length int64, loc *time.Location) (*recurrence, error) {
	key := memoKey{zone: loc.String(), start: start, length: length}
	switch len(lines) {
	case 0:
	case 1:
		key.lines = lines[0]
	default:
		key.lines = strings.Join(lines, "\n")
	}
	recurrences.mu.RLock()
	m, ok := recurrences.known[key]
	recurrences.mu.RUnlock()
	if ok {
		return m.rule, m.err
	}
	m.rule, m.err = readRecurrence(lines, start, length, loc)
	recurrences.mu.Lock()
	defer recurrences.mu.Unlock()
	if len(recurrences.known) >= maxMemo || recurrences.known == nil {
		recurrences.known = map[memoKey]memoized{}
	}
	recurrences.known[key] = m
	return m.rule, m.err
}

func errRule(code, format string, args ...any) error {
	return fault.Field("recurrence", code, format, args...)
}

func readRecurrence(lines []string, start, length int64, loc *time.Location) (*recurrence, error) {
	if len(lines) > maxRecurrence {
		return nil, errRule("bad_recurrence", "A recurrence has %d lines at most, this one has %d.", maxRecurrence, len(lines))
	}
	r := &recurrence{pattern: []int64{start}, last: math.MaxInt64}
	var added []int64
	ruled := false
	for _, line := range lines {
		name, value, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), ":")
		name, params, _ := strings.Cut(name, ";")
		var err error
		switch {
		case len(line) > maxRuleText:
			return nil, errRule("bad_recurrence", "A line of a recurrence has %d characters at most.", maxRuleText)
		case name == "RRULE" && ruled:
			return nil, errRule("bad_recurrence", "There are two RRULE lines; an event has one. Make two events.")
		case name == "RRULE":
			ruled, err = true, r.readRule(value, start, loc)
		case name == "EXDATE":
			r.removed, err = readDates(r.removed, params, value, loc)
		case name == "RDATE":
			added, err = readDates(added, params, value, loc)
		default:
			return nil, errRule("bad_recurrence", "A line of a recurrence begins with RRULE:, EXDATE or RDATE, not with %q.", clip(line))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, x := range added {
		if at, ok := r.start(r.upTo(x) - 1); (!ok || at != x) && !slices.Contains(r.added, x) && x >= start {
			r.added = append(r.added, x)
		}
	}
	return r, r.checkCrowd(length)
}

// checkCrowd refuses shifts so long that many of the same event overlap: each
// look at a moment would have to visit all of them.
func (r *recurrence) checkCrowd(length int64) error {
	for k := range 100 {
		first, _ := r.start(k)
		if far, ok := r.start(k + maxAtOnce); ok && far-first < length {
			return errRule("too_many_at_once", "The shifts are so long that more than %d of them overlap; make them shorter or rarer.", maxAtOnce)
		}
	}
	return nil
}

// readRule takes over an RRULE.
func (r *recurrence) readRule(text string, start int64, loc *time.Location) error {
	opt, err := rrule.StrToROptionInLocation(text, loc)
	if err != nil || strings.ContainsAny(text, "\n\r") {
		return errRule("bad_rrule", "%q is no recurrence rule of RFC 5545; write it like RRULE:FREQ=WEEKLY;BYDAY=MO,TU.", clip(text))
	}
	if err := checkRule(opt, text, start); err != nil {
		return err
	}
	r.limit = opt.Count
	if !opt.Until.IsZero() {
		r.last = wallOf(opt.Until, loc).at.Unix()
		if untilDate(text) {
			r.last += aDay - 1 // the day is meant, not its first moment
		}
	}
	opt.Count, opt.Dtstart, opt.Until = 0, time.Unix(start, 0).UTC(), time.Date(horizon, 1, 1, 0, 0, 0, 0, time.UTC)
	r.period = periodOf(opt)
	if r.period > 0 {
		opt.Until = time.Unix(start+r.period-1, 0).UTC()
	}
	rule, err := rrule.NewRRule(*opt)
	if err != nil {
		return errRule("bad_rrule", "%q is no recurrence rule of RFC 5545: %s.", clip(text), err)
	}
	r.take(rule)
	if _, ok := r.start(0); !ok {
		return errRule("never", "The rule %q never comes true after the start; correct it.", clip(text))
	}
	return nil
}

// take takes over what the library says: a whole period, or where to ask on.
func (r *recurrence) take(rule *rrule.RRule) {
	r.pattern, r.next = nil, rule.Iterator()
	if r.period == 0 {
		return
	}
	for t, ok := r.next(); ok; t, ok = r.next() {
		r.pattern = append(r.pattern, t.Unix())
	}
	r.pattern, r.next = slices.Compact(r.pattern), nil
}

// checkRule refuses what could not be worked out in bounded time, and what the
// library would read otherwise than people do.
func checkRule(opt *rrule.ROption, text string, start int64) error {
	monthly := opt.Freq == rrule.MONTHLY || opt.Freq == rrule.YEARLY
	switch {
	case opt.Freq == rrule.SECONDLY || opt.Freq == rrule.MINUTELY:
		return errRule("too_often", "Shifts come round every hour at the most; FREQ=%s is too often.", opt.Freq)
	case len(opt.Byminute) > 1 || len(opt.Bysecond) > 1:
		return errRule("too_often", "Shifts begin at one minute of an hour; give one BYMINUTE and one BYSECOND, or none.")
	case strings.Contains(text, "INTERVAL") && (opt.Interval < 1 || opt.Interval > maxRuleInterval):
		return errRule("bad_rrule", "INTERVAL is from 1 to %d.", maxRuleInterval)
	case strings.Contains(text, "COUNT") && opt.Count < 1:
		return errRule("bad_rrule", "COUNT is 1 or more.")
	case len(opt.Byeaster) > 0 || strings.Contains(text, "DTSTART"):
		return errRule("bad_rrule", "BYEASTER and DTSTART do not belong in an RRULE line; the start is the event's own.")
	case !monthly && len(opt.Bymonthday)+len(opt.Byyearday)+len(opt.Byweekno) > 0:
		return errRule("bad_rrule", "BYMONTHDAY, BYYEARDAY and BYWEEKNO go with FREQ=MONTHLY or FREQ=YEARLY.")
	case opt.Freq == rrule.HOURLY && len(opt.Bymonth)+len(opt.Bysetpos) > 0:
		return errRule("bad_rrule", "BYMONTH and BYSETPOS do not go with FREQ=HOURLY; use FREQ=DAILY with BYHOUR.")
	case periodOf(opt) == 0 && len(opt.Byhour) > 4:
		return errRule("too_often", "A rule that names months has at most 4 hours in BYHOUR; make several events.")
	case opt.Freq == rrule.HOURLY && !hoursMeet(opt, int(start/3600%24)):
		return errRule("never", "The rule never reaches one of the hours in BYHOUR; correct it.")
	}
	return nil
}

// hoursMeet reports whether steps of the interval ever reach an hour of BYHOUR;
// the library would look for it for ever.
func hoursMeet(opt *rrule.ROption, hour int) bool {
	step := gcd(max(opt.Interval, 1), 24)
	return len(opt.Byhour) == 0 || slices.ContainsFunc(opt.Byhour, func(h int) bool { return (h-hour)%step == 0 })
}

// periodOf is after how many seconds a rule repeats itself; 0 for one that the
// lengths of months make irregular.
func periodOf(opt *rrule.ROption) int64 {
	every := max(opt.Interval, 1)
	switch {
	case len(opt.Bymonth) > 0:
		return 0
	case opt.Freq == rrule.HOURLY:
		return int64(every/gcd(every, 7*24)*7*24) * 3600
	case opt.Freq == rrule.DAILY:
		return int64(every/gcd(every, 7)*7) * aDay
	case opt.Freq == rrule.WEEKLY:
		return int64(every) * aWeek
	default:
		return 0
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// untilDate reports whether UNTIL is a date without a time.
func untilDate(text string) bool {
	_, until, _ := strings.Cut(text, "UNTIL=")
	until, _, _ = strings.Cut(until, ";")
	return len(until) == len(rrule.DateFormat)
}

// readDates reads the value of an EXDATE or RDATE line into readings of the
// zone's wall.
func readDates(into []int64, params, value string, loc *time.Location) ([]int64, error) {
	if tz, ok := strings.CutPrefix(params, "TZID="); ok {
		// Zone names are not upper case; that of the line is mostly the event's.
		if !strings.EqualFold(tz, loc.String()) {
			return nil, errRule("bad_dates", "The dates are in %s and the event in %s; give them in UTC or in the event's zone.", clip(tz), loc)
		}
	} else if params != "" && params != "VALUE=DATE-TIME" {
		return nil, errRule("bad_dates", "EXDATE and RDATE lines hold dates with times, without %q.", clip(params))
	}
	for one := range strings.SplitSeq(value, ",") {
		form, from := rrule.LocalDateTimeFormat, loc
		if strings.HasSuffix(one, "Z") {
			form, from = rrule.DateTimeFormat, time.UTC
		}
		t, err := time.ParseInLocation(form, one, from)
		if err != nil || len(into) == maxExtraShifts {
			return nil, errRule("bad_dates", "%q is not one of at most %d dates like 20261224T090000.", clip(one), maxExtraShifts)
		}
		into = append(into, wallOf(t, loc).at.Unix())
	}
	return into, nil
}

// clip keeps a quoted mistake short.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
