package models

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// pending is what a transaction has been told to insert and has not yet sent:
// a batch of events becomes a handful of statements instead of hundreds.
type pending struct {
	incidents     rows
	alerts        rows
	keys          rows
	notifications rows
	deliveries    rows
	activities    rows
	attempts      rows
	counts        map[string]tally // by alert id
	entries       []incident.Entry
	dirty         bool
}

// tally is how often an alert was repeated within the batch.
type tally struct {
	n    int64
	last time.Time
}

// flush writes out what is pending, except the timeline, which is numbered
// last. A retryable error means that another node got in between.
func (tx *Tx) flush() error {
	p, into := &tx.pending, &tx.db.tables
	if !p.dirty {
		return nil
	}
	p.dirty = false
	for _, group := range []struct {
		into *table
		rows *rows
	}{{&into.incidents, &p.incidents}, {&into.alerts, &p.alerts}} {
		if _, err := tx.insertRows(group.into, group.rows); err != nil {
			return err
		}
	}
	if err := tx.flushKeys(); err != nil {
		return err
	}
	if err := tx.flushCounts(); err != nil {
		return err
	}
	if _, err := tx.insertRows(&into.notifications, &p.notifications); err != nil {
		return err
	}
	if _, err := tx.insertRows(&into.deliveries, &p.deliveries); err != nil {
		return err
	}
	if _, err := tx.insertRows(&into.activities, &p.activities); err != nil {
		return err
	}
	_, err := tx.insertRows(&into.attempts, &p.attempts)
	return err
}

// flushKeys takes the dedup keys that were free. If one of them is not free any
// more, another node has opened an incident for it meanwhile: run again.
func (tx *Tx) flushKeys() error {
	want := int64(tx.pending.keys.n)
	got, err := tx.insertRows(&tx.db.tables.keys, &tx.pending.keys)
	if err == nil && got < want {
		return fmt.Errorf("taking dedup keys: %w", errRetry)
	}
	return err
}

// flushCounts adds up repeats, one statement per alert however many there were,
// in the same order on every node. An alert that was resolved meanwhile must
// not swallow an event: run again, and the event opens a new incident.
func (tx *Tx) flushCounts() error {
	for _, id := range slices.Sorted(maps.Keys(tx.pending.counts)) {
		c := tx.pending.counts[id]
		n, err := tx.hotExec(`UPDATE alerts SET count = count + ?, last_at = CASE WHEN last_at < ? THEN ? ELSE last_at END
			WHERE id = ? AND resolved_at IS NULL`, c.n, at(c.last), at(c.last), id)
		if err != nil {
			return fmt.Errorf("counting a repeated alert: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("counting a repeated alert: %w", errRetry)
		}
	}
	clear(tx.pending.counts)
	return nil
}

// finish writes out all that is left, the timeline last of all.
func (tx *Tx) finish() error {
	if err := tx.flush(); err != nil {
		return err
	}
	if tx.config.stale {
		if err := tx.reloadCatalog(); err != nil {
			return err
		}
	}
	return tx.appendTimeline()
}

// publish tells the rest of the node what was committed.
func (tx *Tx) publish() {
	tx.numbers.keep()
	if tx.config.fresh {
		tx.db.publishCatalog(tx.config.now)
	}
	if n := len(tx.pending.entries); n > 0 {
		tx.db.announce(tx.pending.entries[n-1].Seq)
	}
}
