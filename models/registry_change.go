package models

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// maxDevices is how many devices a person may have that are not dead.
const maxDevices = 20

// lockUser makes registrations of one person take turns, so that the limit
// holds, and refuses those of nobody.
func (tx *Tx) lockUser(userID string) error {
	_, err := one[User](tx.ctx, tx, noUser(), "WHERE id = ?"+tx.forUpdate(), userID)
	return err
}

func (tx *Tx) addDevice(row Device) error {
	if err := tx.makeRoom(row.UserID); err != nil {
		return err
	}
	added, err := insertNew(tx, &row)
	if err != nil {
		return err
	}
	if !added {
		// Another node has just registered this token: run again and find it.
		return fmt.Errorf("registering a device: %w", errRetry)
	}
	return tx.bumpCatalog()
}

// makeRoom refuses a device too many. Dead ones, the remains of reinstalled
// apps, give way: nobody must be unreachable for not having tidied up.
func (tx *Tx) makeRoom(userID string) error {
	have, err := find[Device](tx.ctx, tx, "WHERE user_id = ? AND target_kind <> 'address' AND removed_at IS NULL ORDER BY created_at, id", userID)
	if err != nil {
		return fmt.Errorf("counting devices: %w", err)
	}
	if len(have) < maxDevices {
		return nil
	}
	for _, d := range have {
		if d.State == string(push.DeviceDead) {
			return tx.removeDevice(d, "device_replaced")
		}
	}
	return fault.New(fault.Conflict, "too_many_devices", "you have %d devices already; remove one that you no longer use, then register this one", maxDevices)
}

// takeOver replaces a row by the device that now has its token.
func (tx *Tx) takeOver(old, row Device) error {
	if old.UserID != row.UserID {
		if err := tx.makeRoom(row.UserID); err != nil {
			return err
		}
		if err := tx.cancelDeliveriesTo(old, "device_moved"); err != nil {
			return err
		}
	}
	return tx.saveDevice(old, row)
}

// saveDevice writes a device, and tells the catalogue only if more than times
// has changed: apps register at each start.
func (tx *Tx) saveDevice(old, row Device) error {
	row.LastReceiptAt = old.LastReceiptAt // the app does not know it, and the row is locked
	err := upsert(tx, []Device{row})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		// Another node has just registered this token: run again and find it.
		return fmt.Errorf("saving a device: %w", errRetry)
	}
	if err != nil {
		return err
	}
	old.RegisteredAt, old.LastSeenAt, old.StateAt = row.RegisteredAt, row.LastSeenAt, row.StateAt
	old.Capabilities.Of.ReportedAt = row.Capabilities.Of.ReportedAt
	if old == row {
		return nil
	}
	return tx.bumpCatalog()
}

// freeToken removes any other device that has this one's token.
func (tx *Tx) freeToken(row Device) error {
	others, err := find[Device](tx.ctx, tx, "WHERE provider = ? AND token = ? AND id <> ? AND removed_at IS NULL"+tx.forUpdate(), row.Provider, row.Token, row.ID)
	if err != nil {
		return fmt.Errorf("looking for a device: %w", err)
	}
	for _, other := range others {
		if err := tx.removeDevice(other, "device_replaced"); err != nil {
			return err
		}
	}
	return nil
}

// removeDevice takes a device out. Its row stays, because the timeline names
// it; nothing that waited for it is sent any more.
func (tx *Tx) removeDevice(row Device, why string) error {
	if _, err := tx.exec(`UPDATE devices SET removed_at = ? WHERE id = ?`, at(tx.db.cfg.Now()), row.ID); err != nil {
		return fmt.Errorf("removing a device: %w", err)
	}
	if err := tx.cancelDeliveriesTo(row, why); err != nil {
		return err
	}
	return tx.bumpCatalog()
}

// cancelDeliveriesTo cancels what is on its way to the device and says so on
// the timelines concerned.
func (tx *Tx) cancelDeliveriesTo(row Device, why string) error {
	unsent, err := readThen(tx, scanDelivery,
		`SELECT `+deliveryColumns+` FROM deliveries WHERE device_id = ? AND claimable_at IS NOT NULL ORDER BY incident_id, id`,
		`UPDATE deliveries SET state = 'cancelled', claimable_at = NULL WHERE device_id = ? AND claimable_at IS NOT NULL`, row.ID)
	if err != nil {
		return fmt.Errorf("cancelling deliveries: %w", err)
	}
	now := tx.db.cfg.Now().UTC().Truncate(time.Microsecond)
	for _, d := range unsent {
		if d.IncidentID == "" {
			continue // no timeline to tell it on
		}
		tx.Append(incident.Entry{
			IncidentID: d.IncidentID, Revision: d.Revision, Type: incident.EntryCancelled, At: now, Actor: incident.System,
			Detail: incident.Detail{
				Reason: why, NotificationID: d.NotificationID, DeliveryID: d.ID, Kind: string(d.Kind), UserID: d.UserID,
				DeviceID: d.DeviceID, Method: row.noun().Method(), Provider: row.Provider, Attempt: d.Attempt,
			},
		})
	}
	return nil
}
