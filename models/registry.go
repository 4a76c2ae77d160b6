package models

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// Devices gives the registry of phones.
func (db *DB) Devices() Registry { return Registry{db} }

// Registry keeps devices for the API.
type Registry struct{ db *DB }

func noDevice() error {
	return fault.New(fault.NotFound, "not_found", "you have no such device; it may have been removed, register it again")
}

// Devices serves api.Devices, oldest first and without addresses.
func (r Registry) Devices(ctx context.Context, userID string) ([]push.Device, error) {
	rows, err := find[Device](ctx, r.db.reader(), "WHERE user_id = ? AND target_kind <> 'address' AND removed_at IS NULL ORDER BY created_at, id", userID)
	return nouns[Device, push.Device](rows), err
}

// Device serves api.Devices. It finds addresses too: the buttons in an e-mail
// live as long as its address.
func (r Registry) Device(ctx context.Context, userID, id string) (push.Device, error) {
	row, err := one[Device](ctx, r.db.reader(), noDevice(), "WHERE id = ? AND user_id = ? AND removed_at IS NULL", id, userID)
	return row.noun(), err
}

// DeviceOwner serves api.Devices.
func (r Registry) DeviceOwner(ctx context.Context, id string) (userID string, err error) {
	row, err := one[Device](ctx, r.db.reader(), noDevice(), "WHERE id = ? AND removed_at IS NULL", id)
	return row.UserID, err
}

// RegisterDevice serves api.Devices. A known token keeps its device id,
// whoever presents it; what was on its way to its former owner is cancelled.
func (r Registry) RegisterDevice(ctx context.Context, d push.Device) (stored push.Device, err error) {
	err = r.db.Write(ctx, "user "+d.UserID, func(tx *Tx) error {
		if err := tx.lockUser(d.UserID); err != nil {
			return err
		}
		known, err := find[Device](tx.ctx, tx, "WHERE provider = ? AND token = ? AND target_kind <> 'address' AND removed_at IS NULL"+tx.forUpdate(), string(d.Provider), clean(d.Token))
		if err != nil {
			return fmt.Errorf("looking for a device: %w", err)
		}
		row := deviceRow(d.Presented(push.Device{}))
		if len(known) == 0 {
			err = tx.addDevice(row)
		} else {
			row = deviceRow(d.Presented(known[0].noun()))
			row.ID, row.CreatedAt, row.LastReceiptAt = known[0].ID, known[0].CreatedAt, known[0].LastReceiptAt
			err = tx.takeOver(known[0], row)
		}
		stored = row.noun()
		return err
	})
	return stored, err
}

// UpdateDevice serves api.Devices. A RegisteredAt newer than the stored
// one says that the app has presented its token, old or new, and revives the
// device; otherwise what the pipeline believes of the token stays. Another
// device that had the new token loses it: one token is one app.
func (r Registry) UpdateDevice(ctx context.Context, d push.Device) error {
	return r.db.Write(ctx, "user "+d.UserID, func(tx *Tx) error {
		old, err := one[Device](tx.ctx, tx, noDevice(), "WHERE id = ? AND user_id = ? AND target_kind <> 'address' AND removed_at IS NULL"+tx.forUpdate(), d.ID, d.UserID)
		if err != nil {
			return err
		}
		d := d
		if d.RegisteredAt.After(old.RegisteredAt.Time) {
			d = d.Presented(old.noun())
		} else {
			now := old.noun()
			d.RegisteredAt, d.State, d.StateReason, d.StateAt = now.RegisteredAt, now.State, now.StateReason, now.StateAt
			d.Environment, d.Evidence = now.Environment, now.Evidence
		}
		row := deviceRow(d)
		row.CreatedAt = old.CreatedAt
		if err := tx.freeToken(row); err != nil {
			return err
		}
		return tx.saveDevice(old, row)
	})
}

// RemoveDevice serves api.Devices.
func (r Registry) RemoveDevice(ctx context.Context, userID, id string) error {
	return r.db.Write(ctx, "user "+userID, func(tx *Tx) error {
		row, err := one[Device](tx.ctx, tx, noDevice(), "WHERE id = ? AND user_id = ? AND target_kind <> 'address' AND removed_at IS NULL"+tx.forUpdate(), id, userID)
		if err != nil {
			return err
		}
		return tx.removeDevice(row, "device_removed")
	})
}
