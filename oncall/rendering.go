package oncall

import (
	"cmp"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Rendering is who is on call over a range.
type Rendering struct {
	From, To time.Time
	Shifts   []Shift
}

// Render is [Schedule.Shifts] with its range, to be asked for more.
func (s Schedule) Render(from, to time.Time) (Rendering, error) {
	shifts, err := s.Shifts(from, to)
	return Rendering{From: from.UTC(), To: to.UTC(), Shifts: shifts}, err
}

// Span is a stretch of time; it includes From and excludes To.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Gaps are the stretches in which nobody is on call, in order.
func (r Rendering) Gaps() []Span {
	var out []Span
	end := r.From
	for _, s := range r.Shifts { // in the order of their beginnings
		if s.From.After(end) {
			out = append(out, Span{From: end, To: s.From})
		}
		end = later(end, s.To)
	}
	if end.Before(r.To) {
		out = append(out, Span{From: end, To: r.To})
	}
	return out
}

// Covered is for how long somebody is on call; the gaps are the rest.
func (r Rendering) Covered() time.Duration {
	left := r.To.Sub(r.From)
	for _, g := range r.Gaps() {
		left -= g.To.Sub(g.From)
	}
	return left
}

// Coverage is the part of the range that is covered, from 0 to 100 percent.
func (r Rendering) Coverage() float64 {
	if !r.To.After(r.From) {
		return 0
	}
	return 100 * float64(r.Covered()) / float64(r.To.Sub(r.From))
}

// Of leaves only one person's shifts.
func (r Rendering) Of(userID string) Rendering {
	r.Shifts = slices.DeleteFunc(slices.Clone(r.Shifts), func(s Shift) bool { return s.UserID != userID })
	return r
}

// Load is how long a person is on call.
type Load struct {
	UserID string        `json:"user_id"`
	Shifts int           `json:"shifts"`
	Time   time.Duration `json:"time"` // two shifts at once count once
}

// Loads gives everybody's load, sorted by user id. Shifts are counted as they
// are: join them first to count those that follow one another as one.
func (r Rendering) Loads() []Load {
	counts := map[string]int{}
	for _, s := range r.Shifts {
		counts[s.UserID]++
	}
	out := make([]Load, 0, len(counts))
	for user, n := range counts {
		out = append(out, Load{UserID: user, Shifts: n, Time: r.Of(user).Covered()})
	}
	slices.SortFunc(out, func(a, b Load) int { return cmp.Compare(a.UserID, b.UserID) })
	return out
}

// Joined makes one of shifts of the same person that touch or overlap, in the
// order in which they begin. An override stays named where it is all there is.
func (r Rendering) Joined() Rendering {
	last := map[string]int{} // a person's latest shift in out
	var out []Shift
	for _, s := range r.Shifts {
		k, ok := last[s.UserID]
		if !ok || s.From.After(out[k].To) {
			last[s.UserID] = len(out)
			out = append(out, s)
			continue
		}
		out[k].To = later(out[k].To, s.To)
		if out[k].OverrideID != s.OverrideID {
			out[k].OverrideID = ""
		}
	}
	r.Shifts = out
	return r
}

// MaxHandOffs bounds what [Schedule.HandOffs] gives.
const MaxHandOffs = 100

// HandOff is the moment at which a person goes on call or off.
type HandOff struct {
	At     time.Time
	Starts bool // else it ends
	UserID string
}

// HandOffs gives the next moments after one at which a person goes on call or
// off, at most n (1 to [MaxHandOffs]) and not further away than [MaxRange].
// Shifts that follow one another are one: nothing is handed over then.
func (s Schedule) HandOffs(userID string, after time.Time, n int) ([]HandOff, error) {
	if n < 1 || n > MaxHandOffs {
		return nil, fault.Field("limit", "bad_limit", "Ask for 1 to %d hand-offs, not %d.", MaxHandOffs, n)
	}
	for ahead := MaxRange / 16; ; ahead *= 4 {
		r, err := s.Render(after, after.Add(ahead))
		if err != nil {
			return nil, err
		}
		found := r.Of(userID).Joined().handOffs()
		if len(found) >= n || ahead == MaxRange {
			return found[:min(n, len(found))], nil
		}
	}
}

// handOffs leaves out the ends that the range has cut.
func (r Rendering) handOffs() []HandOff {
	var out []HandOff
	for _, s := range r.Shifts {
		if s.From.After(r.From) {
			out = append(out, HandOff{At: s.From, Starts: true, UserID: s.UserID})
		}
		if s.To.Before(r.To) {
			out = append(out, HandOff{At: s.To, UserID: s.UserID})
		}
	}
	return out
}
