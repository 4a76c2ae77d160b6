package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

func logOf(t *testing.T, db *models.DB, f respond.DeliveryFilter) []respond.DeliveryStory {
	t.Helper()
	items, _, err := db.DeliveryLog().ListDeliveries(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// TestEveryAttemptIsInTheLog: also those that come to nothing, once however
// often they are recorded, and none of what was put off or cut.
func TestEveryAttemptIsInTheLog(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		c, sent := ringing(t, db, "", phone)
		job := claimPages(t, db, noon, 10)[0]
		cut := push.Outcome{Job: job, SentAt: noon, DoneAt: noon.Add(time.Second), Final: push.Scheduled, RetryAt: noon, Result: push.Result{Class: push.ClassCut}}
		putOff := push.Outcome{Job: job, DoneAt: noon.Add(time.Second), Final: push.Scheduled, RetryAt: noon}
		failed := push.Outcome{
			Job: job, SentAt: noon.Add(time.Second), DoneAt: noon.Add(2 * time.Second), Final: push.Scheduled, RetryAt: noon.Add(time.Minute),
			Result: push.Result{Class: push.ClassRetry, Status: 503, Reason: "Shut\x00down"}, Level: "critical",
		}
		record(t, db, cut, putOff)
		record(t, db, failed)
		record(t, db, failed) // its commit's answer was lost
		again := claimPages(t, db, noon.Add(time.Minute), 10)[0]
		ok := accepted(again)
		ok.SentAt, ok.DoneAt, ok.Downgrade = noon.Add(time.Minute), noon.Add(time.Minute+80*time.Millisecond), "no_critical"
		ok.Result.ProviderID, ok.Level = "uuid-1", "active"
		record(t, db, ok, ok)

		got := logOf(t, db, respond.DeliveryFilter{IncidentID: c.Incident.ID})
		if len(got) != 1 || got[0].Delivery.ID != sent[0].ID || got[0].Delivery.State != push.Accepted {
			t.Fatalf("the log has %+v", got)
		}
		line := push.Attempt{DeliveryID: sent[0].ID, Provider: phone.Provider, App: phone.App, Environment: phone.Environment}
		first, second := line, line
		first.SentAt, first.DoneAt, first.Attempt, first.Class, first.Status, first.Reason, first.Level = noon.Add(time.Second), noon.Add(2*time.Second), 1, push.ClassRetry, 503, "Shutdown", "critical"
		second.SentAt, second.DoneAt, second.Attempt, second.Class, second.Status = ok.SentAt, ok.DoneAt, 2, push.ClassAccepted, ok.Result.Status
		second.ProviderID, second.Level, second.Downgrade = "uuid-1", "active", "no_critical"
		if diff := cmp.Diff([]push.Attempt{first, second}, got[0].Attempts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOnlyTheFirstReceiptOfAnEventIsKept(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "node-a")
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		_, sent := ringing(t, db, "", phone)
		say := func(event push.ReceiptEvent, after time.Duration) push.Receipt {
			return push.Receipt{DeliveryID: sent[0].ID, Event: event, At: noon.Add(after)}
		}
		opened := say(push.Opened, time.Minute)
		opened.DeviceAt, opened.ClockOff, opened.DeliveredPriority, opened.OriginalPriority, opened.Detail = noon.Add(-time.Hour), true, "normal", "high", "in doze"
		var added []push.Receipt
		add := func(list ...push.Receipt) {
			write(t, db, "k", func(tx respond.Tx) (err error) {
				added, err = tx.AddReceipts(list)
				return err
			})
		}
		add(opened, say(push.Received, time.Minute), say(push.Opened, 2*time.Minute))
		if len(added) != 2 {
			t.Errorf("added %+v", added)
		}
		add(say(push.Received, time.Hour), say(push.Displayed, time.Hour))
		if len(added) != 1 || added[0].Event != push.Displayed {
			t.Errorf("added %+v", added)
		}
		want := []push.Receipt{say(push.Received, time.Minute), say(push.Displayed, time.Hour), opened}
		if diff := cmp.Diff(want, logOf(t, db, respond.DeliveryFilter{DeviceID: phone.ID})[0].Receipts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestTheDevicesLastWordIsKept: it only goes forward, and what the app sends
// of itself does not wipe it out.
func TestTheDevicesLastWordIsKept(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user := settled(t, db).Users[0].ID
		phone := aPhone(user, id.New(id.Device))
		phone.LastReceiptAt = time.Time{}
		phone = registered(t, db, phone)
		hear := func(when time.Time) {
			write(t, db, "k", func(tx respond.Tx) error { return tx.HeardFrom([]string{phone.ID}, when) })
		}
		last := func() time.Time {
			d, err := db.Devices().Device(t.Context(), user, phone.ID)
			if err != nil {
				t.Fatal(err)
			}
			return d.LastReceiptAt
		}
		hear(noon.Add(time.Hour))
		hear(noon)
		if got := last(); !got.Equal(noon.Add(time.Hour)) {
			t.Errorf("last heard of at %s", got)
		}
		if err := db.Devices().UpdateDevice(t.Context(), phone); err != nil {
			t.Fatal(err)
		}
		if again := registered(t, db, phone); !again.LastReceiptAt.Equal(noon.Add(time.Hour)) || !last().Equal(noon.Add(time.Hour)) {
			t.Errorf("after registering again: %s, then %s", again.LastReceiptAt, last())
		}
		owner, err := db.Devices().DeviceOwner(t.Context(), phone.ID)
		if err != nil || owner != user {
			t.Errorf("the device is %q's, %v", owner, err)
		}
		if err := db.Devices().RemoveDevice(t.Context(), user, phone.ID); err != nil {
			t.Fatal(err)
		}
		if owner, err := db.Devices().DeviceOwner(t.Context(), phone.ID); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a removed device is %q's, %v; want nobody's, so that its receipt key is void", owner, err)
		}
	})
}

func TestTheDeliveryLogIsNarrowedAndPaged(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		users := settled(t, db).Users
		anas, bens := phoneOf(t, db, users[0].ID), phoneOf(t, db, users[1].ID)
		c, sent := ringing(t, db, "", anas, bens)
		quiet := aPage(c, anas)
		quiet.Kind, quiet.State, quiet.CreatedAt = push.Settle, push.Accepted, noon.Add(time.Hour)
		alone := push.Delivery{
			ID: id.New(id.Delivery), Kind: push.Test, UserID: users[0].ID, DeviceID: anas.ID, State: push.Failed, DueAt: noon, ExpiresAt: noon,
			CreatedAt: noon.Add(2 * time.Hour), About: &push.About{Loud: true},
		}
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{quiet, alone}) })
		name := map[string]string{sent[0].ID: "ana", sent[1].ID: "ben", quiet.ID: "quiet", alone.ID: "alone"}
		for _, c := range []struct {
			what string
			f    respond.DeliveryFilter
			want []string
		}{
			{"all", respond.DeliveryFilter{}, []string{"alone", "quiet", "ben", "ana"}},
			{"incident", respond.DeliveryFilter{IncidentID: c.Incident.ID}, []string{"quiet", "ben", "ana"}},
			{"user", respond.DeliveryFilter{UserID: users[0].ID}, []string{"alone", "quiet", "ana"}},
			{"device", respond.DeliveryFilter{DeviceID: bens.ID}, []string{"ben"}},
			{"kinds", respond.DeliveryFilter{Kinds: []push.Kind{push.Test, push.Settle}}, []string{"alone", "quiet"}},
			{"state", respond.DeliveryFilter{States: []push.DeliveryState{push.Scheduled}}, []string{"ben", "ana"}},
			{"since", respond.DeliveryFilter{Since: noon.Add(time.Hour)}, []string{"alone", "quiet"}},
			{"until", respond.DeliveryFilter{Until: noon.Add(time.Hour)}, []string{"ben", "ana"}},
			{"user and kind", respond.DeliveryFilter{UserID: users[0].ID, Kinds: []push.Kind{push.Page}}, []string{"ana"}},
			{"none", respond.DeliveryFilter{UserID: id.New(id.User)}, nil},
		} {
			var got []string
			f := c.f
			f.Limit = 2
			for more := true; more; {
				items, rest, err := db.DeliveryLog().ListDeliveries(t.Context(), f)
				if err != nil || len(items) > 2 {
					t.Fatalf("%s: %d items, %v", c.what, len(items), err)
				}
				for _, i := range items {
					got, f.BeforeID = append(got, name[i.Delivery.ID]), i.Delivery.ID
				}
				more = rest
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.what, diff)
			}
		}
	})
}

