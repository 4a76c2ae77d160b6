package models

import (
	"context"

	"github.com/nightbell/nightbell/push"
)

// Keep stores an app unless there is one of its name, and gives what is in the
// table: of nodes that make the same app at the same time one succeeds, and
// all have that one's.
func (p PushApps) Keep(ctx context.Context, a push.App) (kept push.App, err error) {
	err = p.db.Write(ctx, "push apps", func(tx *Tx) error {
		row := pushAppRow(a)
		if _, err := insertNew(tx, &row); err != nil {
			return err
		}
		row, err := one[PushApp](tx.ctx, tx, push.NoSuchApp(a.Provider, a.Name), "WHERE provider = ? AND name = ?", row.Provider, row.Name)
		kept = row.noun()
		return err
	})
	return kept, err
}
