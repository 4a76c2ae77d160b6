package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/models"
)

// openDatabase opens the database, with its schema as new as this binary:
// migrated, or refused where the configuration forbids migrating.
func (c Config) openDatabase(ctx context.Context, opt Options, m *meter.Meter, u *undo) (*models.DB, error) {
	db, err := c.connect(ctx, opt, m, u)
	if err != nil {
		return nil, err
	}
	if c.Migrate {
		err = db.Migrate(ctx)
	} else {
		err = upToDate(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// retention says how long models keeps what nobody needs any more.
func (c Config) retention() models.Retention {
	const day = 24 * time.Hour // a day more or less does not matter here
	return models.Retention{
		Timeline:   time.Duration(c.Retention.TimelineDays) * day,
		Deliveries: time.Duration(c.Retention.DeliveriesDays) * day,
		Changes:    time.Duration(c.Retention.TimelineDays) * day,
	}
}

// connect opens the database as it is.
func (c Config) connect(ctx context.Context, opt Options, m *meter.Meter, u *undo) (*models.DB, error) {
	if !c.Postgres() {
		u.addFreshFile(c.databaseURL())
	}
	return models.Open(ctx, models.Config{
		URL: c.databaseURL(), Node: c.nodeName(), MaxConns: c.DatabaseConnections, Writers: c.Writers,
		Now: opt.Now, Log: opt.Log, Meter: m,
	})
}

// upToDate refuses a schema that is not exactly the binary's.
func upToDate(ctx context.Context, db *models.DB) error {
	current, newest, err := db.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current > newest:
		return fault.New(fault.Conflict, "database_newer",
			"the database is at schema version %d, but this nightbell knows only up to version %d; start a newer nightbell, or restore the backup made before the upgrade", current, newest)
	case current < newest:
		return fault.New(fault.Conflict, "database_older",
			"the database is at schema version %d and this nightbell needs %d, but migrating is switched off; run `nightbell migrate`", current, newest)
	}
	_, err = db.Refresh(ctx)
	return err
}

// addFreshFile remembers to remove a SQLite file that was not there before.
func (u *undo) addFreshFile(path string) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	u.add(func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(path + suffix) // most are not there
		}
	})
}

// unmade reports whether there is no database yet: a SQLite file that the first
// start will make.
func (c Config) unmade() bool {
	_, err := os.Stat(c.databaseURL())
	return !c.Postgres() && errors.Is(err, fs.ErrNotExist)
}

// workshop is the database opened for one command, beside a node that may be
// running. Like serve it begins a new instance where there is none yet: adding
// the first user before the first start is natural.
type workshop struct {
	db   *models.DB
	undo undo
}

func openWorkshop(ctx context.Context, cfg Config, opt Options) (*workshop, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	w := &workshop{}
	if !cfg.Postgres() {
		if err := makeDir(cfg.DataDir, dataDir, &w.undo); err != nil {
			return nil, err
		}
	}
	db, err := cfg.openDatabase(ctx, opt, nil, &w.undo)
	if err != nil {
		w.undo.run()
		return nil, err
	}
	w.db = db
	return w, nil
}

func (w *workshop) close() error {
	if err := w.db.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// Migrate brings the schema up to date and says from where to where.
func Migrate(ctx context.Context, cfg Config, opt Options) (from, to int64, err error) {
	opt = opt.withDefaults()
	if err := cfg.Validate(); err != nil {
		return 0, 0, err
	}
	var u undo
	defer func() {
		if err != nil {
			u.run()
		}
	}()
	if !cfg.Postgres() {
		if err := makeDir(cfg.DataDir, dataDir, &u); err != nil {
			return 0, 0, err
		}
	}
	db, err := cfg.connect(ctx, opt, nil, &u)
	if err != nil {
		return 0, 0, err
	}
	from, to, err = db.SchemaVersion(ctx)
	if err == nil {
		err = db.Migrate(ctx)
	}
	return from, to, errors.Join(err, db.Close())
}
