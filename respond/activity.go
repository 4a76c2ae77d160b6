package respond

import (
	"context"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// Activity is a Live Activity: an incident on the lock screen of one iPhone.
type Activity struct {
	DeviceID   string
	IncidentID string
	// Token is its own, which its updates go to; empty until the app reports it.
	Token     string
	StartedAt time.Time
	// UpdatedAt is when it was last told of a change, or is about to be.
	UpdatedAt time.Time
	EndedAt   time.Time // zero while it runs
}

const (
	// activityPause is the least time between two updates of an activity: iOS
	// gives each a small budget.
	activityPause = time.Second
	// activityLinger is how long a resolved incident stays on the lock screen.
	activityLinger = 15 * time.Minute
)

// activities gives the incident's Live Activities by device, read once for
// each change. An incident that is only opening has none.
func (w *work) activities(c *Case) (map[string]Activity, error) {
	if w.running != nil {
		return w.running, nil
	}
	w.running = map[string]Activity{}
	if w.opening {
		return w.running, nil
	}
	found, err := w.tx.Activities(c.Incident.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		w.running[a.DeviceID] = a
	}
	return w.running, nil
}

// startActivities follows the pages that are about to leave.
func (w *work) startActivities(c *Case) error {
	for _, o := range w.outgoing {
		if o.delivery.Kind != push.Page {
			continue
		}
		if err := w.startActivity(c, o.device); err != nil {
			return err
		}
	}
	return nil
}

// startActivity shows the incident on the lock screen of a phone that is paged
// and takes Live Activities: once for each incident, because iOS allows few.
func (w *work) startActivity(c *Case, dev push.Device) error {
	if dev.Provider != push.APNs || dev.LiveActivity.StartToken == "" {
		return nil
	}
	known, err := w.activities(c)
	if err != nil {
		return err
	}
	if _, started := known[dev.ID]; started {
		return nil
	}
	a := Activity{DeviceID: dev.ID, IncidentID: c.Incident.ID, StartedAt: w.now, UpdatedAt: w.now}
	known[dev.ID] = a
	w.tell(c, dev, a, push.About{Event: push.ActivityStart}, w.now)
	return w.tx.SaveActivities([]Activity{a})
}

// followActivities tells the incident's Live Activities of the change that is
// being saved: those it is no longer for end.
func (w *work) followActivities(c *Case) error {
	if !slices.ContainsFunc(w.entries, showsOnActivities) {
		return nil
	}
	known, err := w.activities(c)
	if err != nil || len(known) == 0 {
		return err
	}
	var changed []Activity
	for _, dev := range w.activityDevices(known) {
		a := known[dev.ID]
		if w.follow(c, dev, &a) {
			known[dev.ID] = a
			changed = append(changed, a)
		}
	}
	return w.tx.SaveActivities(changed)
}

// showsOnActivities: the incident changed in a way that a lock screen shows.
func showsOnActivities(e incident.Entry) bool {
	return e.Incident != nil && e.Type != incident.EntryAnnotated
}

// activityDevices are the phones with an activity that runs, in a stable order.
func (w *work) activityDevices(known map[string]Activity) []push.Device {
	var out []push.Device
	for _, devices := range w.tx.Catalog().Devices {
		for _, dev := range devices {
			if a, ok := known[dev.ID]; ok && a.EndedAt.IsZero() {
				out = append(out, dev)
			}
		}
	}
	slices.SortFunc(out, func(a, b push.Device) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out
}

// follow tells one activity, and reports whether its row has changed.
func (w *work) follow(c *Case, dev push.Device, a *Activity) bool {
	switch {
	case c.Incident.Status == incident.Resolved:
		w.endActivity(c, dev, a, w.now.Add(activityLinger))
	case takenFrom(c.Incident, dev.UserID):
		w.endActivity(c, dev, a, w.now)
	case a.Token == "":
		return false // it has told no token yet; when it does, it is told what it missed
	case acknowledged(w.entries):
		a.UpdatedAt = w.now
		w.tell(c, dev, *a, push.About{Event: push.ActivityUpdate, Loud: true}, w.now)
	case a.UpdatedAt.After(w.now):
		return false // an update is waiting already and will tell this too
	default:
		at := w.now
		if soonest := a.UpdatedAt.Add(activityPause); soonest.After(at) {
			at = soonest
		}
		a.UpdatedAt = at
		w.tell(c, dev, *a, push.About{Event: push.ActivityUpdate}, at)
	}
	return true
}

// takenFrom: it rings for others now. Who merely did not acknowledge it
// themselves goes on seeing who did.
func takenFrom(i incident.Incident, userID string) bool {
	return i.Status == incident.Triggered && !slices.Contains(i.Assignees, userID)
}

// acknowledged: what people wait for is shown promptly, at the cost of budget.
func acknowledged(entries []incident.Entry) bool {
	return slices.ContainsFunc(entries, func(e incident.Entry) bool { return e.Type == incident.EntryAcknowledged })
}

// endActivity takes the incident off the lock screen at the moment. One whose
// token has not come yet is ended when it does.
func (w *work) endActivity(c *Case, dev push.Device, a *Activity, at time.Time) {
	a.EndedAt = w.now
	if a.Token != "" {
		w.tell(c, dev, *a, push.About{Event: push.ActivityEnd, At: at, Loud: c.Incident.Status == incident.Resolved}, w.now)
	}
}

// tell adds the delivery to an activity. One for later is left to whoever
// claims it, who then reads the incident as it is by that time.
func (w *work) tell(c *Case, dev push.Device, a Activity, about push.About, at time.Time) {
	d := w.delivery(c, push.Activity, dev)
	d.About = &about
	later := at.After(w.now)
	if later {
		d.DueAt, d.LeaseUntil, d.LeaseNode = at, time.Time{}, ""
	}
	by := c.Incident.AcknowledgedBy.Name
	if c.Incident.Status == incident.Resolved {
		by = c.Incident.ResolvedBy.Name
	}
	w.outgoing = append(w.outgoing, outgoing{delivery: d, device: dev, by: by, token: a.Token, later: later})
}

// ActivityReport is what an app says of a Live Activity of its own.
type ActivityReport struct {
	UserID     string
	DeviceID   string
	IncidentID string
	Token      string // new, or rotated
	Ended      bool   // the person swiped it away; Token is empty
}

// ReportActivity takes an activity's token, or its end. An activity that
// missed something while it had no token is told at once, and ended when its
// incident is over or somebody else's. Refused with not_found for a device or
// an incident that is not there.
func (d *Desk) ReportActivity(ctx context.Context, r ActivityReport) error {
	return d.write(ctx, "activity", r.IncidentID, func(w *work) error {
		devices := w.tx.Catalog().Devices[r.UserID]
		i := slices.IndexFunc(devices, func(dev push.Device) bool { return dev.ID == r.DeviceID })
		if i < 0 {
			return fault.New(fault.NotFound, "not_found", "you have no such device; it may have been removed, register it again")
		}
		c, err := w.tx.Case(r.IncidentID)
		if err != nil {
			return err
		}
		return w.hearActivity(&c, devices[i], r)
	})
}

func (w *work) hearActivity(c *Case, dev push.Device, r ActivityReport) error {
	known, err := w.activities(c)
	if err != nil {
		return err
	}
	a, started := known[dev.ID]
	if r.Ended {
		if !started || !a.EndedAt.IsZero() {
			return nil
		}
		a.EndedAt = w.now
		return w.tx.SaveActivities([]Activity{a})
	}
	if dev.Provider != push.APNs {
		return fault.Field("device_id", "bad_platform", "only iPhones reached by APNs have Live Activities, and this device is not one")
	}
	if !started { // the app started it by itself
		a = Activity{DeviceID: dev.ID, IncidentID: c.Incident.ID, StartedAt: w.now, UpdatedAt: c.Incident.UpdatedAt}
	}
	a.Token, a.EndedAt = r.Token, time.Time{}
	switch {
	case c.Incident.Status == incident.Resolved:
		w.endActivity(c, dev, &a, c.Incident.ResolvedAt.Add(activityLinger))
	case takenFrom(c.Incident, dev.UserID):
		w.endActivity(c, dev, &a, w.now)
	case c.Incident.UpdatedAt.After(a.UpdatedAt):
		a.UpdatedAt = w.now
		w.tell(c, dev, a, push.About{Event: push.ActivityUpdate}, w.now)
	}
	if err := w.tx.SaveActivities([]Activity{a}); err != nil {
		return err
	}
	return w.finish(c)
}
