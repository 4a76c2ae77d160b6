package models

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// maxTries bounds how often a transaction is run again for reasons that pass:
// a deadlock, a lost race, a connection that broke before the commit.
const maxTries = 6

// errRetry says that another node changed what this transaction had read; run
// again, it will see the change.
var errRetry = errors.New("another node was first")

// nobody is the culprit of a failure that no single request caused.
const nobody = -1

// serve runs the batch in one transaction and answers everyone. When a request
// fails, its transaction is rolled back and the batch is split around it, in
// order, so that only the failing one fails. No savepoints: they cost two
// fifths of the throughput.
func (w *writer) serve(batch []*request) {
	if w.db.engine == postgres {
		// The same order on every node: fewer deadlocks between their batches.
		slices.SortStableFunc(batch, func(a, b *request) int { return strings.Compare(a.key, b.key) })
	}
	for len(batch) > 0 {
		culprit, err := w.commit(batch)
		switch {
		case err == nil || len(batch) == 1 || hopeless(err):
			answer(batch, err)
			return
		case culprit == nobody:
			culprit = 0 // find out one by one
		}
		if culprit > 0 {
			w.serve(batch[:culprit])
		}
		w.serve(batch[culprit : culprit+1])
		batch = batch[culprit+1:]
	}
}

func answer(batch []*request, err error) {
	for _, r := range batch {
		r.done <- err
	}
}

// commit tries the batch until it is committed, or fails for a reason that
// stays; then culprit is the index of the request that failed, or nobody.
func (w *writer) commit(batch []*request) (culprit int, err error) {
	for try := 1; ; try++ {
		culprit, err = w.attempt(batch)
		if err == nil || !passing(err) {
			return culprit, err
		}
		w.db.meters.retries.Add(1)
		if try == maxTries {
			return culprit, exhausted(err)
		}
		pause(try)
	}
}

// pause waits a random moment that grows with each try, so that two nodes that
// met do not meet again.
func pause(try int) {
	time.Sleep(time.Duration(rand.Int64N(int64(5*time.Millisecond) << try)))
}

func exhausted(err error) error {
	if lostConnection(err) {
		return fault.Wrap(err, fault.Unavailable, "database_unreachable", "the database cannot be reached; nothing was saved, try again")
	}
	return fault.Wrap(err, fault.Unavailable, "busy", "others kept changing the same thing; nothing was saved, try again")
}

// attempt is one transaction over all of the batch.
func (w *writer) attempt(batch []*request) (culprit int, err error) {
	ctx, cancel := w.deadline()
	defer cancel()
	tx, err := w.begin(ctx)
	if err != nil {
		return nobody, fmt.Errorf("beginning a transaction: %w", err)
	}
	if err := tx.findAll(batch); err != nil {
		tx.rollback()
		return nobody, err
	}
	for i, r := range batch {
		tx.left = len(batch) - i
		if err := call(r.fn, tx); err != nil {
			tx.rollback()
			return i, err
		}
	}
	if err := tx.finish(); err != nil {
		tx.rollback()
		return nobody, err
	}
	start := time.Now()
	if err := tx.commit(); err != nil {
		tx.numbers.keep() // it may have happened: never give these out again
		return nobody, err
	}
	w.db.meters.commit.Observe(time.Since(start).Seconds())
	w.db.meters.commits.Add(1)
	w.db.meters.writes.Add(float64(len(batch)))
	tx.publish()
	return nobody, nil
}

// deadline bounds a transaction on PostgreSQL, where a network may hang. On
// SQLite busy_timeout does, and a context that can end costs a goroutine for
// each statement.
func (w *writer) deadline() (context.Context, context.CancelFunc) {
	if w.db.engine == sqlite {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), time.Minute)
}

// call runs one function; a panic fails its caller and nobody else.
func call(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.db.cfg.Log.Error("a write panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("a write panicked: %v", p)
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.broken
}

// begin opens the transaction and brings the catalogue up to date.
func (w *writer) begin(ctx context.Context) (*Tx, error) {
	w.stmts.prepare(ctx, w.db.write.sql)
	g := w.db.write.gorm.WithContext(ctx).Begin()
	if g.Error != nil {
		return nil, g.Error
	}
	tx := newTx(ctx, w, g)
	if err := tx.readCatalog(); err != nil {
		tx.rollback()
		return nil, err
	}
	return tx, nil
}

// commit ends the transaction. When the connection breaks just here nobody can
// know whether the database still committed: the callers are told so.
func (tx *Tx) commit() error {
	err := tx.sql.Commit()
	if err == nil {
		return nil
	}
	if refusedCommit(err) {
		return fmt.Errorf("committing: %w", err)
	}
	return errors.Join(errUnknown, fault.Wrap(err, fault.Unavailable, "outcome_unknown",
		"the connection to the database broke while saving, so the change may or may not have been saved; look again before you repeat it"))
}

func (tx *Tx) rollback() {
	tx.numbers.giveBack()
	if err := tx.sql.Rollback(); err != nil {
		tx.db.cfg.Log.Debug("rolling back", "error", err)
	}
}
