package setup

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/oncall"
)

func (v value) schedule() Schedule {
	f := v.fields("name", "time_zone", "rotation", "layers")
	s := Schedule{Name: f.need("name").name(), TimeZone: f.get("time_zone").zone(), at: v.at}
	rotation, layers := f.get("rotation"), f.get("layers")
	if rotation.given() {
		r := rotation.fields("start", "turn", "users").rotation()
		s.Rotation = &r
	}
	s.Layers = each(layers, oncall.MaxLayers, value.layer)
	switch {
	case rotation.given() && layers.given():
		v.wrong("rotation is short for one layer; keep rotation or layers, not both")
	case layers.given() && len(s.Layers) == 0:
		layers.wrong("a schedule needs at least one layer")
	}
	names := seen{problems: v.r.problems, what: "layer"}
	for _, l := range s.Layers {
		names.note(NameKey(l.Name), l.Name, l.at)
	}
	return s
}

func (v value) layer() Layer {
	f := v.fields("name", "start", "until", "turn", "users", "restrictions")
	l := Layer{Name: f.need("name").name(), Rotation: f.rotation()}
	l.Until, l.UntilLocal = f.get("until").moment()
	for _, days := range each(f.get("restrictions"), oncall.MaxRestrictions, value.restriction) {
		l.Restrictions = append(l.Restrictions, days...)
	}
	if len(l.Restrictions) > oncall.MaxRestrictions {
		f.get("restrictions").wrong("these are %d restrictions, each day for itself; at most %d are allowed", len(l.Restrictions), oncall.MaxRestrictions)
	}
	return l
}

func (f fields) rotation() Rotation {
	r := Rotation{at: f.of.at}
	r.Start, r.Local = f.need("start").moment()
	r.Turn, r.Unit = f.need("turn").turn()
	users := f.need("users")
	r.Users = each(users, oncall.MaxUsers, value.person)
	if users.given() && len(r.Users) == 0 {
		users.wrong("a rotation needs somebody; list at least one e-mail address")
	}
	return r
}

const day = 24 * time.Hour

// restriction reads hours of every day, {from: 22:00, to: 08:00}; of some days,
// with {days: [saturday, sunday]}; or one stretch of the week, {from: friday
// 18:00, to: monday 08:00}. An end that is not after the beginning is the next
// day's, or the next week's.
func (v value) restriction() []oncall.Restriction {
	f := v.fields("days", "from", "to")
	from, to := f.need("from").clock(), f.need("to").clock()
	days := each(f.get("days"), 7, value.weekday)
	switch {
	case !from.ok || !to.ok || slices.Contains(days, -1):
		return nil // reported
	case from.ofWeek != to.ofWeek || from.ofWeek && days != nil:
		v.wrong("write from and to both with a weekday (friday 18:00), or both without one and the days beside them")
		return nil
	case from.ofWeek:
		length := to.at - from.at
		if length <= 0 {
			length += 7 * day
		}
		return []oncall.Restriction{{Cycle: oncall.Weekly, Day: time.Weekday(from.at / day), Start: from.at % day, Length: length}}
	}
	length := to.at - from.at
	if length <= 0 {
		length += day
	}
	if days == nil {
		return []oncall.Restriction{{Cycle: oncall.Daily, Start: from.at, Length: length}}
	}
	if len(days) == 0 {
		f.get("days").wrong("it is empty; name the days, or leave it out for every day")
	}
	slices.Sort(days)
	var out []oncall.Restriction
	for _, d := range slices.Compact(days) {
		out = append(out, oncall.Restriction{Cycle: oncall.Weekly, Day: d, Start: from.at, Length: length})
	}
	return out
}

// clock is a time of day, or of the week, counted from Sunday 00:00.
type clock struct {
	at         time.Duration
	ofWeek, ok bool
}

var clockForm = regexp.MustCompile(`^(?:([a-z]+) )?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$`)

func (v value) clock() clock {
	if !v.given() {
		return clock{}
	}
	m := clockForm.FindStringSubmatch(strings.ToLower(v.text()))
	if m == nil {
		v.wrong("expected a time of day like 09:00, or a weekday and a time like friday 18:00")
		return clock{}
	}
	var c clock
	for k, bound := range []int{24, 60, 60} {
		n, _ := strconv.Atoi(m[k+2])
		if n >= bound {
			v.wrong("there is no such time of day; it goes from 00:00 to 23:59:59")
			return clock{}
		}
		c.at = c.at*60 + time.Duration(n)*time.Second
	}
	if m[1] != "" {
		d := weekdayOf(m[1])
		if d < 0 {
			v.wrong("%q is no weekday; write monday or mon", m[1])
			return clock{}
		}
		c.ofWeek, c.at = true, c.at+time.Duration(d)*day
	}
	c.ok = true
	return c
}

// weekday reads a day's name; -1 when it is wrong.
func (v value) weekday() time.Weekday {
	name := strings.ToLower(v.text())
	d := weekdayOf(name)
	if d < 0 && name != "" {
		v.wrong("%q is no weekday; write monday or mon", clip(name))
	}
	return d
}

// weekdayOf reads monday or mon.
func weekdayOf(name string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if full := strings.ToLower(d.String()); name == full || name == full[:3] {
			return d
		}
	}
	return -1
}
