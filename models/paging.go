package models

import (
	"cmp"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

const (
	notificationColumns = `id, incident_id, user_id, rule_id, method, device_id, level, loop, state, due_at, expires_at, created_at,
	fixed_at, waits_for, displayed_within`
	deliveryColumns = `id, kind, notification_id, incident_id, revision, user_id, device_id, state, due_at, expires_at,
	lease_until, lease_node, attempt, created_at, about, dedup`
)

// AddNotifications inserts promises to reach people.
func (tx *Tx) AddNotifications(list []respond.Notification) error {
	for _, n := range list {
		tx.pending.notifications.add(n.ID, n.IncidentID, n.UserID, n.RuleID, string(n.Method), n.DeviceID,
			n.Level, n.Loop, string(n.State), at(n.DueAt), at(n.ExpiresAt), at(n.CreatedAt), at(n.FixedAt), n.WaitsFor, int64(n.DisplayedWithin))
	}
	tx.pending.dirty = true
	return nil
}

// AddDeliveries inserts deliveries; those with a lease belong to its node
// until it ends, and only then become claimable.
func (tx *Tx) AddDeliveries(list []push.Delivery) error {
	for _, d := range list {
		tx.pending.deliveries.add(d.ID, string(d.Kind), d.NotificationID, d.IncidentID, d.Revision, d.UserID, d.DeviceID,
			string(d.State), at(d.DueAt), at(d.ExpiresAt), at(d.LeaseUntil), d.LeaseNode, d.Attempt, at(d.CreatedAt), about(d.About), orNull(d.Dedup), claimable(d))
	}
	tx.pending.dirty = true
	return nil
}

// about writes what a delivery says; most say nothing of their own.
func about(a *push.About) string {
	if a == nil {
		return "{}"
	}
	return clean(toJSON(a))
}

// aboutInto reads it again.
type aboutInto struct{ into **push.About }

// Scan implements sql.Scanner.
func (a aboutInto) Scan(src any) error {
	var v push.About
	if err := (jsonInto{&v}).Scan(src); err != nil {
		return err
	}
	if !reflect.ValueOf(v).IsZero() {
		*a.into = &v
	}
	return nil
}

// orNull keeps an empty text out of a unique index.
func orNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// textInto reads a text that may be null; null is empty.
type textInto struct{ into *string }

// Scan implements sql.Scanner.
func (t textInto) Scan(src any) error {
	var n sql.NullString
	err := n.Scan(src)
	*t.into = n.String
	return err
}

// claimable is when a node may take the delivery: at the end of the lease while
// another has it, else when it is due, and never once it is final.
func claimable(d push.Delivery) stamp {
	switch {
	case d.State != push.Scheduled:
		return stamp{}
	case !d.LeaseUntil.IsZero():
		return at(d.LeaseUntil)
	}
	return at(d.DueAt)
}

// TakeDue gives the incident's notifications due at now and marks them
// dispatched, or expired; next is when the earliest remaining one is due.
func (tx *Tx) TakeDue(incidentID string, now time.Time) (due []respond.Notification, next time.Time, err error) {
	found, err := tx.query(`UPDATE notifications SET state = CASE WHEN expires_at <= ? THEN 'expired' ELSE 'dispatched' END
		WHERE incident_id = ? AND state = 'scheduled' AND due_at <= ? RETURNING `+notificationColumns, at(now), incidentID, at(now))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("taking due notifications: %w", err)
	}
	if due, err = collect(found, scanNotification); err != nil {
		return nil, time.Time{}, fmt.Errorf("taking due notifications: %w", err)
	}
	byDueTime(due)
	if err := tx.row(`SELECT MIN(due_at) FROM notifications WHERE incident_id = ? AND state = 'scheduled'`, incidentID).Scan(into(&next)); err != nil {
		return nil, time.Time{}, fmt.Errorf("looking for the next notification: %w", err)
	}
	return due, next, nil
}

// CancelPages cancels all waiting notifications, and all page deliveries not
// yet in a final state, and returns them as they were.
func (tx *Tx) CancelPages(incidentID string, _ time.Time) ([]respond.Notification, []push.Delivery, error) {
	waiting, err := readThen(tx, scanNotification,
		`SELECT `+notificationColumns+` FROM notifications WHERE incident_id = ? AND state = 'scheduled' ORDER BY due_at, id`,
		`UPDATE notifications SET state = 'cancelled' WHERE incident_id = ? AND state = 'scheduled'`, incidentID)
	if err != nil {
		return nil, nil, fmt.Errorf("cancelling notifications: %w", err)
	}
	unsent, err := readThen(tx, scanDelivery,
		`SELECT `+deliveryColumns+` FROM deliveries WHERE incident_id = ? AND state = 'scheduled' AND kind = 'page' ORDER BY id`,
		`UPDATE deliveries SET state = 'cancelled', claimable_at = NULL WHERE incident_id = ? AND state = 'scheduled' AND kind = 'page'`, incidentID)
	if err != nil {
		return nil, nil, fmt.Errorf("cancelling deliveries: %w", err)
	}
	return waiting, unsent, nil
}

// readThen locks and reads rows, and changes them only when there are some.
func readThen[T any](tx *Tx, scan func(scanner) (T, error), read, change string, args ...any) ([]T, error) {
	found, err := tx.query(read+tx.forUpdate(), args...)
	if err != nil {
		return nil, err
	}
	list, err := collect(found, scan)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	_, err = tx.exec(change, args...)
	return list, err
}

func scanNotification(r scanner) (n respond.Notification, err error) {
	err = r.Scan(&n.ID, &n.IncidentID, &n.UserID, &n.RuleID, &n.Method, &n.DeviceID, &n.Level, &n.Loop, &n.State,
		into(&n.DueAt), into(&n.ExpiresAt), into(&n.CreatedAt), into(&n.FixedAt), &n.WaitsFor, &n.DisplayedWithin)
	return n, err
}

func scanDelivery(r scanner) (d push.Delivery, err error) {
	err = r.Scan(deliveryFields(&d)...)
	return d, err
}

// deliveryFields are where deliveryColumns go.
func deliveryFields(d *push.Delivery) []any {
	return []any{
		&d.ID, &d.Kind, &d.NotificationID, &d.IncidentID, &d.Revision, &d.UserID, &d.DeviceID, &d.State,
		into(&d.DueAt), into(&d.ExpiresAt), into(&d.LeaseUntil), &d.LeaseNode, &d.Attempt, into(&d.CreatedAt), aboutInto{&d.About}, textInto{&d.Dedup},
	}
}

// byDueTime orders what UPDATE … RETURNING gives in any order.
func byDueTime(list []respond.Notification) {
	slices.SortFunc(list, func(a, b respond.Notification) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID))
	})
}
