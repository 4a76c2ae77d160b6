package models

import (
	"context"
	"hash/maphash"
	"runtime"
	"sync/atomic"

	"github.com/nightbell/nightbell/fault"
)

const (
	// maxBatch bounds how many writes share one commit, and so how long the
	// first of them waits for the others.
	maxBatch = 256
	// maxQueued bounds the writes waiting for each writer. A full queue holds
	// callers back until their context ends.
	maxQueued = 1024
)

// request is one call of Write on its way through a writer.
type request struct {
	key   string
	fn    func(*Tx) error
	state atomic.Int32
	done  chan error // one slot: the writer never waits for the caller
}

// A request is queued; then either its writer starts it or its caller leaves.
const (
	queued int32 = iota
	started
	abandoned
)

func (r *request) start() bool   { return r.state.CompareAndSwap(queued, started) }
func (r *request) abandon() bool { return r.state.CompareAndSwap(queued, abandoned) }

// writer runs what its queue holds, many functions to one commit.
type writer struct {
	db      *DB
	queue   chan *request
	done    chan struct{}
	stmts   statements
	numbers numbers
}

// Write runs fn in a transaction and returns after the commit. Writes queued
// at the same time share a commit; those with the same key run in order of
// arrival. fn may run more than once and sees a fresh transaction each time,
// so it must reset what it captured; its error is returned as it is and
// nothing of it is kept. When ctx ends before fn was started nothing is
// written and a fault.Unavailable says so; once started, the outcome is
// awaited, whatever ctx says. fn must not call Write: its writer would wait for
// itself.
func (db *DB) Write(ctx context.Context, key string, fn func(*Tx) error) error {
	r := &request{key: key, fn: fn, done: make(chan error, 1)}
	if err := db.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.abandon() {
			return overloaded(ctx)
		}
		return <-r.done
	}
}

func (db *DB) enqueue(ctx context.Context, r *request) error {
	db.gate.RLock()
	defer db.gate.RUnlock()
	if db.closed {
		return fault.New(fault.Unavailable, "shutting_down", "this node is shutting down; try again, another node or the restarted one will answer")
	}
	if ctx.Err() != nil {
		return overloaded(ctx)
	}
	select {
	case db.writerFor(r.key).queue <- r:
		return nil
	case <-ctx.Done():
		return overloaded(ctx)
	}
}

func overloaded(ctx context.Context) error {
	return fault.Wrap(context.Cause(ctx), fault.Unavailable, "overloaded",
		"the database could not take the change in time; nothing was saved, try again")
}

// writerFor keeps a key on one writer, so that writes to one incident do not
// wait for each other's row locks.
func (db *DB) writerFor(key string) *writer {
	if len(db.writers) == 1 {
		return db.writers[0]
	}
	return db.writers[maphash.String(db.seed, key)%uint64(len(db.writers))]
}

func (db *DB) startWriters() {
	n := db.cfg.Writers
	if db.engine == sqlite {
		n = 1
	}
	for range n {
		w := &writer{db: db, queue: make(chan *request, maxQueued), done: make(chan struct{})}
		db.writers = append(db.writers, w)
		go w.run()
	}
}

// run serves batches until the queue is closed and empty.
func (w *writer) run() {
	defer close(w.done)
	for first := range w.queue {
		if batch := w.gather(first); len(batch) > 0 {
			w.serve(batch)
		}
	}
	w.stmts.close()
}

// gather takes what has queued up behind first, without waiting for more: a
// lone write commits at once. Callers answered by the last commit get one turn
// of the scheduler to come back, or the first of them would commit alone and
// the rest would wait for it.
func (w *writer) gather(first *request) []*request {
	var batch []*request
	add := func(r *request) {
		if r.start() {
			batch = append(batch, r)
		}
	}
	add(first)
	runtime.Gosched()
	for len(batch) < maxBatch {
		select {
		case r, ok := <-w.queue:
			if !ok {
				return batch
			}
			add(r)
		default:
			return batch
		}
	}
	return batch
}
