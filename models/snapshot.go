package models

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/respond"
)

// refreshPause bounds how often the read side looks for a newer catalogue,
// however many events with unknown routing keys come in.
const refreshPause = 20 * time.Millisecond

// refresher lets many callers share one look at the catalogue's version.
type refresher struct {
	turn  chan struct{} // one slot: who holds it is looking
	begun atomic.Int64  // looks begun
	last  time.Time     // when the last one began; guarded by turn
	done  int64         // the newest look that ended well; guarded by turn
}

func newRefresher() *refresher { return &refresher{turn: make(chan struct{}, 1)} }

// look runs fn, or waits for a run of it that begins after this call.
func (r *refresher) look(ctx context.Context, fn func(context.Context) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	before := r.begun.Load()
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turn }()
	if r.done > before {
		return nil
	}
	select {
	case <-time.After(refreshPause - time.Since(r.last)):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.last = time.Now()
	this := r.begun.Add(1)
	if err := fn(ctx); err != nil {
		return err
	}
	r.done = this
	return nil
}

// txCatalog is the catalogue as one transaction sees it.
type txCatalog struct {
	now   *respond.Catalog
	fresh bool // loaded by this transaction: to be published when it commits
	stale bool // changed by this transaction since it was loaded
}

// Catalog gives the newest configuration this node knows of. It is immutable.
func (db *DB) Catalog() *respond.Catalog { return db.catalog.Load() }

// publishCatalog makes c the node's snapshot unless it has a newer one.
func (db *DB) publishCatalog(c *respond.Catalog) {
	for {
		old := db.catalog.Load()
		if old.Version >= c.Version || db.catalog.CompareAndSwap(old, c) {
			return
		}
	}
}

// Catalog gives the configuration as of this transaction.
func (tx *Tx) Catalog() *respond.Catalog {
	if tx.config.stale {
		if err := tx.reloadCatalog(); err != nil && tx.broken == nil {
			tx.broken = err
		}
	}
	return tx.config.now
}

// readCatalog compares the version with the node's snapshot at the start of
// each transaction: no event is judged by configuration that was replaced
// before it came.
func (tx *Tx) readCatalog() error {
	var version int64
	if err := tx.hotRow(`SELECT version FROM catalog_version`).Scan(&version); err != nil {
		return fmt.Errorf("reading the catalogue's version: %w", err)
	}
	tx.config.now = tx.db.Catalog()
	if tx.config.now.Version == version {
		return nil
	}
	return tx.loadCatalog(version)
}

func (tx *Tx) loadCatalog(version int64) error {
	c, err := loadCatalog(tx.ctx, tx, version)
	if err != nil {
		return fmt.Errorf("loading the catalogue: %w", err)
	}
	tx.config = txCatalog{now: c, fresh: true}
	return nil
}

func (tx *Tx) reloadCatalog() error {
	var version int64
	if err := tx.row(`SELECT version FROM catalog_version`).Scan(&version); err != nil {
		return fmt.Errorf("reading the catalogue's version: %w", err)
	}
	return tx.loadCatalog(version)
}

// bumpCatalog must be called by whoever changes what the catalogue holds; all
// nodes then load it anew.
func (tx *Tx) bumpCatalog() error {
	if _, err := tx.exec(`UPDATE catalog_version SET version = version + 1`); err != nil {
		return fmt.Errorf("changing the catalogue's version: %w", err)
	}
	tx.config.stale = true
	return nil
}

// Refresh looks whether another node has changed the configuration. The look
// begins after the call, so a change committed before it is seen.
func (db *DB) Refresh(ctx context.Context) (*respond.Catalog, error) {
	if err := db.refresh.look(ctx, db.loadNewerCatalog); err != nil {
		return nil, err
	}
	return db.Catalog(), nil
}

func (db *DB) loadNewerCatalog(ctx context.Context) error {
	return db.snapshot(ctx, func(q queryer) error {
		version, err := catalogVersion(ctx, q)
		if err != nil || version == db.Catalog().Version {
			return err
		}
		c, err := loadCatalog(ctx, q, version)
		if err != nil {
			return fmt.Errorf("loading the catalogue: %w", err)
		}
		db.publishCatalog(c)
		return nil
	})
}

func catalogVersion(ctx context.Context, q queryer) (version int64, err error) {
	rows, err := q.QueryContext(ctx, `SELECT version FROM catalog_version`)
	if err != nil {
		return 0, readFailure(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&version); err != nil {
			return 0, fmt.Errorf("reading the catalogue's version: %w", err)
		}
	}
	return version, readFailure(rows.Err())
}
