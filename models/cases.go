package models

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

// incidentColumns are what incidentFields holds, in its order.
const incidentColumns = `id, number, service_id, service_name, integration_id, dedup_key, title, severity, urgency, status,
	revision, assignees, acknowledged_by, resolved_by, created_at, updated_at, acknowledged_at, resolved_at,
	escalate_at, ack_timeout_at, snooze_ends_at, auto_resolve_at, ack_timeout, auto_resolve`

// caseColumns are what scanCase reads.
const caseColumns = incidentColumns + `, plan, level, loop, exhausted, next_rung_at`

// Case loads and locks; fault.NotFound if there is none.
func (tx *Tx) Case(incidentID string) (respond.Case, error) {
	c, err := scanCase(tx.row(`SELECT `+caseColumns+` FROM incidents WHERE id = ?`+tx.forUpdate(), incidentID))
	if errors.Is(err, sql.ErrNoRows) {
		return c, noIncident(incidentID)
	}
	if err != nil {
		return c, fmt.Errorf("loading an incident: %w", err)
	}
	if !c.Incident.Open() && tx.keys.pointTo(incidentID) {
		// Between our look at the dedup key and this lock another node has
		// resolved the incident and freed the key: look again.
		return c, fmt.Errorf("loading an incident: %w", errRetry)
	}
	return c, nil
}

func noIncident(incidentID string) error {
	return fault.New(fault.NotFound, "not_found", "there is no incident %s; it may have been removed, or the id is from elsewhere", incidentID)
}

// Open inserts a new case and gives its incident the next Number.
func (tx *Tx) Open(c *respond.Case) error {
	number, err := tx.nextNumber()
	if err != nil {
		return err
	}
	c.Incident.Number = number
	i, due := c.Incident, dueAt(*c)
	tx.pending.dirty = true
	tx.pending.incidents.add(
		i.ID, i.Number, i.ServiceID, clean(i.ServiceName), i.IntegrationID, clean(i.DedupKey), clean(i.Title),
		string(i.Severity), string(i.Urgency), string(i.Status), i.Revision, toJSON(present(i.Assignees)),
		actorOrNull(i.AcknowledgedBy), actorOrNull(i.ResolvedBy), at(i.CreatedAt), at(i.UpdatedAt),
		at(i.AcknowledgedAt), at(i.ResolvedAt), at(i.Timers.EscalateAt), at(i.Timers.AckTimeoutAt),
		at(i.Timers.SnoozeEndsAt), at(i.Timers.AutoResolveAt), int64(i.AckTimeout), int64(i.AutoResolve),
		toJSON(c.Plan), c.Position.Level, c.Position.Loop, c.Position.Exhausted, at(c.NextRungAt), due, due)
	return nil
}

// Save writes what may change in a case. It also gives back a lease on the
// incident: whoever holds it finds that nothing is due any more.
func (tx *Tx) Save(c respond.Case) error {
	i, due := c.Incident, dueAt(c)
	n, err := tx.exec(`UPDATE incidents SET title = ?, severity = ?, urgency = ?, status = ?, revision = ?, assignees = ?,
			acknowledged_by = ?, resolved_by = ?, updated_at = ?, acknowledged_at = ?, resolved_at = ?,
			escalate_at = ?, ack_timeout_at = ?, snooze_ends_at = ?, auto_resolve_at = ?,
			ack_timeout = ?, auto_resolve = ?, plan = ?, level = ?, loop = ?, exhausted = ?, next_rung_at = ?,
			due_at = ?, claimable_at = ?, lease_node = '' WHERE id = ?`,
		clean(i.Title), string(i.Severity), string(i.Urgency), string(i.Status), i.Revision, toJSON(present(i.Assignees)),
		actorOrNull(i.AcknowledgedBy), actorOrNull(i.ResolvedBy), at(i.UpdatedAt), at(i.AcknowledgedAt), at(i.ResolvedAt),
		at(i.Timers.EscalateAt), at(i.Timers.AckTimeoutAt), at(i.Timers.SnoozeEndsAt), at(i.Timers.AutoResolveAt),
		int64(i.AckTimeout), int64(i.AutoResolve), toJSON(c.Plan), c.Position.Level, c.Position.Loop, c.Position.Exhausted,
		at(c.NextRungAt), due, due, i.ID)
	if err != nil {
		return fmt.Errorf("saving an incident: %w", err)
	}
	if n == 0 {
		return noIncident(i.ID)
	}
	return nil
}

