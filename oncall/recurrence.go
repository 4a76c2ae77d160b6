package oncall

import (
	"slices"
	"sort"
	"sync"
	"time"
)

// recurrence is when an event's shifts begin, on the wall, in seconds since
// 1970, counted from 0. The RRULE library says when; what it says is kept in a
// form that answers without walking from the start:
//
//   - A rule of hours, days or weeks repeats itself exactly after a while (its
//     period, which a week divides): the starts of one period are the pattern.
//   - A rule of months or years does not; its starts are listed as far as
//     somebody has asked, once, and kept. There are few of them.
type recurrence struct {
	pattern []int64
	period  int64

	mu     sync.Mutex
	listed []int64
	next   func() (time.Time, bool)

	limit   int   // COUNT; 0 none
	last    int64 // UNTIL, on the wall; no start is later
	removed []int64
	added   []int64
}

// horizon ends rules of months and years.
const horizon = 100 + lastYear

// upTo is how many starts are at or before a reading.
func (r *recurrence) upTo(reading int64) int {
	reading = min(reading, r.last)
	var n int
	switch {
	case r.next != nil:
		listed := r.list(func(all []int64) bool { return len(all) > 0 && all[len(all)-1] > reading })
		n = after(listed, reading)
	case r.period == 0 || len(r.pattern) == 0:
		n = after(r.pattern, reading)
	case reading >= r.pattern[0]:
		whole := (reading - r.pattern[0]) / r.period
		n = int(whole)*len(r.pattern) + after(r.pattern, reading-whole*r.period)
	}
	if r.limit > 0 {
		n = min(n, r.limit)
	}
	return n
}

// start is the k-th start; ok is false when there are not so many.
func (r *recurrence) start(k int) (at int64, ok bool) {
	if k < 0 || r.limit > 0 && k >= r.limit {
		return 0, false
	}
	switch n := len(r.pattern); {
	case r.next != nil:
		listed := r.list(func(all []int64) bool { return len(all) > k })
		if k >= len(listed) {
			return 0, false
		}
		at = listed[k]
	case k < n:
		at = r.pattern[k]
	case r.period == 0 || n == 0:
		return 0, false
	default:
		at = r.pattern[k%n] + int64(k/n)*r.period
	}
	return at, at <= r.last
}

// taken reports whether a shift begins there: it was not taken out.
func (r *recurrence) taken(start int64) bool { return !slices.Contains(r.removed, start) }

// list gives the starts of a rule of months or years, far enough for the
// question, or all there are.
func (r *recurrence) list(enough func([]int64) bool) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !enough(r.listed) {
		t, ok := r.next()
		if !ok {
			break
		}
		if s := t.Unix(); len(r.listed) == 0 || s > r.listed[len(r.listed)-1] {
			r.listed = append(r.listed, s)
		}
	}
	return r.listed
}

// after is how many of the sorted readings are at or before one.
func after(sorted []int64, reading int64) int {
	return sort.Search(len(sorted), func(k int) bool { return sorted[k] > reading })
}
