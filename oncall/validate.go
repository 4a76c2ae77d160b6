package oncall

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Limits of what may be configured. They are far above what people use and
// keep every walk and every page of results bounded.
const (
	MaxLevels  = 20
	MaxTargets = 50 // per level
	MaxLoops   = 9
	MaxLayers  = 50
	MaxUsers   = 500 // per layer
	// MaxRestrictions is per layer, MaxEvents per schedule, in all its rotations.
	MaxRestrictions = 50
	MaxEvents       = 100
	// MaxOverrides is how many a schedule carries at once.
	MaxOverrides = 1000
	// MinDelay is this short so that a demo and a test can be watched; people
	// configure minutes.
	MinDelay = time.Second
	MaxDelay = 24 * time.Hour
	// MinDisplayed is the least time for a page to be displayed and for its
	// receipt to come back.
	MinDisplayed = 5 * time.Second
	// MaxTurn is the longest turn of a rotation, in days.
	MaxTurn = 366
)

// Validate refuses a schedule that could not say who is on call. The field in
// the refusal is a path such as layers[0].users.
func (s Schedule) Validate() error {
	if _, err := zone(s.TimeZone); err != nil {
		return err
	}
	switch {
	case len(s.Layers) == 0 && len(s.Rotations) == 0:
		return fault.Field("layers", "no_layers", "The schedule has no layer; add one with its people and their turns.")
	case len(s.Layers) > 0 && len(s.Rotations) > 0:
		return fault.Field("rotations", "layers_and_rotations", "A schedule has layers or rotations of shifts, not both; make two schedules.")
	case len(s.Layers) > MaxLayers:
		return fault.Field("layers", "too_many_layers", "A schedule may have %d layers, this one has %d.", MaxLayers, len(s.Layers))
	case len(s.Overrides) > MaxOverrides:
		return fault.Field("overrides", "too_many_overrides", "A schedule may have %d overrides, this one has %d; remove those that are over.", MaxOverrides, len(s.Overrides))
	}
	for k, l := range s.Layers {
		if err := l.Validate(); err != nil {
			return under(fmt.Sprintf("layers[%d].", k), fmt.Sprintf("Layer %d: ", k+1), err)
		}
	}
	for k, o := range s.Overrides {
		if err := o.Validate(); err != nil {
			return under(fmt.Sprintf("overrides[%d].", k), fmt.Sprintf("Override %d: ", k+1), err)
		}
	}
	return s.checkRotations()
}

// checkRotations asks each event; an empty rotation has nobody, and may wait
// for its events.
func (s Schedule) checkRotations() error {
	events := 0
	for _, r := range s.Rotations {
		events += len(r.Events)
	}
	if events > MaxEvents || len(s.Rotations) > MaxEvents {
		return fault.Field("rotations", "too_many_events", "A schedule may have %d rotations and events, this one has %d and %d.", MaxEvents, len(s.Rotations), events)
	}
	for k, r := range s.Rotations {
		for j, e := range r.Events {
			if err := e.Validate(s.TimeZone); err != nil {
				return under(fmt.Sprintf("rotations[%d].events[%d].", k, j), fmt.Sprintf("Event %d of rotation %d: ", j+1, k+1), err)
			}
		}
	}
	return nil
}

// Validate refuses a rotation that cannot turn.
func (l Layer) Validate() error {
	switch {
	case len(l.Users) == 0:
		return fault.Field("users", "no_users", "The rotation has nobody in it; name at least one user.")
	case len(l.Users) > MaxUsers:
		return fault.Field("users", "too_many_users", "A rotation may have %d turns, this one has %d.", MaxUsers, len(l.Users))
	case slices.Contains(l.Users, ""):
		return fault.Field("users", "empty_user", "One of the rotation's user ids is empty.")
	case l.Start.IsZero():
		return fault.Field("start", "no_start", "The rotation has no start; give the moment of its first hand-off.")
	case !l.Until.IsZero() && !l.Until.After(l.Start):
		return fault.Field("until", "bad_until", "The rotation ends at or before its start; give a later end or none.")
	case l.Turn < 1:
		return fault.Field("turn", "bad_turn", "A turn must last 1 or more %s, this one lasts %d.", l.Unit, l.Turn)
	}
	if len(l.Restrictions) > MaxRestrictions {
		return fault.Field("restrictions", "too_many_restrictions", "A layer may have %d restrictions, this one has %d.", MaxRestrictions, len(l.Restrictions))
	}
	for k, r := range l.Restrictions {
		if err := r.Validate(); err != nil {
			return under(fmt.Sprintf("restrictions[%d].", k), fmt.Sprintf("Restriction %d: ", k+1), err)
		}
	}
	return l.checkUnit()
}

