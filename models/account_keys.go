package models

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/auth"
)

// SigningKeys implements auth.Store.
func (a accounts) SigningKeys(ctx context.Context) ([]auth.SigningKey, error) {
	rows, err := find[SigningKey](ctx, a.db.reader(), "ORDER BY sign_from, created_at, kid")
	return nouns[SigningKey, auth.SigningKey](rows), err
}

// AddSigningKey implements auth.Store: k is stored unless a key begins to sign
// at noneSince or later. Of nodes that rotate at the same time one succeeds.
func (a accounts) AddSigningKey(ctx context.Context, k auth.SigningKey, noneSince time.Time) (added bool, err error) {
	err = a.db.Write(ctx, "signing key", func(tx *Tx) error {
		added = false
		if err := tx.lockSigningKeys(); err != nil {
			return err
		}
		var there bool
		if err := tx.row(`SELECT EXISTS (SELECT 1 FROM signing_keys WHERE sign_from >= ?)`, at(noneSince)).Scan(&there); err != nil {
			return fmt.Errorf("looking for a signing key: %w", err)
		}
		if there {
			return nil
		}
		row := signingKeyRow(k)
		added, err = insertNew(tx, &row)
		return err
	})
	return added && err == nil, err
}

// lockSigningKeys keeps other nodes from adding a key until the commit: there
// is no row yet that could be locked.
func (tx *Tx) lockSigningKeys() error {
	if tx.db.engine == sqlite {
		return nil
	}
	if _, err := tx.exec(`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("locking the signing keys: %w", err)
	}
	return nil
}
