package models

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// maxContacts is how many addresses a person may have.
const maxContacts = 10

// Contacts gives the registry of addresses: the rows of devices that are no
// installed app.
func (db *DB) Contacts() Contacts { return Contacts{db} }

// Contacts keeps people's addresses for the API.
type Contacts struct{ db *DB }

func noContact() error {
	return fault.New(fault.NotFound, "not_found", "there is no such contact method; list them to find its id")
}

const liveContact = "WHERE id = ? AND user_id = ? AND target_kind = 'address' AND removed_at IS NULL"

// Contacts serves api.Contacts, oldest first.
func (c Contacts) Contacts(ctx context.Context, userID string) ([]push.Device, error) {
	rows, err := find[Device](ctx, c.db.reader(), "WHERE user_id = ? AND target_kind = 'address' AND removed_at IS NULL ORDER BY created_at, id", userID)
	return nouns[Device, push.Device](rows), err
}

// Contact serves api.Contacts.
func (c Contacts) Contact(ctx context.Context, userID, id string) (push.Device, error) {
	row, err := one[Device](ctx, c.db.reader(), noContact(), liveContact, id, userID)
	return row.noun(), err
}

// AddContact serves api.Contacts: one address is one row of a person, and a
// person has at most [maxContacts].
func (c Contacts) AddContact(ctx context.Context, d push.Device) error {
	return c.db.Write(ctx, "user "+d.UserID, func(tx *Tx) error {
		if err := tx.lockUser(d.UserID); err != nil {
			return err
		}
		have, err := find[Device](tx.ctx, tx, "WHERE user_id = ? AND target_kind = 'address' AND removed_at IS NULL", d.UserID)
		if err != nil {
			return fmt.Errorf("counting contact methods: %w", err)
		}
		row := deviceRow(d)
		for _, h := range have {
			if h.Provider == row.Provider && h.Token == row.Token {
				return fault.New(fault.Conflict, "contact_exists", "this address is there already as %s", h.ID)
			}
		}
		if len(have) >= maxContacts {
			return fault.New(fault.Conflict, "too_many_contacts", "a person may have %d contact methods; remove one that is no longer used, then add this one", maxContacts)
		}
		if _, err := insertNew(tx, &row); err != nil {
			return err
		}
		return tx.bumpCatalog()
	})
}

// ChangeContact serves api.Contacts: it locks, lets change judge the address as
// it is now, and saves. change may run twice.
func (c Contacts) ChangeContact(ctx context.Context, userID, id string, change func(*push.Device) error) (stored push.Device, err error) {
	err = c.db.Write(ctx, "user "+userID, func(tx *Tx) error {
		old, err := one[Device](tx.ctx, tx, noContact(), liveContact+tx.forUpdate(), id, userID)
		if err != nil {
			return err
		}
		stored = old.noun()
		if err := change(&stored); err != nil {
			return err
		}
		return tx.saveDevice(old, deviceRow(stored))
	})
	return stored, err
}

// RemoveContact serves api.Contacts.
func (c Contacts) RemoveContact(ctx context.Context, userID, id string) error {
	return c.db.Write(ctx, "user "+userID, func(tx *Tx) error {
		row, err := one[Device](tx.ctx, tx, noContact(), liveContact+tx.forUpdate(), id, userID)
		if err != nil {
			return err
		}
		return tx.removeDevice(row, "contact_removed")
	})
}
