package models

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/nightbell/nightbell/fault"
)

// migrations holds one directory of numbered files per engine; a test keeps
// their numbers the same. Forward only: a migration must let the release
// before it keep running beside it.
//
//go:embed migrations
var migrations embed.FS

// Migrate brings the tables up to what this binary knows, and loads the
// catalogue. Nodes that start together take turns. A database that is newer
// than the binary is refused.
func (db *DB) Migrate(ctx context.Context) error {
	p, err := db.migrator()
	if err != nil {
		return err
	}
	if err := db.refuseNewer(ctx, p); err != nil {
		return err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return migrationFailure(err)
	}
	for _, m := range done {
		db.cfg.Log.Info("migrated", "version", m.Source.Version, "took", m.Duration)
	}
	if _, err := db.Refresh(ctx); err != nil {
		return err
	}
	return nil
}

// SchemaVersion gives the version of the database and the newest this binary
// knows.
func (db *DB) SchemaVersion(ctx context.Context) (current, newest int64, err error) {
	p, err := db.migrator()
	if err != nil {
		return 0, 0, err
	}
	if current, err = p.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("reading the schema's version: %w", err)
	}
	return current, newestSource(p), nil
}

func (db *DB) refuseNewer(ctx context.Context, p *goose.Provider) error {
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if newest := newestSource(p); current > newest {
		return fault.New(fault.Conflict, "database_newer",
			"the database is at schema version %d, but this nightbell knows only up to version %d; start a newer nightbell, or restore the backup made before the upgrade",
			current, newest)
	}
	return nil
}

func newestSource(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// migrator makes goose's provider. On PostgreSQL a session lock lets nodes
// that start together wait for each other; SQLite locks the file.
func (db *DB) migrator() (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations/"+db.engine.String())
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.engine == postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
		if err != nil {
			return nil, fmt.Errorf("making the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.write.sql, dir, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}

func migrationFailure(err error) error {
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		return fault.Wrap(partial.Err, fault.Unavailable, "migration_failed",
			"migration %s failed and was rolled back; the database is as it was before it, see the log for the cause", partial.Failed.Source.Path)
	}
	return fmt.Errorf("migrating: %w", err)
}
