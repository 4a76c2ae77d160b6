package models

import (
	"context"
	"fmt"
)

// maxAssignments bounds what one look at the open incidents brings.
const maxAssignments = 100_000

// OpenAssignments hands over each open incident with its revision and its
// assignees, the newest first, at most maxAssignments.
func (db *DB) OpenAssignments(ctx context.Context, each func(incidentID string, revision int64, assignees []string)) error {
	found, err := db.query(ctx, `SELECT id, revision, assignees FROM incidents WHERE status <> 'resolved' ORDER BY id DESC LIMIT ?`, maxAssignments)
	if err != nil {
		return fmt.Errorf("looking for open incidents: %w", readFailure(err))
	}
	type assignment struct {
		id       string
		revision int64
		users    []string
	}
	list, err := collect(found, func(r scanner) (a assignment, err error) {
		err = r.Scan(&a.id, &a.revision, jsonInto{&a.users})
		return a, err
	})
	for _, a := range list {
		each(a.id, a.revision, a.users)
	}
	return err
}
