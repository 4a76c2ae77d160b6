package models

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/nightbell/nightbell/push"
)

// PushApp is a row of push_apps.
type PushApp struct {
	Provider  string `gorm:"primaryKey"`
	Name      string `gorm:"primaryKey"`
	Settings  document[json.RawMessage]
	Sealed    []byte
	CreatedAt stamp `gorm:"autoCreateTime:false"`
	UpdatedAt stamp `gorm:"autoUpdateTime:false"`
	UpdatedBy string
}

func pushAppRow(a push.KeptApp) PushApp {
	return PushApp{
		Provider: string(a.Provider), Name: clean(a.Name), Settings: document[json.RawMessage]{a.Settings}, Sealed: presentBytes(a.Sealed),
		CreatedAt: at(a.CreatedAt), UpdatedAt: at(a.UpdatedAt), UpdatedBy: clean(a.UpdatedBy),
	}
}

func (r PushApp) noun() push.KeptApp {
	return push.KeptApp{
		Provider: push.Provider(r.Provider), Name: r.Name, Settings: r.Settings.Of, Sealed: r.Sealed,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time, UpdatedBy: r.UpdatedBy,
	}
}

// errNoPushApp cannot happen: the row was inserted, or was there before.
var errNoPushApp = errors.New("a push app was kept and is not there")

// KeepPushApp stores an app unless there is one of its name, and gives what is
// in the table: of nodes that make the same app at the same time one succeeds,
// and all have that one's.
func (db *DB) KeepPushApp(ctx context.Context, a push.KeptApp) (kept push.KeptApp, err error) {
	err = db.Write(ctx, "push app "+a.Name, func(tx *Tx) error {
		row := pushAppRow(a)
		if _, err := insertNew(tx, &row); err != nil {
			return err
		}
		row, err := one[PushApp](tx.ctx, tx, errNoPushApp, "WHERE provider = ? AND name = ?", row.Provider, row.Name)
		kept = row.noun()
		return err
	})
	return kept, err
}

// PushApps gives the apps that live in the database, by provider and name.
func (db *DB) PushApps(ctx context.Context) ([]push.KeptApp, error) {
	rows, err := find[PushApp](ctx, db.reader(), "ORDER BY provider, name")
	return nouns[PushApp, push.KeptApp](rows), err
}
