package models

import (
	"fmt"

	"github.com/nightbell/nightbell/respond"
)

// findAll looks up the dedup keys of all events of a batch in one query, for
// FindOpen to find: on PostgreSQL each would cost a round trip. It takes no
// locks and may be outdated when it is used, as any look of FindOpen may be;
// who acts on it notices (see AddAlert, CountAlert and Case) and all of the
// batch is run again. SQLite has no round trips to save.
func (tx *Tx) findAll(batch []*request) error {
	if tx.db.engine == sqlite || len(batch) < 2 {
		return nil
	}
	var integrations, keys []string
	for _, r := range batch {
		integrationID, key, ok := respond.ParseEventKey(r.key)
		d := dedup{integrationID, clean(key)}
		if _, known := tx.keys.known[d]; known || !ok {
			continue
		}
		tx.keys.note(d, respond.OpenAlert{}) // free, unless it is found below
		integrations, keys = append(integrations, d.integrationID), append(keys, d.key)
	}
	if len(keys) < 2 { // FindOpen does as well
		clear(tx.keys.known)
		return nil
	}
	return tx.noteOpen(integrations, keys)
}

// noteOpen notes those of the keys that point at something, and how many do not.
// LIMIT holds the planner to one look into the index for each key: a plan made
// while the table was small would go on reading all of it.
func (tx *Tx) noteOpen(integrations, keys []string) error {
	found, err := tx.hotQuery(`SELECT k.* FROM unnest(?::text[], ?::text[]) AS wanted (integration_id, dedup_key), LATERAL (
		SELECT integration_id, dedup_key, alert_id, incident_id, fingerprint FROM open_keys o
		WHERE o.integration_id = wanted.integration_id AND o.dedup_key = wanted.dedup_key LIMIT 1) k`, integrations, keys)
	if err != nil {
		return fmt.Errorf("looking up dedup keys: %w", err)
	}
	defer found.Close()
	tx.free = len(keys)
	for found.Next() {
		var d dedup
		var a respond.OpenAlert
		if err := found.Scan(&d.integrationID, &d.key, &a.AlertID, &a.IncidentID, &a.Fingerprint); err != nil {
			return fmt.Errorf("looking up dedup keys: %w", err)
		}
		tx.keys.note(d, a)
		tx.free--
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("looking up dedup keys: %w", err)
	}
	return nil
}