func (l Layer) checkUnit() error {
	most := MaxTurn
	switch l.Unit {
	case Hours:
		most *= 24
	case Days:
	case Weeks:
		most /= 7
	default:
		return fault.Field("unit", "unknown_unit", "A turn is counted in hours, days or weeks, not in %q.", string(l.Unit))
	}
	if l.Turn > most {
		return fault.Field("turn", "bad_turn", "A turn may last %d %s at most, this one lasts %d.", most, l.Unit, l.Turn)
	}
	return nil
}

// Validate refuses a policy that could not be walked.
func (p Policy) Validate() error {
	switch {
	case len(p.Levels) == 0:
		return fault.Field("levels", "no_levels", "The policy has no level, so it would page nobody; add one with its targets.")
	case len(p.Levels) > MaxLevels:
		return fault.Field("levels", "too_many_levels", "A policy may have %d levels, this one has %d.", MaxLevels, len(p.Levels))
	case p.Loops < 0 || p.Loops > MaxLoops:
		return fault.Field("loops", "bad_loops", "A policy may be repeated 0 to %d times, not %d.", MaxLoops, p.Loops)
	}
	for k, l := range p.Levels {
		if err := l.Validate(); err != nil {
			return under(fmt.Sprintf("levels[%d].", k), fmt.Sprintf("Level %d: ", k+1), err)
		}
	}
	return nil
}

// Validate refuses a level without targets, or with a delay outside
// [MinDelay] to [MaxDelay].
func (l Level) Validate() error {
	switch {
	case len(l.Targets) == 0:
		return fault.Field("targets", "no_targets", "The level has no target, so it would page nobody; name a user or a schedule.")
	case len(l.Targets) > MaxTargets:
		return fault.Field("targets", "too_many_targets", "A level may have %d targets, this one has %d.", MaxTargets, len(l.Targets))
	case l.Delay < MinDelay || l.Delay > MaxDelay:
		return fault.Field("delay", "bad_delay", "The delay must be between %s and %s, not %s.", MinDelay, MaxDelay, l.Delay)
	}
	if l.Assignment != ToEveryone && l.Assignment != RoundRobin {
		return fault.Field("assignment", "unknown_assignment", "A level pages everyone, or its targets take turns (round_robin); %q is neither.", string(l.Assignment))
	}
	for _, t := range l.Targets {
		if t.Kind != UserTarget && t.Kind != ScheduleTarget {
			return fault.Field("targets", "unknown_target", "A target is a user or a schedule, not %q.", string(t.Kind))
		}
		if t.ID == "" {
			return fault.Field("targets", "empty_target", "One of the level's targets has no id.")
		}
	}
	return nil
}

// Validate refuses a rule that could never reach anybody.
func (r Rule) Validate() error {
	switch {
	case r.Urgency != "high" && r.Urgency != "low":
		return fault.Field("urgency", "unknown_urgency", "A notification rule is for high or low urgency, not %q.", r.Urgency)
	case !slices.Contains(Methods(), r.Method):
		return fault.Field("method", "unknown_method", "A notification rule reaches people by push, email, webhook, sms or voice, not by %q.", string(r.Method))
	case r.Delay < 0 || r.Delay > MaxDelay:
		return fault.Field("delay", "bad_delay", "A notification rule's delay must be between 0s and %s, not %s.", MaxDelay, r.Delay)
	}
	return r.checkDisplayed()
}

// checkDisplayed refuses to wait for what nobody can report.
func (r Rule) checkDisplayed() error {
	switch {
	case r.DisplayedWithin == 0:
	case r.Method != Push:
		return fault.Field("displayed_within", "not_displayable", "Only what is sent by push is reported as displayed, so a rule for %q cannot wait for that; leave displayed_within out.", string(r.Method))
	case r.DisplayedWithin < MinDisplayed || r.DisplayedWithin > MaxDelay:
		return fault.Field("displayed_within", "bad_displayed_within", "A page must be given between %s and %s to be displayed, not %s.", MinDisplayed, MaxDelay, r.DisplayedWithin)
	}
	return nil
}

// under says where in the whole the refused part is.
func under(path, place string, err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return fault.Field(path+f.Field, f.Code, "%s%s", place, f.Message)
}
