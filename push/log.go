package push

import "time"

// Attempt is one send of a delivery and what came of it: a line of the
// delivery log.
type Attempt struct {
	DeliveryID string
	// SentAt and DoneAt are when it was handed to the sender and when its answer,
	// or the end of waiting for one, came.
	SentAt time.Time
	DoneAt time.Time
	// Attempt counts from 1; one that was not about this delivery (a refused
	// key) does not count, so its successor has the same number.
	Attempt     int
	Provider    Provider
	App         string
	Environment string
	Class       Class
	Status      int // 0: no answer
	Reason      string
	ProviderID  string
	Level       string
	Downgrade   string
}

// Attempt is the outcome's line of the delivery log; ok is false when nothing
// ran its course: it was put off, or cut short by our own shutdown.
func (o Outcome) Attempt() (a Attempt, ok bool) {
	if o.SentAt.IsZero() || o.Result.Class == ClassCut {
		return Attempt{}, false
	}
	lane := o.Job.Device.Lane()
	return Attempt{
		DeliveryID: o.Job.Delivery.ID, SentAt: stamp(o.SentAt), DoneAt: stamp(o.DoneAt), Attempt: o.Job.Delivery.Attempt + 1,
		Provider: lane.Provider, App: lane.App, Environment: lane.Environment,
		Class: o.Result.Class, Status: o.Result.Status, Reason: o.Result.Reason, ProviderID: o.Result.ProviderID,
		Level: o.Level, Downgrade: o.Downgrade,
	}, true
}

// ReceiptEvent is what a device says happened to a delivery.
type ReceiptEvent string

// Events of receipts. Each stands for itself: an app that reports displayed
// has not reported received.
const (
	Received  ReceiptEvent = "received"
	Displayed ReceiptEvent = "displayed"
	Opened    ReceiptEvent = "opened"
	Acted     ReceiptEvent = "acted"
)

// Receipt is a device's word on a delivery. Of each event only the first word
// is kept.
type Receipt struct {
	DeliveryID string
	Event      ReceiptEvent
	// At is when we heard of it; DeviceAt when it happened by the device's own
	// clock, zero if it did not say.
	At       time.Time
	DeviceAt time.Time
	// ClockOff: DeviceAt cannot be, so At is what counts.
	ClockOff bool
	// DeliveredPriority and OriginalPriority are FCM's: a page that was sent HIGH
	// and delivered NORMAL woke nobody.
	DeliveredPriority string
	OriginalPriority  string
	Detail            string
}

// clockSlack is how far ahead of ours a device's clock may be to be believed.
const clockSlack = 24 * time.Hour

// Judged compares the device's clock with what we know: made is when the
// delivery was. A word that comes late, from a phone that was offline, is no
// sign of a wrong clock; one from before the delivery, or from tomorrow, is.
func (r Receipt) Judged(made time.Time) Receipt {
	r.ClockOff = !r.DeviceAt.IsZero() && (r.DeviceAt.Before(made) || r.DeviceAt.After(r.At.Add(clockSlack)))
	return r
}

// Moment is when it happened, as well as we know: by the device's clock if that
// can be, and never later than we heard of it.
func (r Receipt) Moment() time.Time {
	if r.DeviceAt.IsZero() || r.ClockOff || r.DeviceAt.After(r.At) {
		return r.At
	}
	return r.DeviceAt
}
