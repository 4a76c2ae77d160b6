package oncall

import (
	"slices"
	"time"
)

// Reach answers who is there and how they are reached. The catalogue
// implements it.
type Reach interface {
	Roster
	// RulesOf gives the person's notification rules, for all urgencies.
	RulesOf(userID string) []Rule
	// DevicesOf gives the ids of the person's devices and addresses that a method
	// may use now: all of them, or only the named one.
	DevicesOf(userID string, by Method, deviceID string) []string
}

// Ways is how a person is reached once their level begins.
type Ways struct {
	// Rungs are never none: paging keeps on record also what leads nowhere.
	Rungs []Rung
	// Fallback: no rule for this urgency leads anywhere, so whatever reaches the
	// person is used at once; better woken by the wrong sound than not at all.
	Fallback bool
	// Nothing: no device and no address reaches the person.
	Nothing bool
}

// WaysTo is what paging does, and what a preview shows: a person's usable rules
// for the urgency, linked as [Ladder] does, counted from the moment on.
func WaysTo(userID, urgency string, at time.Time, reach Reach) Ways {
	usable := slices.DeleteFunc(Rungs(reach.RulesOf(userID), urgency, at), func(r Rung) bool {
		return len(reach.DevicesOf(userID, r.Method, r.DeviceID)) == 0
	})
	if len(usable) > 0 {
		return Ways{Rungs: Ladder(usable)}
	}
	w := Ways{Fallback: true}
	for _, m := range AnyWay(userID, reach) {
		w.Rungs = append(w.Rungs, Rung{Method: m, At: at})
	}
	if len(w.Rungs) == 0 {
		w.Nothing, w.Rungs = true, []Rung{{Method: Push, At: at}}
	}
	return w
}

// AnyWay gives the methods that reach a person when no rule says how: their
// apps, and only without any of them all their addresses.
func AnyWay(userID string, reach Reach) []Method {
	var out []Method
	for _, m := range Methods() {
		if len(reach.DevicesOf(userID, m, "")) == 0 {
			continue
		}
		if m == Push {
			return []Method{m}
		}
		out = append(out, m)
	}
	return out
}
