package models

import (
	"fmt"
	"time"
)

// PutBack schedules a notification that TakeDue gave for another moment.
func (tx *Tx) PutBack(notificationID string, due time.Time) error {
	if _, err := tx.exec(`UPDATE notifications SET state = 'scheduled', due_at = ? WHERE id = ?`, at(due), notificationID); err != nil {
		return fmt.Errorf("putting a notification back: %w", err)
	}
	return nil
}

// Await has the waiting notifications that wait for this one looked at at a
// moment, or at their fixed one if that is earlier; next is the earliest of
// them, zero if there are none.
func (tx *Tx) Await(incidentID, notificationID string, look time.Time) (next time.Time, err error) {
	if _, err := tx.exec(`UPDATE notifications SET due_at = CASE WHEN fixed_at < ? THEN fixed_at ELSE ? END
		WHERE incident_id = ? AND waits_for = ? AND state = 'scheduled'`, at(look), at(look), incidentID, notificationID); err != nil {
		return time.Time{}, fmt.Errorf("moving waiting notifications: %w", err)
	}
	err = tx.row(`SELECT MIN(due_at) FROM notifications WHERE incident_id = ? AND waits_for = ? AND state = 'scheduled'`,
		incidentID, notificationID).Scan(into(&next))
	if err != nil {
		return time.Time{}, fmt.Errorf("looking for waiting notifications: %w", err)
	}
	return next, nil
}

// Shown reports whether any device has displayed the notification, as its
// receipts say: who opens or acts has seen it.
func (tx *Tx) Shown(incidentID, notificationID string) (shown bool, err error) {
	err = tx.row(`SELECT EXISTS (SELECT 1 FROM deliveries d JOIN receipts r ON r.delivery_id = d.id
		WHERE d.incident_id = ? AND d.notification_id = ? AND r.event IN ('displayed', 'opened', 'acted'))`, incidentID, notificationID).Scan(&shown)
	if err != nil {
		return false, fmt.Errorf("looking for receipts: %w", err)
	}
	return shown, nil
}
