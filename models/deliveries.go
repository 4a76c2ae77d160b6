package models

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// Deliveries gives the store of the push pipeline.
func (db *DB) Deliveries() push.Store { return deliveries{db} }

type deliveries struct{ db *DB }

const leaseDelivery = "lease_until = ?, lease_node = ?, claimable_at = ?"

// nextDelivery asks kind by kind, as the index is ordered.
const nextDelivery = `SELECT MIN(first) FROM (
	SELECT MIN(claimable_at) AS first FROM deliveries WHERE kind = 'page' AND claimable_at IS NOT NULL
	UNION ALL SELECT MIN(claimable_at) FROM deliveries WHERE kind = 'update' AND claimable_at IS NOT NULL
	UNION ALL SELECT MIN(claimable_at) FROM deliveries WHERE kind = 'settle' AND claimable_at IS NOT NULL) AS firsts`

// Claim implements push.Store. Pages go first: a heap of settles that are
// overdue must not stand before one that rings (I11).
func (d deliveries) Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]push.Job, error) {
	var ids []string
	for _, kinds := range []string{"kind = 'page'", "kind IN ('update', 'settle')"} {
		if len(ids) == n {
			break
		}
		text := d.db.engine.claimText("deliveries", leaseDelivery, kinds+" AND claimable_at <= ?")
		more, err := d.db.claim(ctx, text, at(now), n-len(ids), at(leaseUntil), d.db.cfg.Node, at(leaseUntil))
		if err != nil {
			return nil, fmt.Errorf("claiming deliveries: %w", err)
		}
		ids = append(ids, more...)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return d.jobs(ctx, ids)
}

// jobs loads claimed deliveries with their device and what there is to say.
func (d deliveries) jobs(ctx context.Context, ids []string) ([]push.Job, error) {
	among, arg := d.db.engine.anyOf(ids)
	found, err := d.db.query(ctx, `SELECT `+of("d", deliveryColumns)+`, `+of("v", deviceColumns)+`, `+of("i", incidentColumns)+`
		FROM deliveries d JOIN devices v ON v.id = d.device_id JOIN incidents i ON i.id = d.incident_id
		WHERE d.id`+among+` ORDER BY d.due_at, d.id`, arg)
	if err != nil {
		return nil, fmt.Errorf("loading claimed deliveries: %w", readFailure(err))
	}
	jobs, err := collect(found, scanJob)
	if err != nil {
		return nil, err
	}
	if len(jobs) < len(ids) {
		d.db.cfg.Log.Error("deliveries without device or incident are waiting for nothing", "claimed", len(ids), "found", len(jobs))
	}
	people := d.db.Catalog().People
	for i := range jobs {
		jobs[i].Content.TimeZone = people[jobs[i].Delivery.UserID].TimeZone
	}
	return jobs, nil
}

// of qualifies a list of columns with a table's alias.
func of(alias, columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		names[i] = alias + "." + strings.TrimSpace(n)
	}
	return strings.Join(names, ", ")
}

func scanJob(r scanner) (push.Job, error) {
	var j push.Job
	var i incident.Incident
	err := r.Scan(slices.Concat(deliveryFields(&j.Delivery), deviceFields(&j.Device), incidentFields(&i))...)
	j.Content = contentOf(i, j.Delivery.Kind)
	return j, err
}

// contentOf says the incident as it is now, which may be after the delivery
// was made.
func contentOf(i incident.Incident, kind push.Kind) push.Content {
	c := push.Content{
		Number: i.Number, Revision: i.Revision, Title: i.Title, ServiceName: i.ServiceName,
		Severity: i.Severity, Urgency: i.Urgency, Status: i.Status, ChangedAt: i.UpdatedAt,
	}
	switch i.Status {
	case incident.Triggered:
		c.Reassigned = kind == push.Settle
	case incident.Acknowledged:
		c.By, c.ChangedAt = i.AcknowledgedBy.Name, i.AcknowledgedAt
	case incident.Resolved:
		c.By, c.ChangedAt = i.ResolvedBy.Name, i.ResolvedAt
	}
	return c
}

// NextDue implements push.Store.
func (d deliveries) NextDue(ctx context.Context) (time.Time, bool, error) {
	return d.db.moment(ctx, nextDelivery)
}

// Release implements push.Store. Only what this node still holds is given back.
func (d deliveries) Release(ctx context.Context, deliveryIDs []string) error {
	if len(deliveryIDs) == 0 {
		return nil
	}
	among, arg := d.db.engine.anyOf(deliveryIDs)
	_, err := d.db.claim(ctx, `UPDATE deliveries SET lease_until = NULL, lease_node = '', claimable_at = due_at
		WHERE id`+among+` AND state = 'scheduled' AND lease_node = ? RETURNING id`, arg, d.db.cfg.Node)
	if err != nil {
		return fmt.Errorf("giving back deliveries: %w", err)
	}
	return nil
}

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
	for _, o := range outcomes {
		row, ok := current[o.Job.Delivery.ID]
		if !ok {
			tx.db.cfg.Log.Warn("an outcome belongs to no delivery", "delivery", o.Job.Delivery.ID)
			continue
		}
		dev := devices[row.DeviceID]
		v := o.Apply(row, dev)
		current[row.ID], changed[row.ID] = v.Delivery, true
		tx.Append(v.Entries...)
		if err := tx.judgeDevice(dev, v, o.DoneAt); err != nil {
			return err
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

// judgeDevice writes a device's new state, unless the device has registered
// again since it was judged: then everything is judged anew (I8).
func (tx *Tx) judgeDevice(dev push.Device, v push.Verdict, when time.Time) error {
	if v.DeviceState == "" {
		return nil
	}
	n, err := tx.exec(`UPDATE devices SET state = ?, state_reason = ?, state_at = ? WHERE id = ? AND token = ? AND registered_at = ?`,
		string(v.DeviceState), clean(v.DeviceReason), at(when), dev.ID, dev.Token, at(dev.RegisteredAt))
	if err != nil {
		return fmt.Errorf("changing a device's state: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("changing a device's state: %w", errRetry)
	}
	return tx.bumpCatalog()
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

// PagedDevices gives, once each, the devices that got a page of the incident
// or may have, and that were not settled since. A lease that is still noted on
// a cancelled delivery means that a node held it: it may be in the air.
func (tx *Tx) PagedDevices(incidentID string) ([]push.Device, error) {
	found, err := tx.query(`SELECT `+of("v", deviceColumns)+` FROM devices v
		WHERE v.removed_at IS NULL AND v.id IN (SELECT p.device_id FROM deliveries p
			WHERE p.incident_id = ? AND p.kind = 'page' AND (p.state = 'accepted' OR p.attempt > 0 OR p.lease_until IS NOT NULL)
			AND NOT EXISTS (SELECT 1 FROM deliveries s WHERE s.incident_id = p.incident_id AND s.device_id = p.device_id
				AND s.kind = 'settle' AND s.state <> 'cancelled' AND s.created_at >= p.created_at))
		ORDER BY v.created_at, v.id`, incidentID)
	if err != nil {
		return nil, fmt.Errorf("looking for paged devices: %w", err)
	}
	return collect(found, scanDevice)
}
