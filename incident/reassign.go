package incident

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Reassignment names who gets the incident: people, or an escalation policy.
// Exactly one of the two.
type Reassignment struct {
	Users      []string
	PolicyID   string
	PolicyName string // for the timeline
}

// Reassign gives the incident to somebody else. An acknowledged one becomes
// triggered: the new people have not seen it yet. The caller freezes a new
// plan (RestartPlan) and settles the phones of those it no longer belongs to.
// Refused with incident_resolved, or bad_reassignment when it names nobody or
// both people and a policy.
func (i Incident) Reassign(by Actor, at time.Time, to Reassignment) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), errResolved("reassigned")
	}
	if err := to.check(); err != nil {
		return i.unchanged(), err
	}
	n := i.next(at).toTriggered()
	n.Assignees = distinct(to.Users)
	said := Detail{Reason: ReasonUsers, Users: n.Assignees}
	if to.PolicyID != "" {
		said = Detail{Reason: ReasonPolicy, Text: to.PolicyName}
	}
	return n.changed(by, []Intent{StopPaging, SettleDevices, RestartPlan}, word{EntryReassigned, said}), nil
}

func (r Reassignment) check() error {
	if (len(r.Users) == 0) == (r.PolicyID == "") {
		return fault.Field("user_ids", "bad_reassignment", "Name either the people or the escalation policy that get the incident, not both and not neither.")
	}
	if slices.Contains(r.Users, "") {
		return fault.Field("user_ids", "bad_reassignment", "One of the user ids is empty; give the ids of the people who get the incident.")
	}
	return nil
}

// distinct keeps the first of each, in a new slice; nil for none.
func distinct(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
