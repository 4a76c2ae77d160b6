package respond

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// Tap is the button of a notification that a command comes from. What the
// button was good for when it was sent may be over: that is judged with the
// action, under the incident's lock.
type Tap struct {
	DeliveryID string
	ExpiresAt  time.Time
}

// Revoked refuses the button of somebody whom the incident no longer concerns.
// It is a fault with the code no_longer_yours, and carries the incident as it
// is, so that the notification can be rewritten.
type Revoked struct {
	Incident incident.Snapshot
	cause    error
}

// RevokedBy refuses a button because of how the incident stands now.
func RevokedBy(i incident.Incident) *Revoked {
	return &Revoked{*i.Snapshot(), fault.New(fault.Forbidden, "no_longer_yours",
		"the incident was handed to others after this notification was sent; open the app if you want to act on it all the same")}
}

// Error implements error.
func (r *Revoked) Error() string { return r.cause.Error() }

// Unwrap gives the fault.
func (r *Revoked) Unwrap() error { return r.cause }

// tap carries out what a button asks, and notes that it was used. What is over
// already is answered calmly: there is nothing left to do.
func (w *work) tap(c *Case, cmd Command) (changed bool, err error) {
	if err := w.mayTap(cmd.Actor); err != nil {
		return false, err
	}
	live, err := w.live(c, cmd)
	if err != nil {
		return false, err
	}
	if err := w.acted(c, cmd); err != nil || !live {
		return false, err
	}
	return w.perform(c, cmd)
}

// mayTap lets buttons die with their person's account and their device.
func (w *work) mayTap(by incident.Actor) error {
	if !w.tx.Catalog().Reachable(by.ID) {
		return fault.New(fault.Forbidden, "account_disabled", "this account is disabled; ask an administrator to enable it")
	}
	there, err := w.tx.Registered(by.ID, by.DeviceID)
	if err == nil && !there {
		err = fault.New(fault.Forbidden, "device_removed", "the device this notification was sent to is no longer registered; open the app and sign in")
	}
	return err
}

// live reports whether the button still does something; one that does not is an
// error only while the incident wants somebody.
func (w *work) live(c *Case, cmd Command) (bool, error) {
	if c.Incident.Status == incident.Resolved {
		return false, nil
	}
	if !w.now.Before(cmd.Tap.ExpiresAt) {
		return false, fault.New(fault.Unauthenticated, "token_expired", "this notification's buttons have expired and the incident is still open; open the app to act on it")
	}
	gone, err := w.noLongerTheirs(c, cmd.Actor.ID)
	if err != nil || !gone {
		return !gone, err
	}
	if c.Incident.Status == incident.Acknowledged {
		return false, nil
	}
	return false, RevokedBy(c.Incident)
}

// noLongerTheirs reports whether the incident was handed over since it last
// concerned the person. Escalating takes nobody's buttons: whoever was paged
// first may still be the first to answer.
func (w *work) noLongerTheirs(c *Case, userID string) (bool, error) {
	if slices.Contains(c.Incident.Assignees, userID) {
		return false, nil
	}
	reassigned, paged, err := w.tx.LastConcerned(c.Incident.ID, userID)
	return paged < reassigned, err
}

// acted is the receipt that a tap is, whatever comes of it.
func (w *work) acted(c *Case, cmd Command) error {
	known, err := w.tx.FindDeliveries([]string{cmd.Tap.DeliveryID})
	if err != nil {
		return err
	}
	d, ok := known[cmd.Tap.DeliveryID]
	if !ok || d.IncidentID != c.Incident.ID {
		return nil // kept no longer
	}
	receipt := push.Receipt{DeliveryID: d.ID, Event: push.Acted, At: w.now, Detail: string(cmd.Name)}
	_, err = w.hear([]push.Receipt{receipt}, known, cmd.Actor)
	return err
}
