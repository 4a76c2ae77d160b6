package models_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// TestHistoryIsForgottenButPromisesAreNot: what is finished and old goes; what
// still waits stays, however old it is.
func TestHistoryIsForgottenButPromisesAreNot(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("k"))
		finished, waiting := aPage(c, aPhone("usr_ana", "ab")), aPage(c, aPhone("usr_ana", "ab"))
		finished.State = push.Accepted
		done, promised := aNotification(c), aNotification(c)
		promised.State = respond.NotificationScheduled
		write(t, db, "k", func(tx respond.Tx) error {
			if err := tx.AddDeliveries(pages(finished, waiting)); err != nil {
				return err
			}
			if err := tx.AddNotifications([]respond.Notification{done, promised}); err != nil {
				return err
			}
			if err := tx.AddChange(respond.ChangeEvent{ID: id.New(id.Change), ServiceID: "svc_1", At: noon, ReceivedAt: noon}); err != nil {
				return err
			}
			for _, d := range pages(finished, waiting) {
				if _, err := tx.AddReceipts([]push.Receipt{{DeliveryID: d.ID, Event: push.Received, At: noon}}); err != nil {
					return err
				}
			}
			return tx.Answer("usr_ana", "key", "f", []byte("yes"), noon)
		})
		for _, d := range pages(finished, waiting) {
			for n := range 2 { // of each delivery, two attempts that did not end it
				record(t, db, push.Outcome{Job: push.Job{Delivery: d}, SentAt: noon.Add(-time.Duration(n) * time.Second), DoneAt: noon, Final: push.Scheduled, Result: push.Result{Class: push.ClassConfigBroken}})
			}
		}
		count := func(table string) int {
			n, err := db.Count(t.Context(), table, "1 = 1")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		prune := func(now time.Time, want int64) {
			t.Helper()
			n, err := db.Prune(t.Context(), now, models.Retention{Timeline: 30 * day, Deliveries: 7 * day, Changes: 7 * day})
			if err != nil || n != want {
				t.Errorf("%d rows, %v; want %d", n, err, want)
			}
		}
		prune(noon.Add(day-time.Second), 0)
		prune(noon.Add(day+time.Second), 1)
		if n := count("answers"); n != 0 {
			t.Errorf("%d answers left after a day", n)
		}
		prune(noon.Add(7*day-time.Second), 0)
		prune(noon.Add(7*day+time.Second), 6)
		for table, want := range map[string]int{"deliveries": 1, "attempts": 2, "receipts": 1, "notifications": 1, "changes": 0} {
			if n := count(table); n != want {
				t.Errorf("%s: %d rows left, want %d", table, n, want)
			}
		}
		if jobs, ok, err := db.Deliveries().NextDue(t.Context()); !ok || err != nil || !jobs.Equal(noon) {
			t.Errorf("the old promise is forgotten: %v, %v, %v", jobs, ok, err)
		}
	})
}

// Whoever adds and removes a device in a loop must not fill the disk.
func TestRemovedDevicesAreForgotten(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c, d := withCode(t, db)
		kept := anAddress(d.UserID, "kept@example.com")
		if err := errors.Join(c.AddContact(t.Context(), kept), c.RemoveContact(t.Context(), d.UserID, d.ID)); err != nil {
			t.Fatal(err)
		}
		week := models.Retention{Deliveries: 7 * 24 * time.Hour}
		for _, days := range []int{6, 8, 800} {
			if _, err := db.Prune(t.Context(), time.Now().AddDate(0, 0, days), week); err != nil {
				t.Fatal(err)
			}
			want := 0
			if days < 7 {
				want = 1
			}
			if n, err := db.Count(t.Context(), "devices", "removed_at IS NOT NULL"); n != want || err != nil {
				t.Errorf("after %d days %d removed devices are left, %v; want %d", days, n, err, want)
			}
		}
		if _, err := c.Contact(t.Context(), d.UserID, kept.ID); err != nil {
			t.Errorf("the one in use: %v", err)
		}
	})
}
