package models

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// Deliveries gives the store of the push pipeline.
func (db *DB) Deliveries() push.Store { return deliveries{db} }

type deliveries struct{ db *DB }

// leaseDelivery is what a claim sets. A delivery whose former lease ran out was
// held by a node that never said what became of it: it may have reached the
// phone, and is remembered as held.
const leaseDelivery = "held = held OR lease_until IS NOT NULL, lease_until = ?, lease_node = ?, claimable_at = ?"

// nextDelivery asks kind by kind, as the index is ordered.
var nextDelivery = func() string {
	firsts := []string{"SELECT MIN(claimable_at) AS first FROM deliveries WHERE kind = 'page' AND claimable_at IS NOT NULL"}
	for _, kind := range quietKinds {
		firsts = append(firsts, "SELECT MIN(claimable_at) FROM deliveries WHERE kind = '"+string(kind)+"' AND claimable_at IS NOT NULL")
	}
	return "SELECT MIN(first) FROM (" + strings.Join(firsts, " UNION ALL ") + ") AS firsts"
}()

// quietKinds are all but pages.
var quietKinds = []push.Kind{push.Update, push.Settle, push.Activity, push.Digest, push.Test, push.Notice, push.Probe}

// quietKind matches them.
var quietKind = func() string {
	names := make([]string, len(quietKinds))
	for i, k := range quietKinds {
		names[i] = "'" + string(k) + "'"
	}
	return "kind IN (" + strings.Join(names, ", ") + ")"
}()

// Claim implements push.Store. What was leased and cannot be handed on is
// given back, or it would wait for its lease with nobody to send it.
func (d deliveries) Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]push.Job, error) {
	ids, err := d.lease(ctx, now, n, leaseUntil)
	if len(ids) == 0 {
		return nil, err
	}
	var jobs []push.Job
	if err == nil {
		jobs, err = d.jobs(ctx, ids)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWait)
		defer cancel()
		return nil, errors.Join(err, d.Release(ctx, ids))
	}
	return jobs, nil
}

// giveBackWait bounds giving back what was claimed in vain.
const giveBackWait = 5 * time.Second

// lease takes what is due, pages first: a heap of settles that are overdue
// must not stand before one that rings (I11). With an error come the ids that
// were leased before it.
func (d deliveries) lease(ctx context.Context, now time.Time, n int, leaseUntil time.Time) (ids []string, err error) {
	for _, kinds := range []string{"kind = 'page'", quietKind} {
		if len(ids) == n {
			break
		}
		text := d.db.engine.claimText("deliveries", leaseDelivery, kinds+" AND claimable_at <= ?")
		more, err := d.db.claim(ctx, text, at(now), n-len(ids), at(leaseUntil), d.db.cfg.Node, at(leaseUntil))
		if err != nil {
			return ids, fmt.Errorf("claiming deliveries: %w", err)
		}
		ids = append(ids, more...)
	}
	return ids, nil
}

// jobs loads claimed deliveries with their device and what there is to say.
func (d deliveries) jobs(ctx context.Context, ids []string) ([]push.Job, error) {
	among, arg := d.db.engine.anyOf(ids)
	found, err := d.db.query(ctx, `SELECT `+of("d", deliveryColumns)+`, `+of("v", deviceColumns)+`, `+of("i", incidentColumns)+`, d.held
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
		alone, err := d.alone(ctx, among, arg)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, alone...)
	}
	if len(jobs) < len(ids) {
		d.db.cfg.Log.Error("deliveries without device or incident are waiting for nothing", "claimed", len(ids), "found", len(jobs))
	}
	people := d.db.Catalog().People
	for i := range jobs {
		person := people[jobs[i].Delivery.UserID]
		jobs[i].Content.TimeZone, jobs[i].Content.Locale = person.TimeZone, person.Locale
	}
	return jobs, d.activityTokens(ctx, jobs)
}

// alone loads the deliveries that are about no incident.
func (d deliveries) alone(ctx context.Context, among string, arg any) ([]push.Job, error) {
	found, err := d.db.query(ctx, `SELECT `+of("d", deliveryColumns)+`, `+of("v", deviceColumns)+`, d.held
		FROM deliveries d JOIN devices v ON v.id = d.device_id WHERE d.id`+among+` AND d.incident_id = '' ORDER BY d.due_at, d.id`, arg)
	if err != nil {
		return nil, fmt.Errorf("loading claimed deliveries: %w", readFailure(err))
	}
	jobs, err := collect(found, func(r scanner) (j push.Job, err error) {
		err = r.Scan(slices.Concat(deliveryFields(&j.Delivery), deviceFields(&j.Device), []any{&j.Held})...)
		return j, err
	})
	if err != nil {
		return nil, err
	}
	return jobs, d.tellAnew(ctx, jobs)
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
	err := r.Scan(slices.Concat(deliveryFields(&j.Delivery), deviceFields(&j.Device), incidentFields(&i), []any{&j.Held})...)
	j.Content = contentOf(i, j.Delivery)
	return j, err
}

// contentOf says the incident as it is now, which may be after the delivery
// was made.
func contentOf(i incident.Incident, d push.Delivery) push.Content {
	c := push.Content{
		Number: i.Number, Revision: i.Revision, Title: i.Title, ServiceName: i.ServiceName,
		Severity: i.Severity, Urgency: i.Urgency, Status: i.Status, ChangedAt: i.UpdatedAt,
		Theirs: i.Open() && slices.Contains(i.Assignees, d.UserID),
	}
	c.StaleAt, _ = i.Timers.Next()
	switch i.Status {
	case incident.Triggered:
		// A settle that comes late, after the incident rings again, is for those
		// whom it no longer concerns; the others have a new page.
		c.Reassigned = d.Kind == push.Settle && !slices.Contains(i.Assignees, d.UserID)
	case incident.Acknowledged:
		c.By, c.ChangedAt = i.AcknowledgedBy.Name, i.AcknowledgedAt
	case incident.Resolved:
		c.By, c.ChangedAt = i.ResolvedBy.Name, i.ResolvedAt
	}
	if d.Kind == push.Activity {
		c.ChangedAt = i.UpdatedAt // its timestamp: iOS shows the newest, whatever the order they come in
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

// PagedDevices gives, once each, the devices that got a page of the incident
// or may have. A lease that is still noted on
// a cancelled delivery means that a node held it: it may be in the air. An
// e-mail counts only once it was accepted: who got none wants no follow-up.
func (tx *Tx) PagedDevices(incidentID string) ([]push.Device, error) {
	found, err := tx.query(`SELECT `+of("v", deviceColumns)+` FROM devices v
		WHERE v.removed_at IS NULL AND v.id IN (SELECT p.device_id FROM deliveries p
			WHERE p.incident_id = ? AND p.kind = 'page'
				AND (p.state = 'accepted' OR v.provider <> 'email' AND (p.attempt > 0 OR p.held OR p.lease_until IS NOT NULL)))
		ORDER BY v.created_at, v.id`, incidentID)
	if err != nil {
		return nil, fmt.Errorf("looking for paged devices: %w", err)
	}
	return collect(found, scanDevice)
}
