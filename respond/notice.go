package respond

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// Topics of notices.
const (
	ShiftStarts = "shift_starts"
	Unpageable  = "unpageable"
)

// probeLife is how long a probe may wait for a phone that is off.
const probeLife = time.Hour

// duty is a shift that is about to begin.
type duty struct {
	schedule oncall.Schedule
	shift    oncall.Shift
}

// Remind tells people of shifts that begin within the lead, and warns them and
// their managers when no page would wake them. Each is told once, whichever
// node comes first: deliveries under a name that is taken are not inserted.
func (w *Watch) Remind(ctx context.Context) error {
	if w.Lead <= 0 {
		return nil
	}
	cat, now := w.Store.Catalog(), w.now()
	soon := w.soon(cat, now)
	if len(soon) == 0 {
		return nil
	}
	users := make([]string, len(soon))
	for i, d := range soon {
		users[i] = d.shift.UserID
	}
	judged, err := w.Pageability(ctx, users...)
	if err != nil {
		return err
	}
	var out []push.Delivery
	for _, d := range soon {
		out = append(out, w.reminders(cat, d, now)...)
		for _, r := range judged {
			if r.Person.ID == d.shift.UserID && !r.Pageable() {
				out = append(out, w.warnings(cat, d, r, now)...)
			}
		}
	}
	return w.send(ctx, out)
}

// soon are the shifts that begin within the lead, without those that only
// carry a shift of the same person on. A schedule that cannot be rendered has
// nobody to remind.
func (w *Watch) soon(cat *Catalog, now time.Time) (out []duty) {
	for _, key := range slices.Sorted(maps.Keys(cat.Schedules)) {
		s := cat.Schedules[key]
		shifts, err := s.Shifts(now, now.Add(w.Lead+time.Microsecond))
		if err != nil {
			w.Log.Warn("a schedule's shifts cannot be read", "schedule", s.ID, "error", err)
			continue
		}
		for _, shift := range shifts {
			if shift.From.After(now) && !slices.Contains(cat.OnCall(key, shift.From.Add(-time.Microsecond)), shift.UserID) && cat.Reachable(shift.UserID) {
				out = append(out, duty{s, shift})
			}
		}
	}
	return out
}

func (w *Watch) reminders(cat *Catalog, d duty, now time.Time) (out []push.Delivery) {
	about := push.About{Topic: ShiftStarts, Who: cat.name(d.shift.UserID), What: d.schedule.Name, At: d.shift.From}
	for _, dev := range cat.toldBy(d.shift.UserID) {
		out = append(out, notice(dev, about, d.name("shift", dev), now))
	}
	return out
}

// warnings go to the person, who may see one of them in time, and to those who
// can put somebody else on call.
func (w *Watch) warnings(cat *Catalog, d duty, r Reachability, now time.Time) (out []push.Delivery) {
	about := push.About{Topic: Unpageable, Who: r.Person.Name, What: r.Reasons(), At: d.shift.From}
	for _, user := range append(cat.managers(r.Person.ID), r.Person.ID) {
		for _, dev := range cat.toldBy(user) {
			out = append(out, notice(dev, about, d.name("unpageable", dev), now))
		}
	}
	return out
}

// name is under which a device is told of the shift, once.
func (d duty) name(what string, dev push.Device) string {
	return fmt.Sprintf("%s|%s|%s|%d|%s", what, d.schedule.ID, d.shift.UserID, d.shift.From.Unix(), dev.ID)
}

// notice is a delivery that any node may claim: the one that inserts it cannot
// know whether another was first.
func notice(dev push.Device, about push.About, dedup string, now time.Time) push.Delivery {
	return push.Delivery{
		ID: id.New(id.Delivery), Kind: push.Notice, UserID: dev.UserID, DeviceID: dev.ID, State: push.Scheduled,
		DueAt: now, ExpiresAt: about.At, CreatedAt: now, About: &about, Dedup: dedup,
	}
}

// toldBy are the devices on which a person is told something: apps, browsers
// and e-mail. Nobody is called or texted for a reminder.
func (c *Catalog) toldBy(userID string) (out []push.Device) {
	for _, dev := range c.Devices[userID] {
		if m := dev.Method(); dev.Usable() && (m == string(oncall.Push) || m == string(oncall.Email)) {
			out = append(out, dev)
		}
	}
	return out
}

// managers are who should know that somebody cannot be paged: the managers, or
// where there is none, admins and owners. Not the person in question.
func (c *Catalog) managers(except string) []string {
	for _, roles := range [][]string{{"manager"}, {"admin", "owner"}} {
		var found []string
		for _, p := range c.People {
			if !p.Disabled && p.ID != except && slices.Contains(roles, p.Role) {
				found = append(found, p.ID)
			}
		}
		if len(found) > 0 {
			slices.Sort(found)
			return found
		}
	}
	return nil
}

// Probe sends a silent push to each phone of those who are on call, once in
// each stretch of ProbeEvery. Browsers are left out: they must show whatever
// reaches them.
func (w *Watch) Probe(ctx context.Context) error {
	if w.ProbeEvery <= 0 {
		return nil
	}
	cat, now := w.Store.Catalog(), w.now()
	slot := now.Truncate(w.ProbeEvery).Unix()
	var out []push.Delivery
	for _, user := range slices.Sorted(maps.Keys(cat.onCallNow(now))) {
		for _, dev := range cat.Devices[user] {
			if dev.State == push.DeviceDead || dev.Provider != push.APNs && dev.Provider != push.FCM {
				continue
			}
			out = append(out, push.Delivery{
				ID: id.New(id.Delivery), Kind: push.Probe, UserID: user, DeviceID: dev.ID, State: push.Scheduled,
				DueAt: now, ExpiresAt: now.Add(probeLife), CreatedAt: now, Dedup: fmt.Sprintf("probe|%s|%d", dev.ID, slot),
			})
		}
	}
	return w.send(ctx, out)
}

// send inserts what this node has not inserted before.
func (w *Watch) send(ctx context.Context, all []push.Delivery) error {
	fresh := w.told.unknown(all, w.now())
	if len(fresh) == 0 {
		return nil
	}
	err := w.Store.Write(ctx, "watch", func(tx Tx) error { return tx.AddDeliveries(fresh) })
	if err == nil {
		w.told.note(fresh)
	}
	return err
}

// spoken spares the database what it knows: a shift an hour away is looked at
// sixty times. Forgetting is harmless, the names are unique there.
type spoken struct {
	mu    sync.Mutex
	until map[string]time.Time // by name; when it no longer matters
}

func (t *spoken) unknown(all []push.Delivery, now time.Time) []push.Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.until, func(_ string, until time.Time) bool { return until.Before(now) })
	return slices.DeleteFunc(all, func(d push.Delivery) bool {
		_, known := t.until[d.Dedup]
		return known
	})
}

func (t *spoken) note(sent []push.Delivery) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = map[string]time.Time{}
	}
	for _, d := range sent {
		t.until[d.Dedup] = d.ExpiresAt
	}
}
