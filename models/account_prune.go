package models

import (
	"context"
	"fmt"
	"time"
)

const (
	// failureLife is longer than any window in which failures are counted.
	failureLife = 24 * time.Hour
	// usedLinkLife is how long a used refresh token is remembered, and so how
	// late its reuse still betrays a theft; after that it is merely unknown.
	usedLinkLife = 7 * 24 * time.Hour
	// sessionLife keeps ended sessions for those who ask what happened.
	sessionLife = 30 * 24 * time.Hour
	// keyLife keeps retired signing keys a little, against skewed clocks.
	keyLife = 24 * time.Hour
	// maxForgotten bounds how many rows one statement deletes: it runs in the
	// writer, before which pages may be waiting.
	maxForgotten = 500
)

// PruneAccounts forgets failed logins, used refresh tokens, ended sessions and
// retired keys that nobody will ask for. Each call deletes a bounded number of
// rows and says how many; call again while there are any.
func (db *DB) PruneAccounts(ctx context.Context, now time.Time) (deleted int64, err error) {
	for _, old := range []struct {
		table, key, where string
		before            time.Time
	}{
		{"login_failures", "at", "at < ?", now.Add(-failureLife)},
		{"refresh_tokens", "hash", "used_at < ?", now.Add(-usedLinkLife)},
		{"sessions", "id", "expires_at < ?", now.Add(-sessionLife)},
		{"sessions", "id", "revoked_at < ?", now.Add(-sessionLife)},
		{"signing_keys", "kid", "retire_at < ?", now.Add(-keyLife)},
	} {
		text := `DELETE FROM ` + old.table + ` WHERE ` + old.key + ` IN (SELECT ` + old.key + ` FROM ` + old.table + ` WHERE ` + old.where + ` LIMIT ?)`
		var n int64
		err := db.Write(ctx, "prune accounts", func(tx *Tx) (err error) {
			n, err = tx.exec(text, at(old.before), maxForgotten)
			return err
		})
		if err != nil {
			return deleted, fmt.Errorf("pruning %s: %w", old.table, err)
		}
		deleted += n
	}
	return deleted, nil
}