// TestWhomAnIncidentConcerns: a handing over counts from the moment it is made,
// also for who comes in the same batch.
func TestWhomAnIncidentConcerns(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		c, sent := ringing(t, db, "", phone)
		look := func(tx respond.Tx, wantReassigned, wantPaged int64) error {
			t.Helper()
			reassigned, paged, err := tx.LastConcerned(c.Incident.ID, phone.UserID)
			if reassigned != wantReassigned || paged != wantPaged {
				t.Errorf("reassigned at %d and paged at %d, want %d and %d", reassigned, paged, wantReassigned, wantPaged)
			}
			return err
		}
		over := incident.Entry{IncidentID: c.Incident.ID, Revision: 7, Type: incident.EntryReassigned, At: noon, Actor: ana}
		write(t, db, "k", func(tx respond.Tx) error {
			if err := look(tx, 0, sent[0].Revision); err != nil {
				return err
			}
			tx.Append(over)
			return look(tx, 7, sent[0].Revision)
		})
		again := aPage(c, phone)
		again.Revision = 8
		write(t, db, "k", func(tx respond.Tx) error {
			if err := tx.AddDeliveries(pages(again)); err != nil {
				return err
			}
			return look(tx, 7, 8)
		})
		write(t, db, "k", func(tx respond.Tx) error {
			there, err := tx.Registered(phone.UserID, phone.ID)
			if !there || err != nil {
				t.Errorf("the device is registered: %v, %v", there, err)
			}
			if there, err = tx.Registered(id.New(id.User), phone.ID); there || err != nil {
				t.Errorf("to somebody else: %v, %v", there, err)
			}
			return nil
		})
	})
}
