package models

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"
)

// Tx is one transaction of a writer; it implements respond.Tx. It is used by
// one goroutine, inside the function given to Write, and not kept.
//
// It is shared by all functions of a batch. What they insert into the busiest
// tables is gathered and written in few multi-row statements, at the latest
// before anything reads those tables and before the commit.
type Tx struct {
	db   *DB
	w    *writer
	ctx  context.Context
	sql  *sql.Tx
	gorm *gorm.DB
	left int // functions of the batch still to come, this one included
	free int // dedup keys of the batch found free: so many incidents are likely
	// broken is the first failure of a method that has no way to return it.
	broken error

	config  txCatalog
	pending pending
	keys    openKeys
	numbers *numbers
}

func newTx(ctx context.Context, w *writer, g *gorm.DB) *Tx {
	return &Tx{db: w.db, w: w, ctx: ctx, gorm: g, sql: g.Statement.ConnPool.(*sql.Tx), numbers: &w.numbers}
}

// exec runs a statement with `?` placeholders, after writing out what is
// pending, and gives the number of rows it touched.
func (tx *Tx) exec(text string, args ...any) (int64, error) {
	if err := tx.flush(); err != nil {
		return 0, err
	}
	return tx.hotExec(text, args...)
}

// query reads with `?` placeholders, after writing out what is pending. The
// rows must be closed before the next statement.
func (tx *Tx) query(text string, args ...any) (*sql.Rows, error) {
	if err := tx.flush(); err != nil {
		return nil, err
	}
	return tx.hotQuery(text, args...)
}

// row reads one row with `?` placeholders, after writing out what is pending.
func (tx *Tx) row(text string, args ...any) scanner {
	if err := tx.flush(); err != nil {
		return failedRow{err}
	}
	return tx.hotRow(text, args...)
}

// QueryContext implements queryer, so that what loads from the database can
// also load from within the transaction.
func (tx *Tx) QueryContext(_ context.Context, text string, args ...any) (*sql.Rows, error) {
	return tx.query(text, args...)
}

// The hot ones do not write out what is pending: the caller knows that the
// statement does not concern it. Their texts are constant, so on SQLite they
// stay prepared.

func (tx *Tx) hotExec(text string, args ...any) (int64, error) {
	res, err := tx.execResult(text, args)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("counting rows: %w", err)
	}
	return n, nil
}

func (tx *Tx) execResult(text string, args []any) (sql.Result, error) {
	if tx.db.engine == postgres { // pgx prepares and remembers by itself
		return tx.sql.ExecContext(tx.ctx, tx.db.bind.text(text), args...)
	}
	st, err := tx.w.stmts.get(tx.ctx, tx.sql, text) //nolint:sqlclosecheck // it stays prepared
	if err != nil {
		return nil, err
	}
	return st.ExecContext(tx.ctx, args...)
}

func (tx *Tx) hotQuery(text string, args ...any) (*sql.Rows, error) {
	if tx.db.engine == postgres {
		return tx.sql.QueryContext(tx.ctx, tx.db.bind.text(text), args...)
	}
	st, err := tx.w.stmts.get(tx.ctx, tx.sql, text) //nolint:sqlclosecheck // it stays prepared
	if err != nil {
		return nil, err
	}
	return st.QueryContext(tx.ctx, args...)
}

func (tx *Tx) hotRow(text string, args ...any) scanner {
	if tx.db.engine == postgres {
		return tx.sql.QueryRowContext(tx.ctx, tx.db.bind.text(text), args...)
	}
	st, err := tx.w.stmts.get(tx.ctx, tx.sql, text) //nolint:sqlclosecheck // it stays prepared
	if err != nil {
		return failedRow{err}
	}
	return st.QueryRowContext(tx.ctx, args...)
}

// forUpdate locks the rows a SELECT reads. SQLite's one writer needs none.
func (tx *Tx) forUpdate() string {
	if tx.db.engine == postgres {
		return " FOR UPDATE"
	}
	return ""
}

// scanner is a row being read.
type scanner interface{ Scan(dest ...any) error }

type failedRow struct{ err error }

// Scan implements scanner.
func (r failedRow) Scan(...any) error { return r.err }
