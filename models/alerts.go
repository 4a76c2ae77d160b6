package models

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/respond"
)

// alertColumns are what scanAlert reads, in its order.
const alertColumns = `id, incident_id, service_id, integration_id, dedup_key, fingerprint, severity, summary, source,
	payload, count, first_at, last_at, resolved_at`

// dedup is an integration's key for one thing that is wrong.
type dedup struct{ integrationID, key string }

// openKeys remembers within a batch what dedup keys point at, so that a storm
// of one key asks the database once.
type openKeys struct {
	known map[dedup]respond.OpenAlert // an empty IncidentID means free
}

func (o *openKeys) note(d dedup, a respond.OpenAlert) {
	if o.known == nil {
		o.known = map[dedup]respond.OpenAlert{}
	}
	o.known[d] = a
}

// pointTo reports whether a key is believed to point to the incident.
func (o *openKeys) pointTo(incidentID string) bool {
	for _, a := range o.known {
		if a.IncidentID == incidentID {
			return true
		}
	}
	return false
}

// forget drops what is known of the incident's keys.
func (o *openKeys) forget(incidentID string) {
	for d, a := range o.known {
		if a.IncidentID == incidentID {
			delete(o.known, d)
		}
	}
}

// FindOpen tells what the key points at, ok false if it is free.
func (tx *Tx) FindOpen(integrationID, dedupKey string) (a respond.OpenAlert, ok bool, err error) {
	d := dedup{integrationID, clean(dedupKey)}
	if a, known := tx.keys.known[d]; known {
		return a, a.IncidentID != "", nil
	}
	err = tx.hotRow(`SELECT alert_id, incident_id, fingerprint FROM open_keys WHERE integration_id = ? AND dedup_key = ?`,
		d.integrationID, d.key).Scan(&a.AlertID, &a.IncidentID, &a.Fingerprint)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return a, false, fmt.Errorf("looking up a dedup key: %w", err)
	}
	tx.keys.note(d, a)
	return a, err == nil, nil
}

// AddAlert inserts a, and points its dedup key at it. When the key was free
// and another node takes it first, the transaction is run again.
func (tx *Tx) AddAlert(a respond.Alert) error {
	d := dedup{a.IntegrationID, clean(a.DedupKey)}
	_, found, err := tx.FindOpen(d.integrationID, d.key)
	if err != nil {
		return err
	}
	tx.pending.dirty = true
	tx.pending.alerts.add(a.ID, a.IncidentID, a.ServiceID, a.IntegrationID, d.key, a.Fingerprint, string(a.Severity),
		clean(a.Summary), clean(a.Source), presentBytes(a.Payload), a.Count, at(a.FirstAt), at(a.LastAt), at(a.ResolvedAt))
	tx.keys.note(d, respond.OpenAlert{AlertID: a.ID, IncidentID: a.IncidentID, Fingerprint: a.Fingerprint})
	if found {
		return tx.repoint(d, a)
	}
	tx.pending.keys.add(d.integrationID, d.key, a.IncidentID, a.ID, a.Fingerprint)
	return nil
}

