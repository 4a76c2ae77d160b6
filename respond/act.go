package respond

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
)

// Verb is what a person may do to an incident.
type Verb string

// What people do.
const (
	Acknowledge   Verb = "acknowledge"
	Unacknowledge Verb = "unacknowledge"
	Resolve       Verb = "resolve"
	Escalate      Verb = "escalate"
	Reassign      Verb = "reassign"
	Snooze        Verb = "snooze"
	Note          Verb = "note"
)

// Command is one person's action on one incident.
type Command struct {
	Name       Verb
	IncidentID string
	Actor      incident.Actor
	// Principal and Key make a repeat harmless: under the same key the same
	// principal gets the same answer for 24 hours. Empty Key: no memory.
	Principal string
	Key       string
	Note      string    // for Note
	Until     time.Time // for Snooze
	Users     []string  // for Reassign
	PolicyID  string    // for Reassign, instead of Users
	// Tap is the button it comes from; nil for everything else.
	Tap *Tap
}

// Answer is the incident after the action. Changed is false when it was
// already so; the incident then says who was first.
type Answer struct {
	Incident incident.Snapshot `json:"incident"`
	Changed  bool              `json:"changed"`
}

// fingerprint tells whether a reused key came with the same request.
func (c Command) fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d\x00%q\x00%s", c.Name, c.IncidentID, c.Note, c.Until.UnixMicro(), c.Users, c.PolicyID)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Act carries out one action; the answer is given after the commit. An action
// already done is no error. Refusals are faults: not_found, incident_resolved,
// unknown_user, idempotency_key_reused, and the machine's own; of buttons also
// device_removed, account_disabled, token_expired and no_longer_yours, which is
// a [Revoked].
func (d *Desk) Act(ctx context.Context, cmd Command) (Answer, error) {
	var answer Answer
	err := d.write(ctx, "action", cmd.IncidentID, func(w *work) error {
		var err error
		answer, err = w.act(cmd)
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

func (w *work) act(cmd Command) (Answer, error) {
	if a, ok, err := w.answered(cmd); ok || err != nil {
		return a, err
	}
	c, err := w.tx.Case(cmd.IncidentID)
	if err != nil {
		return Answer{}, err
	}
	do := w.perform
	if cmd.Tap != nil {
		do = w.tap
	}
	changed, err := do(&c, cmd)
	if err != nil {
		return Answer{}, err
	}
	if changed {
		w.done = string(cmd.Name)
	}
	a := Answer{Incident: *c.Incident.Snapshot(), Changed: changed}
	return a, w.remember(cmd, a)
}

// perform decides and, where something changes, carries it out and saves it.
func (w *work) perform(c *Case, cmd Command) (changed bool, err error) {
	if cmd.Name == Escalate {
		ch, err := w.escalate(c, cmd.Actor)
		return ch.Changed, err
	}
	ch, err := w.decide(c, cmd)
	if err != nil || !ch.Changed {
		return false, err
	}
	if err := w.apply(c, ch, cmd.Actor); err != nil {
		return false, err
	}
	return true, w.save(c)
}

// decide lets the machine judge the action. Reassigning also changes the
// plan, which the machine does not know.
func (w *work) decide(c *Case, cmd Command) (incident.Change, error) {
	i := c.Incident
	switch cmd.Name {
	case Acknowledge:
		return i.Acknowledge(cmd.Actor, w.now)
	case Unacknowledge:
		return i.Unacknowledge(cmd.Actor, w.now)
	case Resolve:
		return i.Resolve(cmd.Actor, w.now)
	case Snooze:
		return i.Snooze(cmd.Actor, w.now, cmd.Until.UTC().Truncate(time.Microsecond))
	case Note:
		return i.Annotate(cmd.Actor, w.now, cmd.Note)
	case Reassign:
		return w.decideReassign(c, cmd)
	default:
		return incident.Change{}, fault.Field("action", "unknown_action",
			"there is no action %q; use acknowledge, unacknowledge, resolve, escalate, reassign, snooze or note", cmd.Name)
	}
}

func (w *work) decideReassign(c *Case, cmd Command) (incident.Change, error) {
	cat := w.tx.Catalog()
	var plan oncall.Plan
	var to incident.Reassignment
	switch {
	case cmd.PolicyID != "" && len(cmd.Users) > 0:
		return incident.Change{}, fault.Field("user_ids", "ambiguous_target", "give either user_ids or policy_id, not both")
	case cmd.PolicyID != "":
		p, ok := cat.Policies[cmd.PolicyID]
		if !ok {
			return incident.Change{}, fault.Field("policy_id", "unknown_policy", "there is no escalation policy %s; list the policies to find its id", cmd.PolicyID)
		}
		plan, to = oncall.Freeze(p), incident.Reassignment{PolicyID: p.ID, PolicyName: p.Name}
	case len(cmd.Users) > 0:
		for _, u := range cmd.Users {
			if !cat.Reachable(u) {
				return incident.Change{}, fault.Field("user_ids", "unknown_user", "there is no active user %s; reassign to somebody who can be paged", u)
			}
		}
		plan, to = oncall.PlanForUsers(cmd.Users), incident.Reassignment{Users: cmd.Users}
	default:
		return incident.Change{}, fault.Field("user_ids", "missing_target", "say whom to reassign to: user_ids or policy_id")
	}
	ch, err := c.Incident.Reassign(cmd.Actor, w.now, to)
	if err == nil && ch.Changed {
		c.Plan, c.Position = plan, oncall.Position{}
	}
	return ch, err
}

// answered looks whether this key already has its answer.
func (w *work) answered(cmd Command) (Answer, bool, error) {
	if cmd.Key == "" {
		return Answer{}, false, nil
	}
	stored, printed, err := w.tx.Answered(cmd.Principal, cmd.Key, w.now)
	if err != nil || stored == nil {
		return Answer{}, false, err
	}
	if printed != cmd.fingerprint() {
		return Answer{}, false, fault.New(fault.Conflict, "idempotency_key_reused",
			"this Idempotency-Key was used for a different request in the last 24 hours; make a new key for each action")
	}
	var a Answer
	if err := json.NewDecoder(bytes.NewReader(stored)).Decode(&a); err != nil {
		return Answer{}, false, fmt.Errorf("reading a stored answer: %w", err)
	}
	return a, true, nil
}

func (w *work) remember(cmd Command, a Answer) error {
	if cmd.Key == "" {
		return nil
	}
	b, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("storing an answer: %w", err)
	}
	return w.tx.Answer(cmd.Principal, cmd.Key, cmd.fingerprint(), b, w.now)
}
