package oncall_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/nightbell/nightbell/oncall"
)

// brute is who is on call by the plainest of rules: it looks at the clocks on
// the walls minute by minute and remembers the latest reading they have shown.
// What is to begin at a reading has begun once the clock has shown it, or one
// after it. No moment is ever computed from a reading.
type brute struct {
	layers    []bruteLayer
	events    []bruteEvent
	overrides []oncall.Override
	clocks    []*bruteClock
}

// bruteClock is a clock on a wall: the latest reading that it has shown, in
// seconds as if it hung in UTC.
type bruteClock struct {
	loc   *time.Location
	shown int64
}

type bruteLayer struct {
	oncall.Layer
	clock      *bruteClock
	start      int64 // on the wall
	from, till int64 // instants, as their own seconds
}

type bruteEvent struct {
	oncall.Event
	clock      *bruteClock
	starts     []int64
	begun      int // of starts
	length     int64
	from, till int64
}

func newBrute(t testing.TB, s oncall.Schedule, until time.Time) *brute {
	t.Helper()
	b := &brute{overrides: slices.Clone(s.Overrides)}
	slices.SortFunc(b.overrides, func(x, y oncall.Override) int { return x.MadeAt.Compare(y.MadeAt) })
	home := b.clock(t, s.TimeZone)
	for _, l := range s.Layers {
		b.layers = append(b.layers, bruteLayer{l, home, reading(l.Start, home.loc).Unix(), l.Start.Unix(), orNever(l.Until)})
	}
	for _, r := range s.Rotations {
		for _, e := range r.Events {
			clock := home
			if e.TimeZone != "" {
				clock = b.clock(t, e.TimeZone)
			}
			b.events = append(b.events, bruteEvent{
				Event: e, clock: clock, starts: startsOf(t, e, clock.loc, until), from: max(e.Start.Unix(), e.Since.Unix()), till: orNever(e.Until),
				length: reading(e.End, clock.loc).Unix() - reading(e.Start, clock.loc).Unix(),
			})
		}
	}
	return b
}

func orNever(t time.Time) int64 {
	if t.IsZero() {
		return 1 << 60
	}
	return t.Unix()
}

func (b *brute) clock(t testing.TB, zone string) *bruteClock {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	c := &bruteClock{loc: loc}
	b.clocks = append(b.clocks, c)
	return c
}

// startsOf asks the library for every start from the first to the end.
func startsOf(t testing.TB, e oncall.Event, loc *time.Location, until time.Time) []int64 {
	t.Helper()
	first := reading(e.Start, loc)
	if len(e.Recurrence) == 0 {
		return []int64{first.Unix()}
	}
	opt, err := rrule.StrToROption(strings.TrimPrefix(e.Recurrence[0], "RRULE:"))
	if err != nil {
		t.Fatal(err)
	}
	opt.Dtstart = first
	rule, err := rrule.NewRRule(*opt)
	if err != nil {
		t.Fatal(err)
	}
	var out []int64
	for _, start := range rule.Between(first, until.Add(48*time.Hour), true) {
		out = append(out, start.Unix())
	}
	return out
}

// look must be called for moments in order; it gives user ids, sorted.
func (b *brute) look(at time.Time) []string {
	now := at.Unix()
	for _, c := range b.clocks {
		_, east := at.In(c.loc).Zone()
		c.shown = max(c.shown, now+int64(east))
	}
	var on []string
	for k := len(b.layers) - 1; k >= 0 && on == nil; k-- {
		on = b.layers[k].look(now)
	}
	for k := range b.events {
		on = append(on, b.events[k].look(now)...)
	}
	for _, o := range b.overrides {
		switch {
		case at.Before(o.From) || !at.Before(o.To):
		case o.Instead == "":
			on = []string{o.UserID}
		default:
			for k := range on {
				if on[k] == o.Instead {
					on[k] = o.UserID
				}
			}
		}
	}
	slices.Sort(on)
	return on
}

func (l *bruteLayer) look(now int64) []string {
	if now < l.from || now >= l.till {
		return nil
	}
	open := len(l.Restrictions) == 0
	for _, r := range l.Restrictions {
		open = open || within(r, l.clock.shown)
	}
	if !open {
		return nil
	}
	gone, turn := now-l.from, int64(l.Turn)*3600
	if l.Unit != oncall.Hours {
		gone, turn = l.clock.shown-l.start, int64(l.Turn)*86400
	}
	if l.Unit == oncall.Weeks {
		turn *= 7
	}
	k := int(gone/turn) % len(l.Users)
	return slices.Clone(l.Users[k : k+1])
}

// within measures how long ago the restriction last began, round the clock.
func within(r oncall.Restriction, shown int64) bool {
	start, cycle := int64(r.Start/time.Second), int64(86400)
	if r.Cycle == oncall.Weekly {
		// 1970 began on a Thursday.
		start, cycle = start+86400*int64((r.Day-time.Thursday+7)%7), 7*86400
	}
	return ((shown-start)%cycle+cycle)%cycle < int64(r.Length/time.Second)
}

