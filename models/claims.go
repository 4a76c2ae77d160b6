package models

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/respond"
)

// claim takes what is due in one statement and gives the ids. On PostgreSQL it
// stands alone, skips rows that others are changing and is committed at once:
// inside a batch it would hold its rows while the batch waits for others. On
// SQLite all writing is the writer's.
func (db *DB) claim(ctx context.Context, text string, args ...any) ([]string, error) {
	if db.engine == postgres {
		found, err := db.write.sql.QueryContext(ctx, db.bind.text(text), args...)
		if err != nil {
			return nil, readFailure(err)
		}
		return collect(found, scanID)
	}
	var ids []string
	err := db.Write(ctx, "claim", func(tx *Tx) error {
		found, err := tx.query(text, args...)
		if err != nil {
			return err
		}
		ids, err = collect(found, scanID)
		return err
	})
	return ids, err
}

func scanID(r scanner) (id string, err error) {
	err = r.Scan(&id)
	return id, err
}

// claimText leases the rows of a table that meet the condition, those first
// that have been claimable for longest. The inner query is set apart because
// PostgreSQL might otherwise run it more than once and claim too much.
func (e engine) claimText(table, set, where string) string {
	inner := `SELECT id FROM ` + table + ` WHERE ` + where + ` ORDER BY claimable_at, id LIMIT ?`
	if e == postgres {
		inner += ` FOR UPDATE SKIP LOCKED`
	}
	return `WITH due AS MATERIALIZED (` + inner + `) UPDATE ` + table + ` SET ` + set + ` WHERE id IN (SELECT id FROM due) RETURNING id`
}

// moment reads one time that may be missing.
func (db *DB) moment(ctx context.Context, text string) (at time.Time, ok bool, err error) {
	if err := db.row(ctx, text).Scan(into(&at)); err != nil {
		return at, false, readFailure(err)
	}
	return at, !at.IsZero(), nil
}

// Timers gives the store of the incidents' clock.
func (db *DB) Timers() respond.Timers { return timers{db} }

type timers struct{ db *DB }

// Claim implements respond.Timers.
func (t timers) Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]string, error) {
	text := t.db.engine.claimText("incidents", "claimable_at = ?, lease_node = ?", "claimable_at <= ?")
	return t.db.claim(ctx, text, at(now), n, at(leaseUntil), t.db.cfg.Node)
}

// NextDue implements respond.Timers.
func (t timers) NextDue(ctx context.Context) (time.Time, bool, error) {
	return t.db.moment(ctx, `SELECT MIN(claimable_at) FROM incidents WHERE claimable_at IS NOT NULL`)
}

// Overdue implements respond.Timers.
func (t timers) Overdue(ctx context.Context, before time.Time, n int) ([]respond.Overdue, error) {
	found, err := t.db.query(ctx, `SELECT id, due_at, exhausted FROM incidents
		WHERE status <> 'resolved' AND (due_at < ? OR (status = 'triggered' AND escalate_at IS NULL))
		ORDER BY due_at IS NULL, due_at, id LIMIT ?`, at(before), n)
	if err != nil {
		return nil, readFailure(err)
	}
	return collect(found, func(r scanner) (o respond.Overdue, err error) {
		err = r.Scan(&o.IncidentID, into(&o.DueAt), &o.Exhausted)
		return o, err
	})
}

// anyOf is a condition on a column being one of the ids, with one placeholder
// however many they are, so that its text is always the same.
func (e engine) anyOf(ids []string) (condition string, arg any) {
	if e == postgres {
		return ` = ANY(?)`, ids
	}
	return ` IN (SELECT value FROM json_each(?))`, toJSON(present(ids))
}
