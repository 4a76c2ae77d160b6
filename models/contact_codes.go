package models

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// Limits of codes. A guess at six digits has a chance of one in 200,000 with
// five tries, and no address is flooded.
const (
	codeTries   = 5
	codeEvery   = time.Minute
	codesPer    = time.Hour
	codesInHour = 10
)

// KeepCode serves api.ContactCodes. Addresses that were removed count too, or
// adding and removing one would be a way around the limit.
func (c Contacts) KeepCode(ctx context.Context, d push.Device, hash []byte, now, expires time.Time) error {
	return c.db.Write(ctx, "user "+d.UserID, func(tx *Tx) error {
		if err := tx.lockUser(d.UserID); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM contact_codes WHERE user_id = ? AND sent_at <= ?`, d.UserID, at(now.Add(-codesPer))); err != nil {
			return fmt.Errorf("forgetting old codes: %w", err)
		}
		var here, all int
		err := tx.row(`SELECT COALESCE(SUM(CASE WHEN device_id = ? AND sent_at > ? THEN 1 ELSE 0 END), 0), COUNT(*) FROM contact_codes WHERE user_id = ?`,
			d.ID, at(now.Add(-codeEvery)), d.UserID).Scan(&here, &all)
		switch {
		case err != nil:
			return fmt.Errorf("counting codes: %w", err)
		case here > 0:
			return fault.New(fault.TooMany, "too_many_codes", "a code was sent less than a minute ago; look for it, and ask again in a minute")
		case all >= codesInHour:
			return fault.New(fault.TooMany, "too_many_codes", "%d codes were sent within an hour; ask again later", all)
		}
		_, err = tx.exec(`INSERT INTO contact_codes (device_id, user_id, sent_at, expires_at, hash, tries) VALUES (?, ?, ?, ?, ?, 0)`,
			d.ID, d.UserID, at(now), at(expires), hash)
		return err
	})
}

// TryCode serves api.ContactCodes. A wrong code is counted, so it is no error
// of the transaction: that would undo the count.
func (c Contacts) TryCode(ctx context.Context, d push.Device, hash []byte, now time.Time) (stored push.Device, err error) {
	var wrong error
	err = c.db.Write(ctx, "user "+d.UserID, func(tx *Tx) error {
		old, err := one[Device](tx.ctx, tx, noContact(), liveContact+tx.forUpdate(), d.ID, d.UserID)
		if err != nil {
			return err
		}
		stored = old.noun()
		if wrong, err = tx.tryCode(d.ID, hash, now); wrong != nil || err != nil {
			return err
		}
		stored.VerifiedAt = now
		return tx.saveDevice(old, deviceRow(stored))
	})
	return stored, errors.Join(wrong, err)
}

// tryCode compares a code with the newest one sent to the address.
func (tx *Tx) tryCode(contactID string, hash []byte, now time.Time) (wrong, err error) {
	var sent, expires time.Time
	var want []byte
	var tries int
	err = tx.row(`SELECT sent_at, expires_at, hash, tries FROM contact_codes WHERE device_id = ? ORDER BY sent_at DESC LIMIT 1`, contactID).
		Scan(into(&sent), into(&expires), &want, &tries)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.Conflict, "code_expired", "no code is open for this address; ask for a new one"), nil
	case err != nil:
		return nil, fmt.Errorf("looking for a code: %w", err)
	case !now.Before(expires):
		return fault.New(fault.Conflict, "code_expired", "this code has expired; ask for a new one"), nil
	case tries >= codeTries:
		return fault.New(fault.TooMany, "too_many_attempts", "this code was tried %d times; ask for a new one", tries), nil
	case subtle.ConstantTimeCompare(hash, want) == 1:
		_, err = tx.exec(`UPDATE contact_codes SET expires_at = sent_at WHERE device_id = ?`, contactID)
		return nil, err
	}
	_, err = tx.exec(`UPDATE contact_codes SET tries = tries + 1 WHERE device_id = ? AND sent_at = ?`, contactID, at(sent))
	return fault.Field("code", "bad_code", "this is not the code that was sent last; %d tries are left", codeTries-tries-1), err
}