func dueAt(c respond.Case) stamp {
	due, _ := c.DueAt()
	return at(due)
}

// present writes an empty list as [] and not as null.
func present(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func actorOrNull(a incident.Actor) any {
	if a == (incident.Actor{}) {
		return nil
	}
	return clean(toJSON(a))
}

// incidentFields are where incidentColumns go.
func incidentFields(i *incident.Incident) []any {
	return []any{
		&i.ID, &i.Number, &i.ServiceID, &i.ServiceName, &i.IntegrationID, &i.DedupKey, &i.Title,
		&i.Severity, &i.Urgency, &i.Status, &i.Revision, jsonInto{&i.Assignees},
		jsonInto{&i.AcknowledgedBy}, jsonInto{&i.ResolvedBy}, into(&i.CreatedAt), into(&i.UpdatedAt),
		into(&i.AcknowledgedAt), into(&i.ResolvedAt), into(&i.Timers.EscalateAt), into(&i.Timers.AckTimeoutAt),
		into(&i.Timers.SnoozeEndsAt), into(&i.Timers.AutoResolveAt), &i.AckTimeout, &i.AutoResolve,
	}
}

func scanCase(r scanner) (c respond.Case, err error) {
	plan := []any{jsonInto{&c.Plan}, &c.Position.Level, &c.Position.Loop, &c.Position.Exhausted, into(&c.NextRungAt)}
	err = r.Scan(append(incidentFields(&c.Incident), plan...)...)
	return c, err
}

// numbers are the incident numbers a PostgreSQL writer has drawn. Those used by
// a transaction go back when it fails.
type numbers struct {
	free []int64
	used []int64 // by the transaction under way
}

func (n *numbers) keep()     { n.used = n.used[:0] }
func (n *numbers) giveBack() { n.free, n.used = append(n.used, n.free...), nil }

// nextNumber draws an incident number. On SQLite it is a row of the same
// transaction. On PostgreSQL a row would stay locked from the first new
// incident of a batch to its commit, against all other writers, so a sequence
// gives them; those a rolled-back transaction has drawn are used by the next.
func (tx *Tx) nextNumber() (int64, error) {
	if tx.db.engine == sqlite {
		var n int64
		err := tx.hotRow(`UPDATE streams SET seq = seq + 1 WHERE name = 'incident' RETURNING seq`).Scan(&n)
		if err != nil {
			return 0, fmt.Errorf("drawing an incident number: %w", err)
		}
		return n, nil
	}
	if len(tx.numbers.free) == 0 {
		if err := tx.drawNumbers(); err != nil {
			return 0, err
		}
	}
	n := tx.numbers.free[0]
	tx.numbers.free, tx.numbers.used = tx.numbers.free[1:], append(tx.numbers.used, n)
	return n, nil
}

// drawNumbers draws one number, or as many as the batch is likely to need, then
// twice as many each time: a flood costs few round trips, and a lone incident
// gets the next number.
func (tx *Tx) drawNumbers() error {
	n := min(max(1, tx.free, len(tx.numbers.used)), tx.left)
	found, err := tx.hotQuery(`SELECT nextval('incident_number') FROM generate_series(1, ?)`, n)
	if err != nil {
		return fmt.Errorf("drawing incident numbers: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var number int64
		if err := found.Scan(&number); err != nil {
			return fmt.Errorf("drawing incident numbers: %w", err)
		}
		tx.numbers.free = append(tx.numbers.free, number)
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("drawing incident numbers: %w", err)
	}
	return nil
}
