package models

import (
	"context"
	"maps"
	"slices"
	"sync"

	"gorm.io/gorm/schema"

	"github.com/nightbell/nightbell/push"
)

// PutDevice stores a device exactly as given, as no registration would.
func (db *DB) PutDevice(ctx context.Context, d push.Device) error {
	return db.Write(ctx, "test", func(tx *Tx) error {
		if err := upsert(tx, []Device{deviceRow(d)}); err != nil {
			return err
		}
		return tx.bumpCatalog()
	})
}

// Columns gives the columns of each account table: those that the rows in Go
// have, and those of the database.
func (db *DB) Columns(ctx context.Context) (inGo, inDatabase map[string][]string, err error) {
	inGo, inDatabase = map[string][]string{}, map[string][]string{}
	for _, row := range []any{User{}, Rule{}, Session{}, RefreshToken{}, SigningKey{}, Device{}, Schedule{}, Policy{}, Service{}, Integration{}} {
		s, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			return nil, nil, err
		}
		columns, err := db.read.gorm.WithContext(ctx).Migrator().ColumnTypes(s.Table)
		if err != nil {
			return nil, nil, err
		}
		inGo[s.Table] = slices.Sorted(maps.Keys(s.FieldsByDBName))
		for _, c := range columns {
			inDatabase[s.Table] = append(inDatabase[s.Table], c.Name())
		}
		slices.Sort(inDatabase[s.Table])
	}
	return inGo, inDatabase, nil
}

// Count gives the rows of a table that meet the condition.
func (db *DB) Count(ctx context.Context, table, where string) (n int, err error) {
	return n, db.row(ctx, "SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n)
}

// DeviceLimit is how many devices a person may have.
const DeviceLimit = maxDevices
