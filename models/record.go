package models

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

// Record implements push.Store: what became of deliveries is judged against
// the rows as they are now and written in one transaction.
func (d deliveries) Record(ctx context.Context, outcomes []push.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	return d.db.Write(ctx, "record "+d.db.cfg.Node, func(tx *Tx) error {
		return tx.record(outcomes)
	})
}

func (tx *Tx) record(outcomes []push.Outcome) error {
	current, err := tx.lockDeliveries(outcomes)
	if err != nil {
		return err
	}
	devices, err := tx.devicesOf(outcomes)
	if err != nil {
		return err
	}
	changed := map[string]bool{}
	guard := pruneGuard{tx: tx}
	for _, o := range outcomes {
		row, ok := current[o.Job.Delivery.ID]
		if !ok {
			tx.db.cfg.Log.Warn("an outcome belongs to no delivery", "delivery", o.Job.Delivery.ID)
			continue
		}
		dev := devices[row.DeviceID]
		tx.addAttempt(o)
		if err := tx.findProof(&o, dev); err != nil {
			return err
		}
		v := o.Apply(row, dev)
		current[row.ID], changed[row.ID] = v.Delivery, true
		tx.Append(v.Entries...)
		if devices[row.DeviceID], err = guard.judge(dev, v, o.DoneAt); err != nil {
			return err
		}
		if v.EndActivity {
			if err := tx.endActivity(o); err != nil {
				return err
			}
		}
		if v.FollowUp != nil {
			v.FollowUp.ID = id.New(id.Delivery)
			if err := tx.AddDeliveries([]push.Delivery{*v.FollowUp}); err != nil {
				return err
			}
		}
	}
	return tx.saveDeliveries(current, changed)
}

// lockDeliveries loads the rows in the order in which acknowledgements lock
// them too: incident by incident.
func (tx *Tx) lockDeliveries(outcomes []push.Outcome) (map[string]push.Delivery, error) {
	among, arg := tx.db.engine.anyOf(distinct(outcomes, func(o push.Outcome) string { return o.Job.Delivery.ID }))
	found, err := tx.query(`SELECT `+deliveryColumns+` FROM deliveries WHERE id`+among+` ORDER BY incident_id, id`+tx.forUpdate(), arg)
	if err != nil {
		return nil, fmt.Errorf("locking deliveries: %w", err)
	}
	return index(found, scanDelivery, func(d push.Delivery) string { return d.ID })
}

func (tx *Tx) devicesOf(outcomes []push.Outcome) (map[string]push.Device, error) {
	among, arg := tx.db.engine.anyOf(distinct(outcomes, func(o push.Outcome) string { return o.Job.Delivery.DeviceID }))
	found, err := tx.hotQuery(`SELECT `+deviceColumns+` FROM devices WHERE id`+among, arg)
	if err != nil {
		return nil, fmt.Errorf("loading devices: %w", err)
	}
	return index(found, scanDevice, func(d push.Device) string { return d.ID })
}

// saveDeliveries writes what may change in a delivery.
func (tx *Tx) saveDeliveries(rows map[string]push.Delivery, changed map[string]bool) error {
	if tx.db.engine == postgres {
		return tx.saveDeliveriesAtOnce(rows, changed)
	}
	for key := range changed {
		d := rows[key]
		if _, err := tx.hotExec(`UPDATE deliveries SET state = ?, attempt = ?, due_at = ?, lease_until = ?, lease_node = ?, claimable_at = ? WHERE id = ?`,
			string(d.State), d.Attempt, at(d.DueAt), at(d.LeaseUntil), d.LeaseNode, claimable(d), d.ID); err != nil {
			return fmt.Errorf("saving a delivery: %w", err)
		}
	}
	return nil
}

// saveDeliveriesAtOnce spares a round trip for each row.
func (tx *Tx) saveDeliveriesAtOnce(rows map[string]push.Delivery, changed map[string]bool) error {
	var ids, states, nodes []string
	var attempts []int
	var due, lease, claim []*time.Time
	for key := range changed {
		d := rows[key]
		ids, states, nodes = append(ids, d.ID), append(states, string(d.State)), append(nodes, d.LeaseNode)
		attempts = append(attempts, d.Attempt)
		due, lease, claim = append(due, orNil(at(d.DueAt))), append(lease, orNil(at(d.LeaseUntil))), append(claim, orNil(claimable(d)))
	}
	_, err := tx.hotExec(`UPDATE deliveries d SET state = v.state, attempt = v.attempt, due_at = v.due_at,
			lease_until = v.lease_until, lease_node = v.lease_node, claimable_at = v.claimable_at
		FROM unnest(?::text[], ?::text[], ?::int[], ?::timestamptz[], ?::timestamptz[], ?::text[], ?::timestamptz[])
			AS v(id, state, attempt, due_at, lease_until, lease_node, claimable_at)
		WHERE d.id = v.id`, ids, states, attempts, due, lease, nodes, claim)
	if err != nil {
		return fmt.Errorf("saving deliveries: %w", err)
	}
	return nil
}

func orNil(s stamp) *time.Time {
	if s.IsZero() {
		return nil
	}
	return &s.Time
}