func (e *bruteEvent) look(now int64) (on []string) {
	for e.begun < len(e.starts) && e.starts[e.begun] <= e.clock.shown {
		e.begun++
	}
	if now < e.from || now >= e.till || len(e.Members) == 0 {
		return nil
	}
	for k := e.begun - 1; k >= 0 && e.clock.shown < e.starts[k]+e.length; k-- {
		if e.Strategy == oncall.Every {
			on = append(on, e.Members...)
		} else {
			on = append(on, e.Members[k/e.ShiftsPerMember%len(e.Members)])
		}
	}
	return on
}

var eightZones = []string{
	"Europe/Madrid", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe",
	"America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu",
}

// yearsOf are the years in which the zones did something: São Paulo has given
// up its summer time, Apia left out a day, St. John's changed at one past
// midnight.
func yearsOf(zone string) int {
	switch zone {
	case "America/Sao_Paulo":
		return 2018
	case "Pacific/Apia":
		return 2011
	case "America/St_Johns":
		return 2010
	default:
		return 2026
	}
}

func clock(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute }

// bruteLayers has daily, weekly and hourly turns, with hand-offs and
// restrictions inside the gaps and overlaps of the eight zones.
func bruteLayers(zone string, loc *time.Location, year int) oncall.Schedule {
	begin := func(month time.Month, day, h, m int) time.Time { return time.Date(year-1, month, day, h, m, 0, 0, loc) }
	return oncall.Schedule{TimeZone: zone, Layers: []oncall.Layer{
		{Users: []string{"a", "b", "c"}, Start: begin(11, 3, 2, 15), Turn: 1, Unit: oncall.Days},
		{Users: []string{"d", "e"}, Start: begin(11, 30, 0, 30), Turn: 1, Unit: oncall.Weeks, Restrictions: []oncall.Restriction{
			{Cycle: oncall.Daily, Start: clock(22, 0), Length: clock(4, 30)}, // to 02:30
			{Cycle: oncall.Weekly, Day: time.Sunday, Start: clock(1, 45), Length: clock(0, 40)},
			{Cycle: oncall.Weekly, Day: time.Saturday, Start: clock(12, 0), Length: clock(30, 0)},
		}},
		{Users: []string{"f", "g"}, Start: begin(12, 5, 0, 0), Turn: 5, Unit: oncall.Hours, Restrictions: []oncall.Restriction{
			{Cycle: oncall.Daily, Start: clock(2, 10), Length: clock(0, 35)},
			{Cycle: oncall.Daily, Start: clock(0, 0), Length: clock(0, 45)},
			{Cycle: oncall.Daily, Start: clock(23, 30), Length: clock(0, 30)},
		}},
	}, Overrides: []oncall.Override{
		{ID: "1", UserID: "h", From: begin(12, 30, 10, 0).AddDate(0, 4, 0), To: begin(12, 30, 10, 0).AddDate(0, 4, 3), MadeAt: begin(12, 1, 0, 0)},
		{ID: "2", UserID: "i", From: begin(12, 30, 10, 0).AddDate(0, 4, 1), To: begin(12, 30, 11, 0).AddDate(0, 4, 1), MadeAt: begin(12, 2, 0, 0)},
	}}
}

