package models

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
)

// Accounts gives the store of people, sessions and keys.
func (db *DB) Accounts() auth.Store { return accounts{db} }

type accounts struct{ db *DB }

func noUser() error {
	return fault.New(fault.NotFound, "not_found", "there is no such user; the account may have been removed")
}

func noSession() error {
	return fault.New(fault.NotFound, "not_found", "there is no such session; sign in again")
}

// UserByEmail implements auth.Store. Addresses are kept in lower case.
func (a accounts) UserByEmail(ctx context.Context, email string) (auth.User, error) {
	row, err := one[User](ctx, a.db.reader(), noUser(), "WHERE email = ?", strings.ToLower(email))
	return row.noun(), err
}

// UserByID implements auth.Store.
func (a accounts) UserByID(ctx context.Context, id string) (auth.User, error) {
	row, err := one[User](ctx, a.db.reader(), noUser(), "WHERE id = ?", id)
	return row.noun(), err
}

// CreateSession implements auth.Store.
func (a accounts) CreateSession(ctx context.Context, s auth.Session, r auth.Refresh) error {
	return a.db.Write(ctx, "user "+s.UserID, func(tx *Tx) error {
		if err := insert(tx, sessionRow(s)); err != nil {
			return fmt.Errorf("creating a session: %w", err)
		}
		return insert(tx, refreshRow(r))
	})
}

// Session implements auth.Store.
func (a accounts) Session(ctx context.Context, id string) (auth.Session, error) {
	row, err := one[Session](ctx, a.db.reader(), noSession(), "WHERE id = ?", id)
	return row.noun(), err
}

// RevokeSession implements auth.Store. A session revoked already keeps the
// first reason.
func (a accounts) RevokeSession(ctx context.Context, id, why string, when time.Time) error {
	return a.db.Write(ctx, "session "+id, func(tx *Tx) error {
		if _, err := one[Session](tx.ctx, tx, noSession(), "WHERE id = ?"+tx.forUpdate(), id); err != nil {
			return err
		}
		return tx.revoke(id, why, when)
	})
}

// RevokedSince implements auth.Store.
func (a accounts) RevokedSince(ctx context.Context, since time.Time) ([]string, error) {
	rows, err := find[Session](ctx, a.db.reader(), "WHERE revoked_at > ?", at(since))
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return ids, err
}

func (tx *Tx) revoke(sessionID, why string, when time.Time) error {
	_, err := tx.exec(`UPDATE sessions SET revoked_at = ?, revoked_why = ? WHERE id = ? AND revoked_at IS NULL`, at(when), why, sessionID)
	if err != nil {
		return fmt.Errorf("revoking a session: %w", err)
	}
	return nil
}

// endSessionsOf ends the sessions of those who are about to be disabled or to
// get a new password: a password is changed when somebody else may know it.
func (tx *Tx) endSessionsOf(changed []auth.User) error {
	for _, u := range changed {
		why, condition := "user_disabled", ""
		if !u.Disabled {
			why, condition = "password_changed", ` AND user_id IN (SELECT id FROM users WHERE password_hash <> ?)`
		}
		args := []any{at(tx.db.cfg.Now()), why, u.ID}
		if condition != "" {
			args = append(args, u.PasswordHash)
		}
		if _, err := tx.exec(`UPDATE sessions SET revoked_at = ?, revoked_why = ? WHERE user_id = ? AND revoked_at IS NULL`+condition, args...); err != nil {
			return fmt.Errorf("ending the sessions of %s: %w", u.ID, err)
		}
	}
	return nil
}

// UseRefresh implements auth.Store. judge may be called more than once, with
// what a new transaction finds; the last call counts.
func (a accounts) UseRefresh(ctx context.Context, hash string, judge func(auth.Session, auth.Refresh) (auth.RefreshVerdict, error)) error {
	var said error
	err := a.db.Write(ctx, "refresh "+hash, func(tx *Tx) error {
		link, err := one[RefreshToken](tx.ctx, tx, noSession(), "WHERE hash = ?"+tx.forUpdate(), hash)
		if err != nil {
			return err
		}
		session, err := one[Session](tx.ctx, tx, noSession(), "WHERE id = ?"+tx.forUpdate(), link.SessionID)
		if err != nil {
			return err
		}
		var v auth.RefreshVerdict
		v, said = judge(session.noun(), link.noun())
		return tx.carryOut(v, link)
	})
	if err != nil {
		return err
	}
	return said
}

// carryOut writes what the judge decided. A link that was used keeps its first
// moment: the grace for a lost answer is counted from there.
func (tx *Tx) carryOut(v auth.RefreshVerdict, link RefreshToken) error {
	if !v.UsedAt.IsZero() {
		if _, err := tx.exec(`UPDATE refresh_tokens SET used_at = ? WHERE hash = ? AND used_at IS NULL`, at(v.UsedAt), link.Hash); err != nil {
			return fmt.Errorf("marking a refresh token as used: %w", err)
		}
	}
	if v.Next != nil {
		if err := insert(tx, refreshRow(*v.Next)); err != nil {
			return fmt.Errorf("storing a refresh token: %w", err)
		}
	}
	if v.Revoke != "" {
		return tx.revoke(link.SessionID, v.Revoke, v.At)
	}
	return nil
}
