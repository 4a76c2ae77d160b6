package oncall

import "time"

// restricted is a layer seen through its windows only. Window k is the k-th
// one on the wall since a Monday before 1970, so that, as with turns, a moment
// is found by arithmetic.
type restricted struct {
	turns   turns
	windows []window
}

// at implements track.
func (r restricted) at(t time.Time) stretch {
	life := r.turns.life()
	if t.Before(life.from) {
		return stretch{to: r.opens(r.number(life.from), life)}
	}
	if !life.to.IsZero() && !t.Before(life.to) {
		return stretch{from: r.closed(r.number(life.to), life)}
	}
	k := r.number(t)
	if open := r.window(k); t.Before(open.to) {
		return r.turns.at(t).within(open)
	}
	return stretch{from: r.closed(k, life), to: r.opens(k+1, life)}
}

// opens is when the layer counts again, from window k on; zero if never. A
// window swallowed by a gap of the clock opens nothing.
func (r restricted) opens(k int64, life stretch) time.Time {
	for ; ; k++ {
		w := r.window(k)
		if !life.to.IsZero() && !w.from.Before(life.to) {
			return time.Time{}
		}
		if w = (stretch{from: w.from, to: w.to}).within(life); w.from.Before(w.to) {
			return w.from
		}
	}
}

// closed is when the layer last counted, from window k back; zero if never.
func (r restricted) closed(k int64, life stretch) time.Time {
	for ; ; k-- {
		w := r.window(k)
		if !life.from.Before(w.to) {
			return time.Time{}
		}
		if w = w.within(life); w.from.Before(w.to) {
			return w.to
		}
	}
}

// number is the last window that has begun at t. A window whose beginning the
// wall shows has begun; one that it does not show may have too, where the clock
// was put back since.
func (r restricted) number(t time.Time) int64 {
	reading := wallOf(t, r.turns.loc).at.Unix() + mondayOffset
	n := int64(len(r.windows))
	k := floorDiv(reading, aWeek) * n
	for j := int64(0); j < n && r.windows[j].from <= reading-floorDiv(reading, aWeek)*aWeek; j++ {
		k++
	}
	k--
	for !t.Before(r.begin(k + 1)) {
		k++
	}
	return k
}

// mondayOffset moves seconds since 1970 to seconds since the Monday before.
const mondayOffset = 3 * aDay

func (r restricted) begin(k int64) time.Time {
	w, week := r.place(k)
	return wallSeconds(week + w.from - mondayOffset).first(r.turns.loc)
}

func (r restricted) window(k int64) stretch {
	w, week := r.place(k)
	return stretch{from: r.begin(k), to: wallSeconds(week + w.to - mondayOffset).first(r.turns.loc)}
}

// place is which window of which week the k-th is.
func (r restricted) place(k int64) (w window, week int64) {
	n := int64(len(r.windows))
	q := floorDiv(k, n)
	return r.windows[k-q*n], q * aWeek
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
