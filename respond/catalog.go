package respond

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// OnCall implements oncall.Roster over the snapshot.
func (c *Catalog) OnCall(scheduleID string, t time.Time) []string {
	s, ok := c.Schedules[scheduleID]
	if !ok {
		return nil
	}
	var users []string
	for _, shift := range s.OnCall(t) { // who has two shifts is woken once
		if !slices.Contains(users, shift.UserID) {
			users = append(users, shift.UserID)
		}
	}
	return users
}

// Reachable implements oncall.Roster: the person exists and is not disabled.
func (c *Catalog) Reachable(userID string) bool {
	p, ok := c.People[userID]
	return ok && !p.Disabled
}

// ringable gives the devices of a person that a notification by a method may
// go to: the named one, or all that can be used.
func (c *Catalog) ringable(userID string, by oncall.Method, deviceID string) []push.Device {
	var out []push.Device
	for _, dev := range c.Devices[userID] {
		if dev.Usable() && oncall.Method(dev.Method()) == by && (deviceID == "" || dev.ID == deviceID) {
			out = append(out, dev)
		}
	}
	return out
}

// RulesOf implements oncall.Reach.
func (c *Catalog) RulesOf(userID string) []oncall.Rule { return c.People[userID].Rules }

// DevicesOf implements oncall.Reach: see ringable.
func (c *Catalog) DevicesOf(userID string, by oncall.Method, deviceID string) []string {
	var out []string
	for _, dev := range c.ringable(userID, by, deviceID) {
		out = append(out, dev.ID)
	}
	return out
}

// methodOf is how a device of a person is reached; push, if it is gone.
func (c *Catalog) methodOf(userID, deviceID string) string {
	for _, dev := range c.Devices[userID] {
		if dev.ID == deviceID {
			return dev.Method()
		}
	}
	return string(oncall.Push)
}

// name gives a person's name for the timeline, or the id if they are gone.
func (c *Catalog) name(userID string) string {
	if p, ok := c.People[userID]; ok {
		return p.Name
	}
	return userID
}

// Of turns a severity into an urgency by the service's rule. An unknown rule
// counts as high: better woken than missed.
func (r UrgencyRule) Of(s incident.Severity) incident.Urgency {
	switch {
	case r == AlwaysLow, r == BySeverity && (s == incident.Warning || s == incident.Info):
		return incident.Low
	default:
		return incident.High
	}
}
