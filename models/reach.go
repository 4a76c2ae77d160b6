package models

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/push"
)

// silence sums up what the provider took for each device since it last
// reported anything: the pushes that show themselves, and the probes. Addresses
// never report.
const silence = `SELECT v.id,
		SUM(CASE WHEN d.kind IN ('page', 'test', 'notice', 'digest') THEN 1 ELSE 0 END),
		MIN(CASE WHEN d.kind IN ('page', 'test', 'notice', 'digest') THEN d.created_at END),
		MIN(CASE WHEN d.kind = 'probe' THEN d.created_at END)
	FROM devices v JOIN deliveries d ON d.device_id = v.id
	WHERE v.removed_at IS NULL AND v.state <> 'dead' AND v.target_kind <> 'address' AND d.state = 'accepted' AND d.kind IN ('page', 'test', 'notice', 'digest', 'probe')
		AND (v.last_receipt_at IS NULL OR d.created_at > v.last_receipt_at)`

// Ways implements respond.Reach.
func (r Registry) Ways(ctx context.Context, userIDs []string) (map[string][]push.Way, error) {
	who, args := "", []any(nil)
	if len(userIDs) > 0 {
		among, arg := r.db.engine.anyOf(userIDs)
		who, args = ` AND v.user_id`+among, []any{arg}
	}
	silences, err := r.silences(ctx, silence+who+` GROUP BY v.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading what devices left unanswered: %w", err)
	}
	found, err := r.db.query(ctx, `SELECT `+of("v", deviceColumns)+` FROM devices v WHERE v.removed_at IS NULL`+who+` ORDER BY v.created_at, v.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("reading devices: %w", readFailure(err))
	}
	devices, err := collect(found, scanDevice)
	if err != nil {
		return nil, err
	}
	ways := map[string][]push.Way{}
	for _, d := range devices {
		ways[d.UserID] = append(ways[d.UserID], push.Way{Device: d, Silence: silences[d.ID]})
	}
	return ways, nil
}

func (r Registry) silences(ctx context.Context, text string, args ...any) (map[string]push.Silence, error) {
	found, err := r.db.query(ctx, text, args...)
	if err != nil {
		return nil, readFailure(err)
	}
	type one struct {
		id string
		push.Silence
	}
	list, err := collect(found, func(s scanner) (o one, err error) {
		err = s.Scan(&o.id, &o.Sent, into(&o.Since), into(&o.Probe))
		return o, err
	})
	all := make(map[string]push.Silence, len(list))
	for _, o := range list {
		all[o.id] = o.Silence
	}
	return all, err
}

// TestsSince implements respond.Paging.
func (tx *Tx) TestsSince(deviceID string, since time.Time) (n int, err error) {
	err = tx.row(`SELECT COUNT(*) FROM deliveries WHERE device_id = ? AND kind = 'test' AND created_at >= ?`, deviceID, at(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting tests: %w", err)
	}
	return n, nil
}
