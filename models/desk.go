package models

import (
	"context"

	"github.com/nightbell/nightbell/respond"
)

// Desk gives the store of the paging path.
func (db *DB) Desk() respond.Store { return desk{db} }

// desk lets functions of respond run in our writer; everything else it needs
// is the database's own.
type desk struct{ *DB }

// Write implements respond.Store.
func (d desk) Write(ctx context.Context, key string, fn func(respond.Tx) error) error {
	return d.DB.Write(ctx, key, func(tx *Tx) error { return fn(tx) })
}