// repoint moves a taken key to its newest alert, unless it was freed meanwhile.
func (tx *Tx) repoint(d dedup, a respond.Alert) error {
	n, err := tx.exec(`UPDATE open_keys SET incident_id = ?, alert_id = ?, fingerprint = ? WHERE integration_id = ? AND dedup_key = ?`,
		a.IncidentID, a.ID, a.Fingerprint, d.integrationID, d.key)
	if err != nil {
		return fmt.Errorf("pointing a dedup key: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("pointing a dedup key: %w", errRetry)
	}
	return nil
}

// SeenAlert gives the open alert of this content under the key, if one came
// before, and how many different contents are open under it.
func (tx *Tx) SeenAlert(integrationID, dedupKey, fingerprint string) (alertID string, distinct int, err error) {
	open, found, err := tx.FindOpen(integrationID, dedupKey)
	if err != nil || !found {
		return "", 0, err
	}
	err = tx.row(`SELECT COALESCE(MAX(CASE WHEN fingerprint = ? THEN id END), ''), count(*) FROM alerts
		WHERE incident_id = ? AND integration_id = ? AND dedup_key = ? AND resolved_at IS NULL`,
		fingerprint, open.IncidentID, integrationID, clean(dedupKey)).Scan(&alertID, &distinct)
	if err != nil {
		return "", 0, fmt.Errorf("looking for an alert of the same content: %w", err)
	}
	return alertID, distinct, nil
}

// CountAlert notes one more identical event.
func (tx *Tx) CountAlert(alertID string, when time.Time) error {
	if tx.pending.counts == nil {
		tx.pending.counts = map[string]tally{}
	}
	c := tx.pending.counts[alertID]
	c.n++
	if when.After(c.last) {
		c.last = when
	}
	tx.pending.counts[alertID], tx.pending.dirty = c, true
	return nil
}

// CloseAlerts resolves all open alerts of the incident and frees their keys.
func (tx *Tx) CloseAlerts(incidentID string, when time.Time) error {
	tx.keys.forget(incidentID)
	_, err := tx.exec(`UPDATE alerts SET resolved_at = ? WHERE incident_id = ? AND resolved_at IS NULL`, at(when), incidentID)
	if err != nil {
		return fmt.Errorf("resolving alerts: %w", err)
	}
	if _, err = tx.exec(`DELETE FROM open_keys WHERE incident_id = ?`, incidentID); err != nil {
		return fmt.Errorf("freeing dedup keys: %w", err)
	}
	return nil
}

// CloseKey resolves the alerts under one key and frees it; left is how many
// keys of the incident are still open. The incident's row is locked first, in
// the order of every other change, so that two nodes closing its last two keys
// see each other.
func (tx *Tx) CloseKey(integrationID, dedupKey, incidentID string, when time.Time) (left int, err error) {
	key := clean(dedupKey)
	var id string
	if err := tx.row(`SELECT id FROM incidents WHERE id = ?`+tx.forUpdate(), incidentID).Scan(&id); err != nil {
		return 0, fmt.Errorf("locking an incident: %w", err)
	}
	tx.keys.forget(incidentID)
	if _, err := tx.exec(`UPDATE alerts SET resolved_at = ? WHERE incident_id = ? AND integration_id = ? AND dedup_key = ? AND resolved_at IS NULL`,
		at(when), incidentID, integrationID, key); err != nil {
		return 0, fmt.Errorf("resolving alerts: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM open_keys WHERE integration_id = ? AND dedup_key = ? AND incident_id = ?`, integrationID, key, incidentID); err != nil {
		return 0, fmt.Errorf("freeing a dedup key: %w", err)
	}
	if err := tx.row(`SELECT count(*) FROM open_keys WHERE incident_id = ?`, incidentID).Scan(&left); err != nil {
		return 0, fmt.Errorf("counting open keys: %w", err)
	}
	return left, nil
}

func scanAlert(r scanner) (a respond.Alert, err error) {
	err = r.Scan(&a.ID, &a.IncidentID, &a.ServiceID, &a.IntegrationID, &a.DedupKey, &a.Fingerprint, &a.Severity, &a.Summary,
		&a.Source, &a.Payload, &a.Count, into(&a.FirstAt), into(&a.LastAt), into(&a.ResolvedAt))
	return a, err
}

// AddChange keeps a change event.
func (tx *Tx) AddChange(c respond.ChangeEvent) error {
	_, err := tx.hotExec(`INSERT INTO changes (id, service_id, integration_id, summary, source, at, payload, received_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, c.ID, c.ServiceID, c.IntegrationID, clean(c.Summary), clean(c.Source), at(c.At),
		presentBytes(c.Payload), at(c.ReceivedAt))
	if err != nil {
		return fmt.Errorf("keeping a change event: %w", err)
	}
	return nil
}

// presentBytes writes missing bytes as empty and not as NULL.
func presentBytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
