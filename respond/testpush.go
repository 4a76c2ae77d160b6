package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

const (
	// testLife is how long a test is worth delivering: who asked for it has the
	// phone in hand.
	testLife = 10 * time.Minute
	// testsAMinute bounds what one device is rung for fun.
	testsAMinute = 6
)

// Trial asks for a test of one's own device.
type Trial struct {
	UserID   string
	DeviceID string
	// Loud rings as a page would; else it arrives silently.
	Loud bool
	// Key is the Idempotency-Key; empty: none.
	Key string
}

func (t Trial) fingerprint() string { return fmt.Sprintf("test %s %v", t.DeviceID, t.Loud) }

// Test sends a test to a device. Refusals are faults: device_gone,
// device_not_verified, too_many_tests, idempotency_key_reused.
func (w *Watch) Test(ctx context.Context, t Trial) (push.Delivery, error) {
	var d push.Delivery
	var jobs []push.Job
	err := w.Store.Write(ctx, "device "+t.DeviceID, func(tx Tx) (err error) {
		d, jobs, err = w.test(tx, t)
		return err
	})
	if err == nil && len(jobs) > 0 {
		w.Pager.Submit(jobs)
	}
	return d, err
}

func (w *Watch) test(tx Tx, t Trial) (push.Delivery, []push.Job, error) {
	now := w.now()
	if d, err := answeredTest(tx, t, now); err != nil || d.ID != "" {
		return d, nil, err
	}
	dev, err := testable(tx.Catalog(), t)
	if err != nil {
		return push.Delivery{}, nil, err
	}
	n, err := tx.TestsSince(t.DeviceID, now.Add(-time.Minute))
	if err != nil {
		return push.Delivery{}, nil, err
	}
	if n >= testsAMinute {
		return push.Delivery{}, nil, fault.New(fault.TooMany, "too_many_tests", "this device has been tested %d times within a minute; wait a minute", n)
	}
	d := push.Delivery{
		ID: id.New(id.Delivery), Kind: push.Test, UserID: t.UserID, DeviceID: t.DeviceID, State: push.Scheduled, DueAt: now,
		ExpiresAt: now.Add(testLife), LeaseUntil: now.Add(w.Lease), LeaseNode: w.Node, CreatedAt: now, About: &push.About{Loud: t.Loud},
	}
	if err := tx.AddDeliveries([]push.Delivery{d}); err != nil {
		return d, nil, err
	}
	job := push.Job{Delivery: d, Device: dev, Content: push.Content{TimeZone: tx.Catalog().People[t.UserID].TimeZone}}
	return d, []push.Job{job}, rememberTest(tx, t, d, now)
}

// testable finds the device among those that can be rung. The caller has seen
// that it exists and is this person's.
func testable(cat *Catalog, t Trial) (push.Device, error) {
	for _, d := range cat.Devices[t.UserID] {
		switch {
		case d.ID != t.DeviceID:
		case !d.Usable():
			return d, fault.New(fault.Conflict, "device_not_verified", "this address has not been verified; verify it, then test it")
		default:
			return d, nil
		}
	}
	return push.Device{}, fault.New(fault.Conflict, "device_gone", "the provider says that the app is gone from this device; open the app there so that it registers again, then test it")
}

// answeredTest finds the test that was made under the same key.
func answeredTest(tx Tx, t Trial, now time.Time) (d push.Delivery, err error) {
	if t.Key == "" {
		return d, nil
	}
	stored, printed, err := tx.Answered(t.UserID, t.Key, now)
	if err != nil || stored == nil {
		return d, err
	}
	if printed != t.fingerprint() {
		return d, fault.New(fault.Conflict, "idempotency_key_reused",
			"this Idempotency-Key was used for a different request in the last 24 hours; make a new key for each action")
	}
	if err := json.NewDecoder(bytes.NewReader(stored)).Decode(&d); err != nil {
		return d, fmt.Errorf("reading a stored answer: %w", err)
	}
	return d, nil
}

func rememberTest(tx Tx, t Trial, d push.Delivery, now time.Time) error {
	if t.Key == "" {
		return nil
	}
	b, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("storing an answer: %w", err)
	}
	return tx.Answer(t.UserID, t.Key, t.fingerprint(), b, now)
}
