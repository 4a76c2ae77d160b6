package oncall

import (
	"cmp"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Override puts one person on call from a moment to another, above everything
// the schedule says otherwise. Where overrides overlap, the latest made wins.
type Override struct {
	ID     string    `json:"id"`
	UserID string    `json:"user_id"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	// Instead is the person whose place is taken; the others who are on call
	// with them stay. Where that person is not on call, it changes nothing.
	// Empty: everybody's place is taken.
	Instead string `json:"instead,omitempty"`
	// MadeAt orders overrides; of one moment, the greater ID is the later.
	MadeAt time.Time `json:"made_at"`
}

// Validate refuses an override of nobody or of no length, and one that is
// longer than [MaxRange]: for good, people change the schedule itself.
func (o Override) Validate() error {
	switch {
	case o.UserID == "":
		return fault.Field("user_id", "no_user", "The override names nobody; say who takes over.")
	case o.UserID == o.Instead:
		return fault.Field("instead", "same_user", "The override puts a person in their own place; name somebody else.")
	case o.From.IsZero():
		return fault.Field("from", "no_from", "The override has no beginning; say from when.")
	case !o.To.After(o.From):
		return fault.Field("to", "bad_to", "The override ends at or before its beginning; give a later end.")
	case o.To.Sub(o.From) > MaxRange:
		return fault.Field("to", "bad_to", "An override lasts 400 days at most; change the schedule itself for longer.")
	}
	return nil
}

// inOrder gives the overrides as they were made, the oldest first.
func inOrder(all []Override) []Override {
	made := func(a, b Override) int {
		if c := a.MadeAt.Compare(b.MadeAt); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	}
	if !slices.IsSortedFunc(all, made) {
		all = slices.Clone(all)
		slices.SortStableFunc(all, made)
	}
	return all
}

// lay puts the override over what is seen at t. Shifts that it does not cover
// at t end, or began, where it does.
func (o Override) lay(v view, t time.Time) view {
	if !v.reaches(o) || o.Validate() != nil {
		return v
	}
	span := stretch{from: o.From, to: o.To}
	switch covers := !t.Before(o.From) && t.Before(o.To); {
	case covers && o.Instead == "":
		span.user, span.override = o.UserID, o.ID
		return view{on: []stretch{span}, from: later(v.from, o.From), to: earlier(v.to, o.To)}
	case covers:
	case t.Before(o.From):
		span = stretch{to: o.From}
	default:
		span = stretch{from: o.To}
	}
	touched := false
	for k, s := range v.on {
		if o.Instead != "" && s.user != o.Instead {
			continue
		}
		touched = true
		v.on[k] = s.within(span)
		if !span.from.IsZero() && !span.to.IsZero() {
			v.on[k].user, v.on[k].override = o.UserID, o.ID
		}
	}
	if touched || o.Instead == "" {
		v.from, v.to = later(v.from, span.from), earlier(v.to, span.to)
	}
	return v
}

// reaches reports whether the override lies partly in the view, or in a shift
// that it shows. Most overrides of a schedule do not.
func (v view) reaches(o Override) bool {
	meets := func(from, to time.Time) bool { return o.To.After(from) && (to.IsZero() || o.From.Before(to)) }
	if meets(v.from, v.to) {
		return true
	}
	for _, s := range v.on {
		if meets(s.from, s.to) {
			return true
		}
	}
	return false
}

// later is the later of two beginnings; zero is before everything.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier is the earlier of two ends; zero is after everything.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
