package respond

import (
	"context"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// MaxReceipts is how many receipts one report may carry.
const MaxReceipts = 200

// Report is what a person's device says became of deliveries. It may come late,
// twice and in any order.
type Report struct {
	// Actor is the person; with a DeviceID, only that device's deliveries are
	// theirs to speak of, without one those of all their devices.
	Actor    incident.Actor
	Receipts []push.Receipt // at most MaxReceipts; At and ClockOff are filled in here
}

// Hearing is what was made of one receipt.
type Hearing string

// Refusals of a receipt. They are final: sending it again changes nothing.
const (
	Recorded        Hearing = "recorded"
	Duplicate       Hearing = "duplicate" // the first word on this event stands
	WrongID         Hearing = "wrong_id"  // not a delivery's id at all
	UnknownDelivery Hearing = "unknown_delivery"
	NotYours        Hearing = "not_yours" // somebody else's, or another device's
)

// Report records receipts and tells what was made of each, in their order.
// Those that cannot be recorded do not keep the others from it. Rows, timeline
// and the device's last word are one transaction; the incidents themselves do
// not change.
func (d *Desk) Report(ctx context.Context, r Report) ([]Hearing, error) {
	if len(r.Receipts) > MaxReceipts {
		return nil, fault.Field("receipts", "too_many_receipts", "one report may carry %d receipts, this one has %d; send the rest in another", MaxReceipts, len(r.Receipts))
	}
	var heard []Hearing
	err := d.write(ctx, "receipt", "report "+r.Actor.ID, func(w *work) (err error) {
		heard, err = w.report(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return heard, nil
}

func (w *work) report(r Report) ([]Hearing, error) {
	known, err := w.tx.FindDeliveries(deliveryIDs(r.Receipts))
	if err != nil {
		return nil, err
	}
	heard := make([]Hearing, len(r.Receipts))
	var first []push.Receipt // of each delivery and event, in the order sent
	place := map[saying]int{}
	for i, receipt := range r.Receipts {
		d, ok := known[receipt.DeliveryID]
		if heard[i] = r.admits(receipt, d, ok); heard[i] != Recorded {
			continue
		}
		heard[i] = Duplicate // until it has been added
		key := sayingOf(receipt)
		if _, twice := place[key]; twice {
			continue
		}
		place[key] = i
		first = append(first, w.judged(receipt, d))
	}
	added, err := w.hear(first, known, r.Actor)
	for _, receipt := range added {
		heard[place[sayingOf(receipt)]] = Recorded
	}
	return heard, err
}

// saying is what there is only one receipt of.
type saying struct {
	deliveryID string
	event      push.ReceiptEvent
}

func sayingOf(r push.Receipt) saying { return saying{r.DeliveryID, r.Event} }

func deliveryIDs(list []push.Receipt) []string {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.DeliveryID
	}
	return ids
}

// admits says whether a receipt is the reporter's to give.
func (r Report) admits(receipt push.Receipt, d push.Delivery, found bool) Hearing {
	switch {
	case id.Check(id.Delivery, receipt.DeliveryID) != nil:
		return WrongID
	case !found:
		return UnknownDelivery
	case d.UserID != r.Actor.ID || r.Actor.DeviceID != "" && d.DeviceID != r.Actor.DeviceID:
		return NotYours
	}
	return Recorded
}

// judged gives a receipt our own moment, and compares the device's with it.
func (w *work) judged(r push.Receipt, d push.Delivery) push.Receipt {
	r.At = w.now
	return r.Judged(d.CreatedAt)
}

// hear stores receipts that are the reporter's, and tells those that are news
// on the timelines of their incidents. It appends the entries itself: there is
// no case that would be saved with them.
func (w *work) hear(list []push.Receipt, of map[string]push.Delivery, by incident.Actor) ([]push.Receipt, error) {
	if len(list) == 0 {
		return nil, nil
	}
	added, err := w.tx.AddReceipts(list)
	if err != nil || len(added) == 0 {
		return added, err
	}
	devices := map[string]bool{}
	var ids []string
	for _, r := range added {
		d := of[r.DeliveryID]
		if !devices[d.DeviceID] {
			devices[d.DeviceID], ids = true, append(ids, d.DeviceID)
		}
		if told(d) {
			w.tx.Append(w.receipt(r, d, by))
		}
	}
	if err := w.tx.HeardFrom(ids, w.now); err != nil {
		return nil, err
	}
	return added, w.digests(added, of)
}

// told reports whether a delivery's receipts belong on a timeline: what quiets
// a phone, and what is about no incident, is only stored.
func told(d push.Delivery) bool {
	return d.IncidentID != "" && (d.Kind == push.Page || d.Kind == push.Update)
}

// receiptWords are the timeline's words for what devices report.
var receiptWords = map[push.ReceiptEvent]incident.EntryType{
	push.Received: incident.EntryReceived, push.Displayed: incident.EntryDisplayed,
	push.Opened: incident.EntryOpened, push.Acted: incident.EntryActed,
}

func (w *work) receipt(r push.Receipt, d push.Delivery, by incident.Actor) incident.Entry {
	detail := incident.Detail{
		NotificationID: d.NotificationID, DeliveryID: d.ID, Kind: string(d.Kind), UserID: d.UserID, DeviceID: d.DeviceID,
		Method: w.tx.Catalog().methodOf(d.UserID, d.DeviceID), ClockOff: r.ClockOff,
	}
	if !r.DeviceAt.IsZero() {
		detail.DeviceAt = &r.DeviceAt
	}
	return incident.Entry{
		IncidentID: d.IncidentID, Revision: d.Revision, Type: receiptWords[r.Event], At: r.At,
		Actor: by, Detail: detail,
	}
}
