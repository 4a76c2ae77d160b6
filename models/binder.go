package models

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// maxTexts bounds what is remembered per statement text. The house has far
// fewer; texts built from lists of changing length must not grow it for ever.
const maxTexts = 512

// binder turns the `?` placeholders we write into the engine's own, once per text.
type binder struct {
	numbered bool
	texts    sync.Map
	known    atomic.Int64
}

func newBinder(e engine) *binder { return &binder{numbered: e == postgres} }

// text gives the statement in the engine's spelling.
func (b *binder) text(text string) string {
	if !b.numbered {
		return text
	}
	if bound, ok := b.texts.Load(text); ok {
		return bound.(string)
	}
	bound := numberPlaceholders(text)
	if b.known.Add(1) <= maxTexts {
		b.texts.Store(text, bound)
	}
	return bound
}

// numberPlaceholders replaces each ? outside quotes by $1, $2, …
func numberPlaceholders(text string) string {
	var out strings.Builder
	quoted, n := false, 0
	for _, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == '?' && !quoted:
			n++
			out.WriteString("$" + strconv.Itoa(n))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// queryer reads, with `?` placeholders: the database, a snapshot of it, or a
// transaction.
type queryer interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// bound is a queryer over anything that database/sql can query.
type bound struct {
	on   queryer
	bind *binder
}

// QueryContext implements queryer.
func (b bound) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return b.on.QueryContext(ctx, b.bind.text(text), args...)
}

// query and row read outside of any transaction, with `?` placeholders.
func (db *DB) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return db.read.sql.QueryContext(ctx, db.bind.text(text), args...)
}

func (db *DB) row(ctx context.Context, text string, args ...any) *sql.Row {
	return db.read.sql.QueryRowContext(ctx, db.bind.text(text), args...)
}

// snapshot runs fn's queries against one state of the database.
func (db *DB) snapshot(ctx context.Context, fn func(q queryer) error) error {
	tx, err := db.read.sql.BeginTx(ctx, &sql.TxOptions{Isolation: db.engine.snapshotLevel(), ReadOnly: true})
	if err != nil {
		return readFailure(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	return fn(bound{tx, db.bind})
}

// snapshotLevel is the isolation at which all statements see one state. A
// SQLite read transaction always does.
func (e engine) snapshotLevel() sql.IsolationLevel {
	if e == postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}
