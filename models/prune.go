package models

import (
	"context"
	"fmt"
	"time"
)

// Retention is how long history is kept. A zero duration keeps it for ever.
type Retention struct {
	// Timeline also bounds how far back a stream can be resumed.
	Timeline time.Duration
	// Deliveries bounds finished deliveries, with their attempts and receipts,
	// and notifications, and the rows of devices and addresses that were removed.
	Deliveries time.Duration
	// Changes bounds change events.
	Changes time.Duration
}

// pruneStep bounds what one transaction deletes or looks at, so that a page
// never waits long behind housekeeping (I11).
const pruneStep = 1000

// Prune deletes what is older than its retention, in small transactions with
// room for others between them, and gives the number of rows deleted. Answers
// under idempotency keys go after their 24 hours, what accounts leave behind
// as [DB.PruneAccounts] says. The timeline loses only its
// beginning, never its newest entry: what remains has no gaps.
func (db *DB) Prune(ctx context.Context, now time.Time, keep Retention) (int64, error) {
	var total int64
	for _, p := range []struct {
		what  string
		after time.Duration
		text  string
	}{
		{"answers", answerLife, `DELETE FROM answers WHERE (principal, key) IN (SELECT principal, key FROM answers WHERE created_at < ? LIMIT ?)`},
		{"notifications", keep.Deliveries, oldest("notifications", "created_at", "AND state <> 'scheduled'")},
		{"deliveries", keep.Deliveries, oldest("deliveries", "created_at", "AND state <> 'scheduled'")},
		{"attempts", keep.Deliveries, orphans("attempts", "done_at")},
		{"receipts", keep.Deliveries, orphans("receipts", "at")},
		{"activities", keep.Deliveries, `DELETE FROM activities WHERE (device_id, incident_id) IN
			(SELECT device_id, incident_id FROM activities WHERE started_at < ? LIMIT ?)`},
		{"removed devices", keep.Deliveries, `DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE removed_at < ? LIMIT ?)`},
		{"changes", keep.Changes, oldest("changes", "received_at", "")},
		{"timeline", keep.Timeline, pruneTimeline},
	} {
		if p.after <= 0 {
			continue
		}
		n, err := db.pruneAll(ctx, p.text, now.Add(-p.after))
		total += n
		if err != nil {
			return total, fmt.Errorf("pruning %s: %w", p.what, err)
		}
	}
	n, err := db.pruneAccounts(ctx, now)
	return total + n, err
}

// oldest deletes among the first rows by id: ids sort by birth, so no index on
// the time is needed, and each step looks at a bounded number of rows.
func oldest(table, column, condition string) string {
	return `DELETE FROM ` + table + ` WHERE ` + column + ` < ? ` + condition +
		` AND id IN (SELECT id FROM ` + table + ` ORDER BY id LIMIT ?)`
}

// orphans deletes among the first rows those whose delivery is gone. They sort
// by their delivery's id, hence by its birth.
func orphans(table, column string) string {
	return `DELETE FROM ` + table + ` WHERE ` + column + ` < ?
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = ` + table + `.delivery_id)
		AND delivery_id IN (SELECT delivery_id FROM ` + table + ` ORDER BY delivery_id LIMIT ?)`
}

// pruneTimeline deletes from the beginning up to the first entry that is young
// enough, and stops before the newest.
const pruneTimeline = `DELETE FROM timeline WHERE seq < (
		SELECT MIN(f.seq) FROM (SELECT seq, at FROM timeline ORDER BY seq LIMIT 1001) f
		WHERE f.at >= ? OR f.seq = (SELECT MAX(seq) FROM timeline) OR f.seq = (SELECT MIN(seq) FROM timeline) + ?)`

func (db *DB) pruneAll(ctx context.Context, text string, before time.Time) (total int64, err error) {
	for ctx.Err() == nil {
		var n int64
		err := db.Write(ctx, "prune", func(tx *Tx) (err error) {
			n, err = tx.exec(text, at(before), pruneStep)
			return err
		})
		total += n
		if err != nil || n < pruneStep {
			return total, err
		}
	}
	return total, ctx.Err()
}

func (db *DB) pruneAccounts(ctx context.Context, now time.Time) (total int64, err error) {
	for ctx.Err() == nil {
		n, err := db.PruneAccounts(ctx, now)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, ctx.Err()
}
