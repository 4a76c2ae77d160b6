package models

import (
	"context"
	"slices"

	"github.com/nightbell/nightbell/oncall"
)

// Rules serves api.Contacts: a person's ladder, in its order.
func (c Contacts) Rules(ctx context.Context, userID string) ([]oncall.Rule, error) {
	rows, err := find[Rule](ctx, c.db.reader(), "WHERE user_id = ? ORDER BY position", userID)
	return nouns[Rule, oncall.Rule](rows), err
}

// ReplaceRules serves api.Contacts. Rules that say the same as before keep
// their ids, because open notifications name them.
func (c Contacts) ReplaceRules(ctx context.Context, userID string, rules []oncall.Rule) (stored []oncall.Rule, err error) {
	err = c.db.Write(ctx, "user "+userID, func(tx *Tx) error {
		if err := tx.lockUser(userID); err != nil {
			return err
		}
		rows, err := find[Rule](tx.ctx, tx, "WHERE user_id = ? ORDER BY position", userID)
		if err != nil {
			return err
		}
		have := nouns[Rule, oncall.Rule](rows)
		stored = slices.Clone(rules)
		for i := range stored {
			known := slices.IndexFunc(have, func(h oncall.Rule) bool {
				same := stored[i]
				same.ID = h.ID
				return h == same
			})
			if known >= 0 {
				stored[i].ID = have[known].ID
				have = slices.Delete(have, known, known+1)
			}
		}
		if err := tx.replaceRules(map[string][]oncall.Rule{userID: stored}); err != nil {
			return err
		}
		return tx.bumpCatalog()
	})
	return stored, err
}
