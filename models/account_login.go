package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/auth"
)

const (
	// maxFailures bounds the rows kept for one key; whoever has failed more
	// often than any limit allows is locked out anyway.
	maxFailures = auth.MaxAttempts
	// maxLoginKey bounds a key's length; what is longer is known by its hash,
	// because PostgreSQL cannot index long texts.
	maxLoginKey = 255
)

// CountLogin implements auth.Store. Failures older than since are forgotten,
// and beyond maxFailures no more are added.
func (a accounts) CountLogin(ctx context.Context, key string, when, since time.Time) (n int, err error) {
	key = loginKey(key)
	err = a.db.Write(ctx, "login "+key, func(tx *Tx) error {
		if _, err := tx.exec(`DELETE FROM login_failures WHERE key = ? AND at < ?`, key, at(since)); err != nil {
			return fmt.Errorf("forgetting old failures: %w", err)
		}
		if err := tx.row(`SELECT count(*) FROM login_failures WHERE key = ?`, key).Scan(&n); err != nil {
			return fmt.Errorf("counting failures: %w", err)
		}
		n++
		if n > maxFailures {
			return nil
		}
		if _, err := tx.exec(`INSERT INTO login_failures (key, at) VALUES (?, ?)`, key, at(when)); err != nil {
			return fmt.Errorf("noting a failure: %w", err)
		}
		return nil
	})
	return n, err
}

// ClearLogins implements auth.Store.
func (a accounts) ClearLogins(ctx context.Context, key string) error {
	key = loginKey(key)
	return a.db.Write(ctx, "login "+key, func(tx *Tx) error {
		if _, err := tx.exec(`DELETE FROM login_failures WHERE key = ?`, key); err != nil {
			return fmt.Errorf("forgetting failures: %w", err)
		}
		return nil
	})
}

// UncountLogin implements auth.Store. The rows have no key of their own, and
// several may be of one moment; the engine's own name of a row tells them apart.
func (a accounts) UncountLogin(ctx context.Context, key string, when time.Time) error {
	key = loginKey(key)
	row := "rowid"
	if a.db.engine == postgres {
		row = "ctid"
	}
	return a.db.Write(ctx, "login "+key, func(tx *Tx) error {
		text := `DELETE FROM login_failures WHERE ` + row + ` = (SELECT ` + row + ` FROM login_failures WHERE key = ? AND at = ? LIMIT 1)`
		if _, err := tx.exec(text, key, at(when)); err != nil {
			return fmt.Errorf("taking back a failure: %w", err)
		}
		return nil
	})
}

func loginKey(key string) string {
	if key = clean(key); len(key) <= maxLoginKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
