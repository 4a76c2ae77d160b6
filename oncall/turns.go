package oncall

import "time"

// track answers who has a moment and for how long nothing changes. Layers are
// tracks, with restrictions or without, and stack the same way.
type track interface {
	// at gives the stretch around t, with a user or with nobody.
	at(t time.Time) stretch
}

// stretch is a piece of a track during which one user, or nobody (""), has
// it. It includes from and excludes to; a zero end is open.
type stretch struct {
	user     string
	override string // the override that put the user there, if one did
	from, to time.Time
}

// within is the part that both have, with s's user.
func (s stretch) within(o stretch) stretch {
	s.from, s.to = later(s.from, o.from), earlier(s.to, o.to)
	return s
}

// has reports whether t is in the stretch.
func (s stretch) has(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || t.Before(s.to))
}

// stacked asks the topmost track first; where it has nobody, the one below
// shows through for as long as that stays so. Tracks are given bottom first.
func stacked(tracks []track, t time.Time) stretch {
	var window stretch // of nobody, over all time
	for k := len(tracks) - 1; k >= 0; k-- {
		s := tracks[k].at(t)
		window = s.within(window)
		if s.user != "" {
			return window
		}
	}
	return window
}

// turns is a layer made ready for arithmetic in its schedule's zone.
type turns struct {
	layer Layer
	loc   *time.Location
	start wall // what the zone's clock shows at the first hand-off
}

// trackOf is nil for a layer that Validate refuses: it has nobody, and the
// layers below show through.
func trackOf(l Layer, loc *time.Location) track {
	if l.Validate() != nil {
		return nil
	}
	r := turns{layer: l, loc: loc, start: wallOf(l.Start, loc)}
	if windows := windowsOf(l.Restrictions); len(windows) > 0 {
		return restricted{turns: r, windows: windows}
	}
	return r
}

// life is the stretch in which the layer is there at all.
func (r turns) life() stretch { return stretch{from: r.layer.Start, to: r.layer.Until} }

// at implements track without walking the turns: the number of the turn is
// computed from the distance to the start.
func (r turns) at(t time.Time) stretch {
	l := r.layer
	switch {
	case t.Before(l.Start):
		return stretch{to: l.Start}
	case !l.Until.IsZero() && !t.Before(l.Until):
		return stretch{from: l.Until}
	}
	if l.alone() {
		return stretch{user: l.Users[0]}.within(r.life())
	}
	k := r.number(t)
	return stretch{user: l.Users[k%len(l.Users)], from: r.begin(k), to: r.begin(k + 1)}.within(r.life())
}

// number is the turn that has t, which is not before the start. The estimate
// counts dates, so it is one too high before the day's hand-off, and one too
// low where a clock put back over midnight shows yesterday again; parts of a
// second do the same to hours. The loops settle that.
func (r turns) number(t time.Time) int {
	var k int
	if r.layer.Unit == Hours {
		k = int((t.Unix() - r.layer.Start.Unix()) / r.seconds())
	} else {
		k = r.start.daysUntil(wallOf(t, r.loc)) / r.days()
	}
	for k > 0 && t.Before(r.begin(k)) {
		k--
	}
	for !t.Before(r.begin(k + 1)) {
		k++
	}
	return k
}

// begin is the hand-off into turn k. The start itself may stand in the second
// of two equal hours, when begin(0) is before it; at cuts that off.
func (r turns) begin(k int) time.Time {
	if r.layer.Unit == Hours {
		return time.Unix(r.layer.Start.Unix()+int64(k)*r.seconds(), int64(r.layer.Start.Nanosecond()))
	}
	return r.start.plusDays(k * r.days()).first(r.loc)
}

// seconds is the length of a turn in hours. It is no time.Duration, which
// would overflow after 292 years of turns and then never be caught up with.
func (r turns) seconds() int64 { return int64(r.layer.Turn) * 60 * 60 }

func (r turns) days() int {
	if r.layer.Unit == Weeks {
		return 7 * r.layer.Turn
	}
	return r.layer.Turn
}

// alone reports whether only one person takes turns: there is no hand-off then.
func (l Layer) alone() bool {
	for _, u := range l.Users {
		if u != l.Users[0] {
			return false
		}
	}
	return true
}
