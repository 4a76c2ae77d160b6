package models

import (
	"context"
	"fmt"
	"strings"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// DeliveryLog gives the readers of deliveries.
func (db *DB) DeliveryLog() DeliveryLog { return DeliveryLog{db} }

// DeliveryLog reads what became of deliveries, for the API.
type DeliveryLog struct{ db *DB }

// ListDeliveries serves api.Deliveries: one page, newest first by id, with
// every attempt and receipt, and whether more follow.
func (l DeliveryLog) ListDeliveries(ctx context.Context, f respond.DeliveryFilter) (items []respond.DeliveryStory, more bool, err error) {
	limit := bounded(f.Limit)
	err = l.db.snapshot(ctx, func(q queryer) error {
		where, args := deliveryConditions(f)
		found, err := q.QueryContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries`+where+` ORDER BY id DESC LIMIT ?`, append(args, limit+1)...)
		if err != nil {
			return readFailure(err)
		}
		list, err := collect(found, scanDelivery)
		if err != nil {
			return err
		}
		if more = len(list) > limit; more {
			list = list[:limit]
		}
		items, err = l.stories(ctx, q, list)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("listing deliveries: %w", err)
	}
	return items, more, nil
}

func deliveryConditions(f respond.DeliveryFilter) (where string, args []any) {
	var c conditions
	for _, is := range []struct{ column, value string }{{"incident_id", f.IncidentID}, {"user_id", f.UserID}, {"device_id", f.DeviceID}} {
		if is.value != "" {
			c.and(is.column+` = ?`, clean(is.value))
		}
	}
	among(&c, "kind", f.Kinds)
	among(&c, "state", f.States)
	if !f.Since.IsZero() {
		c.and(`created_at >= ?`, at(f.Since))
	}
	if !f.Until.IsZero() {
		c.and(`created_at < ?`, at(f.Until))
	}
	if f.BeforeID != "" {
		c.and(`id < ?`, clean(f.BeforeID))
	}
	if len(c.parts) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(c.parts, ` AND `), c.args
}

// stories adds attempts and receipts to deliveries.
func (l DeliveryLog) stories(ctx context.Context, q queryer, list []push.Delivery) ([]respond.DeliveryStory, error) {
	among, arg := l.db.engine.anyOf(distinct(list, func(d push.Delivery) string { return d.ID }))
	found, err := q.QueryContext(ctx, `SELECT `+attemptColumns+` FROM attempts WHERE delivery_id`+among+` ORDER BY delivery_id, sent_at`, arg)
	if err != nil {
		return nil, readFailure(err)
	}
	attempts, err := collect(found, scanAttempt)
	if err != nil {
		return nil, err
	}
	if found, err = q.QueryContext(ctx, `SELECT `+receiptColumns+` FROM receipts WHERE delivery_id`+among, arg); err != nil {
		return nil, readFailure(err)
	}
	receipts, err := collect(found, scanReceipt)
	if err != nil {
		return nil, err
	}
	byEvent(receipts)
	out, place := make([]respond.DeliveryStory, len(list)), make(map[string]int, len(list))
	for i, d := range list {
		out[i].Delivery, place[d.ID] = d, i
	}
	for _, a := range attempts {
		s := &out[place[a.DeliveryID]]
		s.Attempts = append(s.Attempts, a)
	}
	for _, r := range receipts {
		s := &out[place[r.DeliveryID]]
		s.Receipts = append(s.Receipts, r)
	}
	return out, nil
}
