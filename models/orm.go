package models

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/nightbell/nightbell/fault"
)

// maxUpsert is how many rows go into one statement; SQLite takes 32,766
// placeholders, and our widest row has 20 columns.
const maxUpsert = 500

// find reads rows of the table that gorm knows R by; tail is what follows
// FROM, with `?` placeholders. It goes past gorm's own finders because it must
// read the same way from a pool, a snapshot and a writer's transaction.
func find[R any](ctx context.Context, q queryer, tail string, args ...any) ([]R, error) {
	s, err := schema.Parse(new(R), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		return nil, fmt.Errorf("reading a row's shape: %w", err)
	}
	text := "SELECT " + strings.Join(s.DBNames, ", ") + " FROM " + s.Table
	if tail != "" {
		text += " " + tail
	}
	found, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, readFailure(err)
	}
	return collect(found, func(r scanner) (row R, err error) {
		into := make([]any, len(s.DBNames))
		for i, column := range s.DBNames {
			into[i] = s.FieldsByDBName[column].ReflectValueOf(ctx, reflect.ValueOf(&row).Elem()).Addr().Interface()
		}
		return row, r.Scan(into...)
	})
}

// one is find for the row there must be, by texts; without it, missing is the
// error. Text that no column can hold (see clean) finds nothing.
func one[R any](ctx context.Context, q queryer, missing error, tail string, texts ...string) (none R, err error) {
	args := make([]any, len(texts))
	for i, t := range texts {
		if t != clean(t) {
			return none, missing
		}
		args[i] = t
	}
	rows, err := find[R](ctx, q, tail, args...)
	if err != nil {
		return none, err
	}
	if len(rows) == 0 {
		return none, missing
	}
	return rows[0], nil
}

// reader reads outside of any transaction.
func (db *DB) reader() queryer { return bound{db.read.sql, db.bind} }

// insert adds rows; none of them may be there.
func insert[R any](tx *Tx, rows ...R) error {
	if len(rows) == 0 {
		return nil
	}
	return storing(tx.gorm.CreateInBatches(&rows, maxUpsert).Error)
}

// upsert adds rows, or replaces those with the same primary key.
func upsert[R any](tx *Tx, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	return storing(tx.gorm.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(&rows, maxUpsert).Error)
}

// insertNew adds a row unless a unique column is taken; added says which.
func insertNew[R any](tx *Tx, row *R) (added bool, err error) {
	res := tx.gorm.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	return res.RowsAffected > 0, storing(res.Error)
}

// storing gives the refusals of the database a sentence.
func storing(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fault.Wrap(err, fault.Conflict, "already_exists", "something with this name, address or key exists already; choose another, or change the one that exists")
	case errors.Is(err, gorm.ErrForeignKeyViolated):
		return fault.Wrap(err, fault.Conflict, "missing_reference", "something this refers to does not exist (any more); look again")
	default:
		return fmt.Errorf("storing rows: %w", err)
	}
}

// nouns maps rows to what they mean.
func nouns[R interface{ noun() N }, N any](rows []R) []N {
	out := make([]N, len(rows))
	for i, r := range rows {
		out[i] = r.noun()
	}
	return out
}

// rowsOf maps nouns to rows.
func rowsOf[N, R any](all []N, row func(N) R) []R {
	out := make([]R, len(all))
	for i, n := range all {
		out[i] = row(n)
	}
	return out
}