// bruteShifts has shifts of hours, days, weeks and months at once.
func bruteShifts(zone string, loc *time.Location, year int) oncall.Schedule {
	event := func(id string, day, h, m int, length time.Duration, rule string, members ...string) oncall.Event {
		start := time.Date(year-1, 11, day, h, m, 0, 0, loc)
		end := time.Date(year-1, 11, day, h, m, int(length/time.Second), 0, loc)
		e := oncall.Event{ID: id, Start: start, End: end, Members: members, Strategy: oncall.Rotating, ShiftsPerMember: 1}
		if rule != "" {
			e.Recurrence = []string{"RRULE:" + rule}
		}
		return e
	}
	twice := event("twice", 10, 1, 45, 24*time.Hour, "FREQ=DAILY;INTERVAL=2", "a", "b", "c")
	twice.ShiftsPerMember = 2
	hourly := event("hourly", 10, 2, 0, 30*time.Minute, "FREQ=HOURLY;INTERVAL=5", "d", "e")
	weekdays := event("weekdays", 10, 9, 0, 9*time.Hour, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;WKST=SU", "f", "g", "h")
	weekdays.ShiftsPerMember = 5
	nights := event("nights", 10, 0, 15, 2*time.Hour, "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA", "i", "j")
	nights.Strategy = oncall.Every
	abroad := event("abroad", 12, 2, 30, 5*time.Hour, "FREQ=DAILY;BYDAY=SU,MO", "k", "l")
	abroad.TimeZone = "America/New_York"
	monthly := event("monthly", 30, 12, 0, 40*time.Hour, "FREQ=MONTHLY;BYDAY=-1SU,1MO", "m", "n", "o")
	lastDays := event("last days", 10, 8, 0, 12*time.Hour, "FREQ=MONTHLY;BYMONTHDAY=-1,31", "p", "q")
	lastDays.Since = time.Date(year, 2, 3, 4, 0, 0, 0, loc)
	summer := event("summer", 11, 23, 0, 4*time.Hour, "FREQ=DAILY;BYMONTH=3,10,11", "r", "s")
	summer.Until = time.Date(year, 10, 30, 1, 0, 0, 0, loc)
	gap := event("nobody", 11, 6, 0, 4*time.Hour, "FREQ=DAILY")
	long := event("overlapping itself", 13, 20, 0, 60*time.Hour, "FREQ=DAILY;COUNT=400", "t", "u", "v")
	once := event("once", 14, 2, 30, 300*time.Hour, "", "w")
	return oncall.Schedule{TimeZone: zone, Rotations: []oncall.Rotation{
		{ID: "1", Events: []oncall.Event{twice, hourly, weekdays}},
		{ID: "2", Events: []oncall.Event{nights, abroad, monthly, lastDays}},
		{ID: "3", Events: []oncall.Event{summer, gap, long, once}},
	}, Overrides: []oncall.Override{
		{ID: "1", UserID: "x", Instead: "f", From: time.Date(year, 3, 1, 0, 0, 0, 0, loc), To: time.Date(year, 4, 5, 0, 0, 0, 0, loc), MadeAt: time.Unix(1, 0)},
		{ID: "2", UserID: "y", Instead: "x", From: time.Date(year, 3, 10, 12, 0, 0, 0, loc), To: time.Date(year, 3, 12, 0, 0, 0, 0, loc), MadeAt: time.Unix(2, 0)},
		{ID: "3", UserID: "z", From: time.Date(year, 3, 11, 10, 0, 0, 0, loc), To: time.Date(year, 3, 11, 11, 30, 0, 0, loc), MadeAt: time.Unix(3, 0)},
	}}
}

// TestEveryMinuteOfAYear compares the rendering with brute force at every
// minute of a year in eight zones, and OnCall at every half hour, and at every
// minute of the days on which the clock changes.
func TestEveryMinuteOfAYear(t *testing.T) {
	t.Parallel()
	for _, zone := range eightZones {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		year := yearsOf(zone)
		for kind, s := range map[string]oncall.Schedule{"layers": bruteLayers(zone, loc, year), "shifts": bruteShifts(zone, loc, year)} {
			t.Run(zone+" "+kind, func(t *testing.T) {
				t.Parallel()
				if err := s.Validate(); err != nil {
					t.Fatal(err)
				}
				from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				compareYear(t, s, loc, from, from.AddDate(1, 0, 0))
			})
		}
	}
}

func compareYear(t *testing.T, s oncall.Schedule, loc *time.Location, from, to time.Time) {
	shifts, err := s.Shifts(from, to)
	if err != nil {
		t.Fatal(err)
	}
	naive := newBrute(t, s, to)
	naive.look(from.Add(-24 * time.Hour)) // the clock has shown yesterday
	var open []oncall.Shift
	var users []string
	for m := from; m.Before(to); m = m.Add(time.Minute) {
		changing := offset(m.Add(-12*time.Hour), loc) != offset(m.Add(12*time.Hour), loc)
		if !changing && m.Minute()%step != 0 {
			continue
		}
		before := len(shifts) + 1000*len(open)
		for len(shifts) > 0 && !shifts[0].From.After(m) {
			open, shifts = append(open, shifts[0]), shifts[1:]
		}
		open = slices.DeleteFunc(open, func(s oncall.Shift) bool { return !m.Before(s.To) })
		if len(shifts)+1000*len(open) != before || m.Equal(from) {
			users = usersOf(open)
		}
		want := naive.look(m)
		if got := users; !slices.Equal(got, want) {
			t.Fatalf("at %s (%s): rendered %v, by brute force %v", m.Format(time.RFC3339), m.In(loc), got, want)
		}
		if m.Minute()%30 == 0 || changing {
			now := s.OnCall(m)
			if got := usersOf(now); !slices.Equal(got, want) {
				t.Fatalf("at %s (%s): on call %v, by brute force %v", m.Format(time.RFC3339), m.In(loc), now, want)
			}
			agree(t, now, open, m, from, to)
		}
	}
}

// agree: the shifts that OnCall gives are those of the rendering.
func agree(t *testing.T, now, rendered []oncall.Shift, at, from, to time.Time) {
	t.Helper()
	for _, s := range now {
		if s.From.Before(from) {
			s.From = from
		}
		if s.To.IsZero() || s.To.After(to) {
			s.To = to
		}
		if !slices.Contains(rendered, s) {
			t.Fatalf("at %s: OnCall has %v, the rendering %v", at, s, rendered)
		}
	}
}

func usersOf(shifts []oncall.Shift) []string {
	var out []string
	for _, s := range shifts {
		out = append(out, s.UserID)
	}
	slices.Sort(out)
	return out
}
