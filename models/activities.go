package models

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

const activityColumns = `device_id, incident_id, token, started_at, updated_at, ended_at`

// saveActivity replaces what a row says; when it began does not change.
const saveActivity = ` ON CONFLICT (device_id, incident_id) DO UPDATE SET
	token = excluded.token, updated_at = excluded.updated_at, ended_at = excluded.ended_at`

// Activities implements respond.Paging.
func (tx *Tx) Activities(incidentID string) ([]respond.Activity, error) {
	found, err := tx.query(`SELECT `+activityColumns+` FROM activities WHERE incident_id = ? ORDER BY device_id`, incidentID)
	if err != nil {
		return nil, fmt.Errorf("looking for Live Activities: %w", err)
	}
	return collect(found, func(r scanner) (a respond.Activity, err error) {
		err = r.Scan(&a.DeviceID, &a.IncidentID, &a.Token, into(&a.StartedAt), into(&a.UpdatedAt), into(&a.EndedAt))
		return a, err
	})
}

// SaveActivities implements respond.Paging. Each is of another device or
// incident.
func (tx *Tx) SaveActivities(list []respond.Activity) error {
	for _, a := range list {
		tx.pending.activities.add(a.DeviceID, a.IncidentID, clean(a.Token), at(a.StartedAt), at(a.UpdatedAt), at(a.EndedAt))
		tx.pending.dirty = true
	}
	return nil
}

// endActivity notes that an activity is gone from its phone, unless its app
// has told another token since the one that was tried.
func (tx *Tx) endActivity(o push.Outcome) error {
	_, err := tx.exec(`UPDATE activities SET ended_at = ? WHERE device_id = ? AND incident_id = ? AND token = ? AND ended_at IS NULL`,
		at(o.DoneAt), o.Job.Delivery.DeviceID, o.Job.Delivery.IncidentID, o.Job.ActivityToken)
	if err != nil {
		return fmt.Errorf("ending a Live Activity: %w", err)
	}
	return nil
}

// activityTokens fills in where the deliveries to Live Activities go.
func (d deliveries) activityTokens(ctx context.Context, jobs []push.Job) error {
	var ids []string
	for _, j := range jobs {
		if j.Delivery.Kind == push.Activity {
			ids = append(ids, j.Delivery.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	among, arg := d.db.engine.anyOf(ids)
	found, err := d.db.query(ctx, `SELECT d.id, a.token FROM deliveries d
		JOIN activities a ON a.device_id = d.device_id AND a.incident_id = d.incident_id WHERE d.id`+among, arg)
	if err != nil {
		return fmt.Errorf("looking for the tokens of Live Activities: %w", readFailure(err))
	}
	tokens := map[string]string{}
	_, err = collect(found, func(r scanner) (struct{}, error) {
		var id, token string
		err := r.Scan(&id, &token)
		tokens[id] = token
		return struct{}{}, err
	})
	for i := range jobs {
		jobs[i].ActivityToken = tokens[jobs[i].Delivery.ID]
	}
	return err
}
