package respond

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// A phone that is off misses pages: APNs keeps only the last notification for
// it, and every provider drops what has expired. When it shows that it is back,
// one digest tells of what it has missed.

const (
	// offAfter is how long after the provider's yes a phone that is on is heard of.
	offAfter = time.Minute
	// missedFrom is how many incidents make a digest; fewer ring by themselves.
	missedFrom = 2
	// MissedMost bounds how many are counted, and digestLines how many are named.
	MissedMost  = 100
	digestLines = 5
	// MissedFor is how far back a page is worth telling of.
	MissedFor = 24 * time.Hour
)

// Returned says that a device is there, when it has just registered or
// presented its token. If it was silent for a while and has missed pages of
// open incidents meanwhile, it is told of them.
func (d *Desk) Returned(ctx context.Context, userID, deviceID string) error {
	return d.write(ctx, "returned", "report "+userID, func(w *work) error {
		last, err := w.tx.LastReport(deviceID)
		if err != nil || w.now.Sub(last) <= offAfter {
			return err
		}
		return w.digest(userID, deviceID, w.now.Add(-offAfter))
	})
}

// wasOff gives the devices whose receipts show that they were off: of pages
// that the provider had taken long before.
func (w *work) wasOff(added []push.Receipt, of map[string]push.Delivery) ([]push.Delivery, error) {
	var late []string
	for _, r := range added {
		d := of[r.DeliveryID]
		if d.Kind == push.Page && (r.Event == push.Received || r.Event == push.Displayed) && r.At.Sub(d.CreatedAt) > offAfter {
			late = append(late, d.ID)
		}
	}
	if len(late) == 0 {
		return nil, nil
	}
	accepted, err := w.tx.AcceptedAt(late)
	if err != nil {
		return nil, err
	}
	var out []push.Delivery
	for _, one := range late {
		d := of[one]
		at, ok := accepted[one]
		known := slices.ContainsFunc(out, func(o push.Delivery) bool { return o.DeviceID == d.DeviceID })
		if ok && !known && w.now.Sub(at) > offAfter {
			out = append(out, d)
		}
	}
	return out, nil
}

// digests makes one for each device that shows that it was off.
func (w *work) digests(added []push.Receipt, of map[string]push.Delivery) error {
	back, err := w.wasOff(added, of)
	if err != nil {
		return err
	}
	for _, d := range back {
		if err := w.digest(d.UserID, d.DeviceID, w.now); err != nil {
			return err
		}
	}
	return nil
}

// digest tells a device of the pages it has missed, once: what an earlier one
// was about is not told again.
func (w *work) digest(userID, deviceID string, before time.Time) error {
	usable := w.tx.Catalog().ringable(userID, oncall.Push, deviceID)
	if len(usable) == 0 {
		return nil
	}
	missed, err := w.tx.Missed(userID, deviceID, w.now.Add(-MissedFor), before, MissedMost)
	if err != nil || len(missed) < missedFrom {
		return err
	}
	// It is not leased to this node: who makes the same one at the same moment
	// must not send it too.
	return w.tx.AddDeliveries([]push.Delivery{{
		ID: id.New(id.Delivery), Kind: push.Digest, UserID: userID, DeviceID: deviceID, State: push.Scheduled,
		DueAt: w.now, ExpiresAt: w.now.Add(lastWord), CreatedAt: w.now,
		About: DigestOf(missed),
		Dedup: fmt.Sprintf("digest %s %d", deviceID, w.now.Unix()/60),
	}})
}

// DigestOf counts the incidents and names the worst, and of the same severity
// the oldest.
func DigestOf(missed []Missed) *push.About {
	slices.SortFunc(missed, func(a, b Missed) int {
		switch {
		case a.Severity.WorseThan(b.Severity):
			return -1
		case b.Severity.WorseThan(a.Severity):
			return 1
		}
		return cmp.Compare(a.Number, b.Number)
	})
	var lines []string
	for _, m := range missed[:min(len(missed), digestLines)] {
		lines = append(lines, fmt.Sprintf("#%d %s %s", m.Number, m.Severity, m.Title))
	}
	return &push.About{Count: len(missed), Lines: lines}
}
