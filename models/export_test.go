package models

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

// ErrRetry lets tests play a lost race.
var ErrRetry = errRetry

// Queued gives how many writes are waiting for a writer.
func (db *DB) Queued() int {
	n := 0
	for _, w := range db.writers {
		n += len(w.queue)
	}
	return n
}

// Exec runs a statement in the writer.
func (db *DB) Exec(ctx context.Context, text string, args ...any) error {
	return db.Write(ctx, "test", func(tx *Tx) error {
		_, err := tx.exec(text, args...)
		return err
	})
}

// MigrateTo brings an empty database to an older version of the tables.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	p, err := db.migrator()
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}

// Raw runs a statement past the writer, which knows only the newest tables.
func (db *DB) Raw(ctx context.Context, text string) error {
	_, err := db.write.sql.ExecContext(ctx, text)
	return err
}

// Query reads.
func (db *DB) Query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return db.query(ctx, text, args...)
}

// RoundTrip stores a time in the table moments and reads it in two ways.
func (db *DB) RoundTrip(ctx context.Context, n int, in time.Time) (stored, returned time.Time, err error) {
	err = db.Write(ctx, "test", func(tx *Tx) error {
		return tx.row(`INSERT INTO moments (n, at) VALUES (?, ?) RETURNING at`, n, at(in)).Scan(into(&returned))
	})
	if err == nil {
		err = db.row(ctx, `SELECT at FROM moments WHERE n = ?`, n).Scan(into(&stored))
	}
	return stored, returned, err
}

// TimeType is how the engine calls a time.
func (db *DB) TimeType() string {
	if db.engine == postgres {
		return "timestamptz"
	}
	return "TIMESTAMP"
}

// Literal is a moment as a statement spells it.
func (db *DB) Literal(t time.Time) string {
	if db.engine == postgres {
		return "'" + t.Format(time.RFC3339Nano) + "'"
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

// BumpCatalog marks the configuration as changed.
func (tx *Tx) BumpCatalog() error { return tx.bumpCatalog() }

// NewLooker gives a way to look that is shared by all who use it at once.
func NewLooker() func(context.Context, func(context.Context) error) error {
	return newRefresher().look
}

// Heard reads a word from another node.
func Heard(payload, self string) (int64, bool) { return heard(payload, self) }
