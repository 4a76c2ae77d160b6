package models

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/respond"
)

// Config says where the database is and how this node uses it.
type Config struct {
	// URL is a postgres:// URL, or the path of a SQLite file.
	URL string
	// Node names this process in leases; two living nodes must differ.
	Node string
	// MaxConns bounds this node's connections; 0 is 16. The writers, claims and
	// the word between nodes have their own, so that slow readers never keep a
	// page waiting (I11); readers get what is left, at least two.
	MaxConns int
	// Writers is how many group-commit writers PostgreSQL gets; 0 is 2. SQLite
	// has one write lock and always gets one.
	Writers int
	Now     func() time.Time
	Log     *slog.Logger // nil: silent
	Meter   *meter.Meter // nil: counts nothing
}

// DB is the open database. Its methods may be used from many goroutines.
type DB struct {
	cfg     Config
	engine  engine
	write   pool // the writers' connections
	read    pool // everybody else's
	writers []*writer
	bind    *binder
	tables  tables
	seed    maphash.Seed // spreads keys over the writers
	meters  meters

	catalog  atomic.Pointer[respond.Catalog]
	refresh  *refresher
	appended appended
	relay    *relay // PostgreSQL only: word between nodes

	gate   sync.RWMutex // held for reading while a write is being queued
	closed bool
}

// pool is one set of connections, bare and under gorm.
type pool struct {
	sql  *sql.DB
	gorm *gorm.DB
}

// Open connects, starts the writers and returns. It does not touch the schema:
// see [DB.Migrate]. It fails with a fault that says what to do when the
// database cannot be reached or opened.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = 16
	}
	if cfg.Writers <= 0 {
		cfg.Writers = 2
	}
	engine, err := engineOf(cfg.URL)
	if err != nil {
		return nil, err
	}
	db := &DB{
		cfg: cfg, engine: engine, bind: newBinder(engine), tables: newTables(), seed: maphash.MakeSeed(),
		meters: newMeters(cfg.Meter), refresh: newRefresher(),
	}
	db.catalog.Store(&respond.Catalog{})
	if err := db.connect(ctx); err != nil {
		return nil, errors.Join(err, db.closePools())
	}
	// What runs from here on ends with Close, not with the context of opening.
	db.startWriters() //nolint:contextcheck // see above
	if engine == postgres {
		db.relay = startRelay(db) //nolint:contextcheck // see above
	}
	return db, nil
}

func (db *DB) connect(ctx context.Context) error {
	if db.engine == sqlite {
		return db.connectSQLite(ctx)
	}
	return db.connectPostgres(ctx)
}

// Close stops taking writes, lets the writers finish what is queued, and
// closes the connections. It waits for all of the database's goroutines.
func (db *DB) Close() error {
	db.gate.Lock()
	already := db.closed
	db.closed = true
	db.gate.Unlock()
	if already {
		return nil
	}
	for _, w := range db.writers {
		close(w.queue)
	}
	for _, w := range db.writers {
		<-w.done
	}
	if db.relay != nil {
		db.relay.stop()
	}
	return db.closePools()
}

func (db *DB) closePools() error {
	var first error
	for _, p := range []pool{db.read, db.write} {
		if p.sql == nil {
			continue
		}
		if err := p.sql.Close(); err != nil && first == nil {
			first = fmt.Errorf("closing the database: %w", err)
		}
	}
	return first
}

// Ready reports whether the database answers and has its tables.
func (db *DB) Ready(ctx context.Context) error {
	var version int64
	if err := db.row(ctx, `SELECT version FROM catalog_version`).Scan(&version); err != nil {
		return fault.Wrap(err, fault.Unavailable, "database_not_ready",
			"the database does not answer, or its tables are missing; check that it runs and that `nightbell migrate` was run")
	}
	return nil
}

// engine is which database we talk to.
type engine int

const (
	sqlite engine = iota
	postgres
)

// String gives the name of the engine's directory of migrations.
func (e engine) String() string {
	if e == postgres {
		return "postgres"
	}
	return "sqlite"
}

func engineOf(url string) (engine, error) {
	scheme, _, found := strings.Cut(url, "://")
	switch {
	case url == "":
		return 0, fault.New(fault.Invalid, "database_url", "no database was named; give the path of a SQLite file or a postgres:// URL")
	case !found:
		return sqlite, nil
	case scheme == "postgres" || scheme == "postgresql":
		return postgres, nil
	}
	return 0, fault.New(fault.Invalid, "database_url",
		"databases of the kind %s:// are not known; give the path of a SQLite file or a postgres:// URL", scheme)
}
