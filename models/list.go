package models

import (
	"context"
	"fmt"
	"strings"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/respond"
)

// maxPage bounds one page of anything.
const maxPage = 500

// Incidents gives the readers of incidents.
func (db *DB) Incidents() Lists { return Lists{db} }

// Lists reads incidents for the API. api names the interface; this room may not
// look up at it.
type Lists struct{ db *DB }

// ListIncidents serves api.Incidents. The head is read first: what is
// committed between the two reads is on the page, or after the head, or both,
// but never in neither.
func (l Lists) ListIncidents(ctx context.Context, f respond.IncidentFilter) (items []incident.Incident, more bool, head realtime.Head, err error) {
	limit := bounded(f.Limit)
	err = l.db.snapshot(ctx, func(q queryer) error {
		if head, err = timelineHead(ctx, q); err != nil {
			return err
		}
		where, args := l.db.engine.incidentConditions(f)
		found, err := q.QueryContext(ctx, `SELECT `+incidentColumns+` FROM incidents`+where+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(args, limit+1)...)
		if err != nil {
			return readFailure(err)
		}
		items, err = collect(found, plainIncident)
		return err
	})
	if err != nil {
		return nil, false, realtime.Head{}, fmt.Errorf("listing incidents: %w", err)
	}
	if more = len(items) > limit; more {
		items = items[:limit]
	}
	return items, more, head, nil
}

func plainIncident(r scanner) (i incident.Incident, err error) {
	err = r.Scan(incidentFields(&i)...)
	return i, err
}

// bounded gives the page size asked for, or the largest one.
func bounded(limit int) int {
	if limit <= 0 || limit > maxPage {
		return maxPage
	}
	return limit
}

// conditions gathers the parts of a WHERE.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) and(part string, args ...any) {
	c.parts, c.args = append(c.parts, part), append(c.args, args...)
}

// among adds "column is one of these"; no values do not narrow.
func among[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = clean(string(v))
	}
	c.and(column+` IN (?`+strings.Repeat(`, ?`, len(values)-1)+`)`, args...)
}

func (e engine) incidentConditions(f respond.IncidentFilter) (where string, args []any) {
	var c conditions
	among(&c, "status", f.Statuses)
	among(&c, "urgency", f.Urgencies)
	among(&c, "service_id", f.ServiceIDs)
	if f.AssigneeID != "" {
		c.and(e.assigned(), clean(f.AssigneeID))
	}
	if !f.Since.IsZero() {
		c.and(`created_at >= ?`, at(f.Since))
	}
	if !f.Until.IsZero() {
		c.and(`created_at < ?`, at(f.Until))
	}
	if !f.AfterAt.IsZero() {
		c.and(`(created_at, id) < (?, ?)`, at(f.AfterAt), clean(f.AfterID))
	}
	if len(c.parts) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(c.parts, ` AND `), c.args
}

// assigned asks whether somebody is among the assignees, a JSON list.
func (e engine) assigned() string {
	if e == postgres {
		return `EXISTS (SELECT 1 FROM json_array_elements_text(assignees) AS a(id) WHERE a.id = ?)`
	}
	return `EXISTS (SELECT 1 FROM json_each(assignees) AS a WHERE a.value = ?)`
}

// Incident serves api.Incidents.
func (l Lists) Incident(ctx context.Context, id string) (incident.Incident, error) {
	found, err := l.db.query(ctx, `SELECT `+incidentColumns+` FROM incidents WHERE id = ?`, clean(id))
	if err != nil {
		return incident.Incident{}, fmt.Errorf("reading an incident: %w", readFailure(err))
	}
	items, err := collect(found, plainIncident)
	if err != nil {
		return incident.Incident{}, fmt.Errorf("reading an incident: %w", err)
	}
	if len(items) == 0 {
		return incident.Incident{}, noIncident(id)
	}
	return items[0], nil
}

// Alerts serves api.Incidents, oldest first.
func (l Lists) Alerts(ctx context.Context, incidentID string, limit int) ([]respond.Alert, error) {
	found, err := l.db.query(ctx, `SELECT `+alertColumns+` FROM alerts WHERE incident_id = ? ORDER BY first_at, id LIMIT ?`, clean(incidentID), bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("reading alerts: %w", readFailure(err))
	}
	return collect(found, scanAlert)
}

// Timeline serves api.Incidents.
func (l Lists) Timeline(ctx context.Context, incidentID string, after int64, limit int) ([]incident.Entry, error) {
	found, err := l.db.query(ctx, `SELECT `+entryColumns+` FROM timeline WHERE incident_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
		clean(incidentID), after, bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("reading a timeline: %w", readFailure(err))
	}
	return collect(found, scanEntry)
}
