package respond

import (
	"slices"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// lastWord bounds a page that no further level will replace.
const lastWord = time.Hour

// settleFor is how long a settle is worth delivering to a phone that is off.
const settleFor = 4 * time.Hour

// step takes the incident to a level of its plan: the machine notes it, and
// everyone found there is notified by their own rules.
func (w *work) step(c *Case, s oncall.Step, why string, by incident.Actor) error {
	ch, err := c.Incident.Escalated(escalation(s, why), by, w.now)
	if err != nil {
		return err
	}
	c.Incident = ch.Incident
	w.entries = append(w.entries, ch.Entries...)
	w.page(c, s)
	if why == incident.ReasonTimeout && len(s.Users) > 0 {
		return w.settleAway(c, by)
	}
	return nil
}

// page notes where the plan stands now and notifies the people found there.
// Their pages are worth sending until the next level takes over.
func (w *work) page(c *Case, s oncall.Step) {
	c.Position = s.Position
	expires := s.NextAt
	if expires.IsZero() {
		expires = w.now.Add(lastWord)
	}
	for _, user := range s.Users {
		w.notify(c, user, expires)
	}
}

// notify turns a person's ways of being reached into notifications. Where no
// rule of theirs leads anywhere, the timeline says so.
func (w *work) notify(c *Case, userID string, expires time.Time) {
	ways := oncall.WaysTo(userID, string(c.Incident.Urgency), w.now, w.tx.Catalog())
	if ways.Fallback {
		w.warn(c, userID, "no_usable_rule", "has no usable notification rule for this urgency", "at once")
	}
	w.ladder(c, userID, ways.Rungs, expires)
}

// warn says on the timeline why a person is notified in whatever way there is,
// or that there is none, and gives the ways.
func (w *work) warn(c *Case, userID, reason, why, when string) []oncall.Method {
	cat := w.tx.Catalog()
	ways := oncall.AnyWay(userID, cat)
	text := why + "; all active devices are notified " + when
	switch {
	case len(ways) == 0:
		text = "has no active device and no verified address; nothing could be sent"
	case ways[0] != oncall.Push:
		text = why + ", and no active device; all verified addresses are notified " + when
	}
	w.note(c, incident.EntryWarning, incident.Detail{Reason: reason, UserID: userID, Text: cat.name(userID) + " " + text})
	return ways
}

// promise is the notification that a rung stands for.
func (w *work) promise(c *Case, userID string, r oncall.Rung, expires time.Time) Notification {
	return Notification{
		ID: id.New(id.Notification), IncidentID: c.Incident.ID, UserID: userID, RuleID: r.RuleID, Method: r.Method,
		DeviceID: r.DeviceID, Level: c.Position.Level, Loop: c.Position.Loop, State: NotificationScheduled,
		DueAt: r.At, ExpiresAt: expires, CreatedAt: w.now, DisplayedWithin: r.DisplayedWithin,
	}
}

// schedule makes the promise, and keeps it if its moment is now.
func (w *work) schedule(c *Case, n Notification) Notification {
	due := n.fixed()
	w.note(c, incident.EntryScheduled, incident.Detail{
		NotificationID: n.ID, UserID: n.UserID, Method: string(n.Method), Level: n.Level, Loop: n.Loop, Until: &due,
	})
	if !n.DueAt.After(w.now) {
		n.State = NotificationDispatched
		w.dispatch(c, n)
	} else {
		c.rungAt(n.DueAt)
	}
	w.notifications = append(w.notifications, n)
	return n
}

// dispatch turns a due notification into one delivery per device, already
// leased to this node: the sender gets them in memory after the commit, and
// another node only if this one dies.
func (w *work) dispatch(c *Case, n Notification) {
	for _, dev := range w.tx.Catalog().ringable(n.UserID, n.Method, n.DeviceID) {
		d := w.delivery(c, push.Page, dev)
		d.NotificationID, d.ExpiresAt = n.ID, n.ExpiresAt
		w.outgoing = append(w.outgoing, outgoing{delivery: d, device: dev})
	}
}

func (w *work) delivery(c *Case, kind push.Kind, dev push.Device) push.Delivery {
	return push.Delivery{
		ID: id.New(id.Delivery), Kind: kind, IncidentID: c.Incident.ID, Revision: c.Incident.Revision,
		UserID: dev.UserID, DeviceID: dev.ID, State: push.Scheduled, DueAt: w.now, ExpiresAt: w.now.Add(settleFor),
		LeaseUntil: w.now.Add(w.desk.lease), LeaseNode: w.desk.node, CreatedAt: w.now,
	}
}

// inTheAir is said of a page that a sender held when it was cancelled: whether
// it had left is only known when its answer comes, and then told.
const inTheAir = "a sender held it and it may have left already; if it did, sent and accepted follow"

// stopPaging voids what has not left, and says so for each.
func (w *work) stopPaging(c *Case) error {
	waiting, unsent, err := w.tx.CancelPages(c.Incident.ID, w.now)
	if err != nil {
		return err
	}
	for _, n := range waiting {
		w.note(c, incident.EntryCancelled, incident.Detail{
			NotificationID: n.ID, UserID: n.UserID, Method: string(n.Method), Reason: string(c.Incident.Status),
		})
	}
	for _, d := range unsent {
		detail := incident.Detail{
			NotificationID: d.NotificationID, DeliveryID: d.ID, Kind: string(d.Kind), UserID: d.UserID,
			DeviceID: d.DeviceID, Method: w.tx.Catalog().methodOf(d.UserID, d.DeviceID), Attempt: d.Attempt, Reason: string(c.Incident.Status),
		}
		if !d.LeaseUntil.IsZero() {
			detail.Text = inTheAir
		}
		w.note(c, incident.EntryCancelled, detail)
	}
	c.NextRungAt = time.Time{}
	w.quiet = append(w.quiet, stop{c.Incident.ID, c.Incident.Revision})
	return nil
}

// settle quiets every device that rang, except the one the action came from,
// those of people who are still to be paged, and text messages and calls, which
// nothing can take back. A page that is in the air at
// this moment may land after its settle, so it is settled once more when its
// answer is recorded (push: Verdict.FollowUp): twice quiet is harmless.
func (w *work) settle(c *Case, by incident.Actor) error {
	devices, err := w.tx.PagedDevices(c.Incident.ID)
	if err != nil {
		return err
	}
	reassigned := c.Incident.Status == incident.Triggered
	for _, dev := range devices {
		if dev.ID == by.DeviceID || !dev.Settles() || dev.State == push.DeviceDead || reassigned && slices.Contains(c.Incident.Assignees, dev.UserID) {
			continue
		}
		w.outgoing = append(w.outgoing, outgoing{
			delivery: w.delivery(c, push.Settle, dev), device: dev, by: by.Name, reassigned: reassigned,
		})
	}
	return nil
}

// settleAway tells the phones of those whom the plan has passed that others are
// asked now. Their buttons stay: who comes late may still take it.
func (w *work) settleAway(c *Case, by incident.Actor) error {
	devices, err := w.tx.PagedDevices(c.Incident.ID)
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if dev.ID == by.DeviceID || !showsPages(dev) || slices.Contains(c.Incident.Assignees, dev.UserID) {
			continue
		}
		d := w.delivery(c, push.Settle, dev)
		d.About = &push.About{Topic: push.TopicEscalated}
		w.outgoing = append(w.outgoing, outgoing{delivery: d, device: dev, by: by.Name, reassigned: true})
	}
	return nil
}

