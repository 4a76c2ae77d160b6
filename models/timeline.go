package models

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
)

const entryColumns = `seq, incident_id, revision, type, at, actor, incident, detail`

// Append adds timeline entries; Seq is given at commit.
func (tx *Tx) Append(entries ...incident.Entry) {
	tx.pending.entries = append(tx.pending.entries, entries...)
}

// appendTimeline numbers and writes the batch's entries. It is the last thing
// before the commit: from the UPDATE on, the counter's row is locked, so
// whoever gets the next numbers commits later, and a rollback gives these
// numbers back. Hence a reader that sees n sees everything up to n (I7).
func (tx *Tx) appendTimeline() error {
	n := len(tx.pending.entries)
	if n == 0 {
		return nil
	}
	var seq int64
	err := tx.hotRow(`UPDATE streams SET seq = seq + ? WHERE name = 'timeline' RETURNING seq`, n).Scan(&seq)
	if err != nil {
		return fmt.Errorf("numbering the timeline: %w", err)
	}
	var lines rows
	for i := range tx.pending.entries {
		e := &tx.pending.entries[i]
		e.Seq = seq - int64(n) + int64(i) + 1
		lines.add(e.Seq, e.IncidentID, e.Revision, string(e.Type), at(e.At), clean(toJSON(e.Actor)), snapshotOrNull(e.Incident), clean(toJSON(e.Detail)))
	}
	_, err = tx.insertRows(&tx.db.tables.timeline, &lines)
	return err
}

func snapshotOrNull(s *incident.Snapshot) any {
	if s == nil {
		return nil
	}
	return clean(toJSON(s))
}

func scanEntry(r scanner) (e incident.Entry, err error) {
	err = r.Scan(&e.Seq, &e.IncidentID, &e.Revision, &e.Type, into(&e.At), jsonInto{&e.Actor}, jsonInto{&e.Incident}, jsonInto{&e.Detail})
	return e, err
}

// Timeline gives the committed log.
func (db *DB) Timeline() realtime.Log { return timelineLog{db} }

type timelineLog struct{ db *DB }

// Since implements realtime.Log.
func (l timelineLog) Since(ctx context.Context, after int64, limit int) ([]incident.Entry, error) {
	found, err := l.db.query(ctx, `SELECT `+entryColumns+` FROM timeline WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, readFailure(err)
	}
	return collect(found, scanEntry)
}

// Head implements realtime.Log.
func (l timelineLog) Head(ctx context.Context) (realtime.Head, error) {
	return timelineHead(ctx, bound{l.db.read.sql, l.db.bind})
}

func timelineHead(ctx context.Context, q queryer) (realtime.Head, error) {
	found, err := q.QueryContext(ctx, `SELECT epoch, seq, COALESCE((SELECT MIN(seq) FROM timeline), 0) FROM streams WHERE name = 'timeline'`)
	if err != nil {
		return realtime.Head{}, readFailure(err)
	}
	heads, err := collect(found, func(r scanner) (h realtime.Head, err error) {
		err = r.Scan(&h.Epoch, &h.Seq, &h.Oldest)
		return h, err
	})
	if err != nil {
		return realtime.Head{}, err
	}
	if len(heads) == 0 {
		return realtime.Head{}, errors.New("reading the timeline's head: its row in streams is missing")
	}
	return heads[0], nil
}

// appended tells who follows the timeline that it has grown.
type appended struct {
	mu    sync.RWMutex
	hooks []func(head int64)
}

// OnAppend has fn called after each commit that added to the timeline, here or
// on another node, with the newest number known. It is a hint that shortens a
// wait: it may come late, twice or, from other nodes, not at all. fn must not
// block; a writer is waiting.
func (db *DB) OnAppend(fn func(head int64)) {
	db.appended.mu.Lock()
	defer db.appended.mu.Unlock()
	db.appended.hooks = append(db.appended.hooks, fn)
}

// announce tells this node's followers and, on PostgreSQL, the other nodes.
func (db *DB) announce(head int64) {
	db.nudge(head)
	if db.relay != nil {
		db.relay.tell(head)
	}
}

func (db *DB) nudge(head int64) {
	db.appended.mu.RLock()
	defer db.appended.mu.RUnlock()
	for _, fn := range db.appended.hooks {
		fn(head)
	}
}
