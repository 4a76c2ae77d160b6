package models

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/push"
)

// PushApps gives the store of the push apps that admins set up.
func (db *DB) PushApps() PushApps { return PushApps{db} }

// PushApps keeps push apps; their credentials come sealed and stay sealed.
type PushApps struct{ db *DB }

// PushApp is a row of push_apps.
type PushApp struct {
	Provider  string `gorm:"primaryKey"`
	Name      string `gorm:"primaryKey"`
	Settings  document[push.AppSettings]
	Sealed    []byte
	CreatedAt stamp `gorm:"autoCreateTime:false"`
	UpdatedAt stamp `gorm:"autoUpdateTime:false"`
	UpdatedBy string
}

func pushAppRow(a push.App) PushApp {
	return PushApp{
		Provider: string(a.Provider), Name: clean(a.Name), Settings: document[push.AppSettings]{a.Settings}, Sealed: presentBytes(a.Sealed),
		CreatedAt: at(a.CreatedAt), UpdatedAt: at(a.UpdatedAt), UpdatedBy: a.UpdatedBy,
	}
}

func (r PushApp) noun() push.App {
	return push.App{
		Provider: push.Provider(r.Provider), Name: r.Name, Settings: r.Settings.Of, Sealed: r.Sealed,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time, UpdatedBy: r.UpdatedBy,
	}
}

// All gives every app, by provider and name.
func (p PushApps) All(ctx context.Context) ([]push.App, error) {
	rows, err := find[PushApp](ctx, p.db.reader(), "ORDER BY provider, name")
	if err != nil {
		return nil, fmt.Errorf("reading the push apps: %w", err)
	}
	return nouns[PushApp, push.App](rows), nil
}

// Add stores a new app; push.AppExists when the name is taken.
func (p PushApps) Add(ctx context.Context, a push.App) error {
	return p.db.Write(ctx, "push apps", func(tx *Tx) error {
		row := pushAppRow(a)
		added, err := insertNew(tx, &row)
		if err == nil && !added {
			err = push.AppExists(a.Provider, a.Name)
		}
		if err != nil {
			return err
		}
		return tx.bumpCatalog()
	})
}

// Change replaces an app by what change makes of it, which may be asked twice.
// The app as stored comes back; push.NoSuchApp when there is none.
func (p PushApps) Change(ctx context.Context, of push.Provider, name string, change func(old push.App) (push.App, error)) (stored push.App, err error) {
	err = p.db.Write(ctx, "push apps", func(tx *Tx) error {
		old, err := one[PushApp](tx.ctx, tx, push.NoSuchApp(of, name), "WHERE provider = ? AND name = ?"+tx.forUpdate(), string(of), name)
		if err != nil {
			return err
		}
		now, err := change(old.noun())
		if err != nil {
			return err
		}
		row := pushAppRow(now)
		if err := upsert(tx, []PushApp{row}); err != nil {
			return err
		}
		stored = row.noun()
		return tx.bumpCatalog()
	})
	return stored, err
}

// Remove takes an app out. While devices are registered for it that is
// refused (push.AppInUse) unless forced; the devices stay in any case.
func (p PushApps) Remove(ctx context.Context, provider push.Provider, name string, force bool) error {
	return p.db.Write(ctx, "push apps", func(tx *Tx) error {
		if _, err := one[PushApp](tx.ctx, tx, push.NoSuchApp(provider, name), "WHERE provider = ? AND name = ?"+tx.forUpdate(), string(provider), name); err != nil {
			return err
		}
		var devices int64
		if err := tx.row(`SELECT COUNT(*) FROM devices WHERE provider = ? AND app = ? AND removed_at IS NULL`, string(provider), name).Scan(&devices); err != nil {
			return fmt.Errorf("counting an app's devices: %w", err)
		}
		if devices > 0 && !force {
			return push.AppInUse(provider, name, devices)
		}
		if _, err := tx.exec(`DELETE FROM push_apps WHERE provider = ? AND name = ?`, string(provider), name); err != nil {
			return fmt.Errorf("removing a push app: %w", err)
		}
		return tx.bumpCatalog()
	})
}

// Hasten makes the app's pages that wait for a better time due now, because
// somebody has mended what kept them: nobody must sleep on until the next try.
func (p PushApps) Hasten(ctx context.Context, provider push.Provider, name string, now time.Time) error {
	_, err := p.db.claim(ctx, `UPDATE deliveries SET due_at = ?, claimable_at = ?
		WHERE kind = 'page' AND claimable_at > ? AND lease_until IS NULL
		AND device_id IN (SELECT id FROM devices WHERE provider = ? AND app = ? AND removed_at IS NULL) RETURNING id`,
		at(now), at(now), at(now), string(provider), name)
	if err != nil {
		return fmt.Errorf("making an app's pages due: %w", err)
	}
	return nil
}
