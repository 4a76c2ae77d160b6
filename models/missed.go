package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// AcceptedAt gives when the provider took each of the deliveries that it took.
func (tx *Tx) AcceptedAt(ids []string) (map[string]time.Time, error) {
	among, arg := tx.db.engine.anyOf(ids)
	found, err := tx.query(`SELECT `+attemptColumns+` FROM attempts WHERE delivery_id`+among+` AND class = 'accepted'`, arg)
	if err != nil {
		return nil, fmt.Errorf("looking for accepted deliveries: %w", err)
	}
	list, err := collect(found, scanAttempt)
	if err != nil {
		return nil, fmt.Errorf("looking for accepted deliveries: %w", err)
	}
	out := make(map[string]time.Time, len(list))
	for _, a := range list {
		if first, ok := out[a.DeliveryID]; !ok || a.DoneAt.Before(first) {
			out[a.DeliveryID] = a.DoneAt
		}
	}
	return out, nil
}

// LastReport gives when the device last reported anything, zero for never, and
// locks it, so that those who look what it has missed take turns.
func (tx *Tx) LastReport(deviceID string) (at time.Time, err error) {
	err = tx.row(`SELECT last_receipt_at FROM devices WHERE id = ?`+tx.forUpdate(), deviceID).Scan(into(&at))
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("looking for a device: %w", err)
	}
	return at, nil
}

// missed is about incidents that still want somebody, of which the provider
// took a page for the device that the device never spoke of, which no later
// settle has quieted there, and which no digest before the given one has told of.
const missed = `SELECT number, severity, title FROM incidents WHERE status = 'triggered' AND id IN (
	SELECT p.incident_id FROM deliveries p WHERE p.device_id = ? AND p.user_id = ? AND p.kind = 'page' AND p.state = 'accepted'
		AND p.created_at >= ? AND p.created_at <= ?
		AND NOT EXISTS (SELECT 1 FROM deliveries g WHERE g.device_id = p.device_id AND g.kind = '` + string(push.Digest) + `' AND g.created_at > p.created_at AND g.id < ?)
		AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.incident_id = p.incident_id AND s.device_id = p.device_id AND s.kind = 'settle' AND s.revision > p.revision)
		AND NOT EXISTS (SELECT 1 FROM deliveries o JOIN receipts r ON r.delivery_id = o.id
			WHERE o.incident_id = p.incident_id AND o.device_id = p.device_id AND o.kind = 'page'))
	ORDER BY number LIMIT ?`

// Missed gives the triggered incidents of which a device has missed the page
// made for this user between two moments, at most n. What was sent to a former
// owner of the device is not the new one's to know.
func (tx *Tx) Missed(userID, deviceID string, since, until time.Time, n int) ([]respond.Missed, error) {
	found, err := tx.query(missed, deviceID, userID, at(since), at(until), anyDigest, n)
	if err != nil {
		return nil, fmt.Errorf("looking for missed pages: %w", err)
	}
	return collect(found, scanMissed)
}

// anyDigest sorts behind every id.
const anyDigest = "~"

func scanMissed(r scanner) (m respond.Missed, err error) {
	err = r.Scan(&m.Number, &m.Severity, &m.Title)
	return m, err
}

// tellAnew gives claimed digests what is still to be told: what was taken care
// of since they were made must not ring any more (I6).
func (d deliveries) tellAnew(ctx context.Context, jobs []push.Job) error {
	for i := range jobs {
		told := &jobs[i].Delivery
		if told.Kind != push.Digest {
			continue
		}
		found, err := d.db.query(ctx, missed, told.DeviceID, told.UserID, at(told.CreatedAt.Add(-respond.MissedFor)), at(told.CreatedAt), told.ID, respond.MissedMost)
		if err != nil {
			return fmt.Errorf("looking for missed pages: %w", readFailure(err))
		}
		left, err := collect(found, scanMissed)
		if err != nil {
			return err
		}
		told.About = respond.DigestOf(left)
	}
	return nil
}