// update rewrites what the phones of those show whom the incident concerns now;
// others have been told that it is somebody else's, and that stands. Nothing
// rings.
func (w *work) update(c *Case) error {
	devices, err := w.tx.PagedDevices(c.Incident.ID)
	if err != nil {
		return err
	}
	for _, dev := range devices {
		if showsPages(dev) && slices.Contains(c.Incident.Assignees, dev.UserID) {
			w.outgoing = append(w.outgoing, outgoing{delivery: w.delivery(c, push.Update, dev), device: dev})
		}
	}
	return nil
}

// showsPages reports whether a page stays in sight there and can be rewritten:
// in an app or a browser, not in a mailbox.
func showsPages(dev push.Device) bool {
	return dev.State != push.DeviceDead && oncall.Method(dev.Method()) == oncall.Push
}

// escalation says the plan's step in the machine's words.
func escalation(s oncall.Step, why string) incident.EscalationStep {
	out := incident.EscalationStep{
		Level: s.Position.Level, Loop: s.Position.Loop, Users: s.Users, NextAt: s.NextAt,
		Exhausted: s.Position.Exhausted, Reason: why,
	}
	for _, skip := range s.Skipped {
		out.Skipped = append(out.Skipped, incident.SkippedLevel{Level: skip.Level, Loop: skip.Loop})
	}
	return out
}
