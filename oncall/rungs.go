package oncall

import (
	"slices"
	"time"
)

// Rungs gives the moments at which a person is reached for an incident of
// this urgency, when their level begins at a moment: sorted, the rules' own
// order within one moment. A rung that another of the same moment and method
// already does, or that an "all devices" one includes, is dropped. A person
// without rules for this urgency has none, and the caller falls back.
func Rungs(rules []Rule, urgency string, at time.Time) []Rung {
	var all []Rung
	for _, r := range rules {
		if r.Urgency == urgency {
			all = append(all, Rung{RuleID: r.ID, Method: r.Method, DeviceID: r.DeviceID, At: at.Add(r.Delay), DisplayedWithin: r.DisplayedWithin})
		}
	}
	return sparse(all)
}

// sparse sorts rungs by their moments and drops those that others make
// superfluous.
func sparse(all []Rung) []Rung {
	slices.SortStableFunc(all, func(a, b Rung) int { return a.At.Compare(b.At) })
	var out []Rung
	for k, r := range all {
		if !doneBy(r, all[:k]) && !includedIn(r, all[k+1:]) {
			out = append(out, r)
		}
	}
	return out
}

// doneBy reports whether an earlier rung already reaches the same devices.
func doneBy(r Rung, earlier []Rung) bool {
	return slices.ContainsFunc(earlier, func(o Rung) bool {
		return o.Method == r.Method && o.At.Equal(r.At) && (o.DeviceID == r.DeviceID || o.DeviceID == "")
	})
}

// includedIn reports whether a later rung reaches this device among all.
func includedIn(r Rung, later []Rung) bool {
	return r.DeviceID != "" && slices.ContainsFunc(later, func(o Rung) bool {
		return o.Method == r.Method && o.At.Equal(r.At) && o.DeviceID == ""
	})
}
