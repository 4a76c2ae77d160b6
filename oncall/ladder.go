package oncall

import "time"

// Ladder links a person's rungs, as Rungs gives them and the caller has left
// them: each waits for a rung of the moment before its own, if one of those
// asks to be displayed; of several, for the one that has the least time.
func Ladder(rungs []Rung) []Rung {
	out := make([]Rung, len(rungs))
	for i, r := range rungs {
		r.After = awaited(rungs[:i], r.At)
		out[i] = r
	}
	return out
}

// awaited gives the place, from 1, of the rung that one at this moment waits
// for, and 0 for none.
func awaited(earlier []Rung, at time.Time) int {
	place := 0
	var before time.Time
	for i := len(earlier) - 1; i >= 0; i-- {
		r := earlier[i]
		if !r.At.Before(at) {
			continue
		}
		if before.IsZero() {
			before = r.At
		}
		if r.At.Before(before) {
			break
		}
		if r.DisplayedWithin > 0 && (place == 0 || r.DisplayedWithin <= earlier[place-1].DisplayedWithin) {
			place = i + 1
		}
	}
	return place
}
