package models

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/nightbell/nightbell/fault"
)

// Limits that keep one stuck statement from holding a writer for ever.
const (
	lockTimeout      = "5s"
	statementTimeout = "30s"
	connectTimeout   = 5 * time.Second
)

// connectPostgres opens the writers' connections and the readers', apart, so
// that reading can never use up what paging needs.
func (db *DB) connectPostgres(ctx context.Context) error {
	cfg, err := postgresConfig(db.cfg.URL)
	if err != nil {
		return err
	}
	writing := db.cfg.Writers + 1 // one for claims, which stand alone
	if db.write, err = db.openPostgres(cfg, writing); err != nil {
		return postgresRefusal(cfg, err)
	}
	if db.read, err = db.openPostgres(cfg, max(2, db.cfg.MaxConns-writing-relayConns)); err != nil {
		return postgresRefusal(cfg, err)
	}
	if err := db.write.sql.PingContext(ctx); err != nil {
		return postgresRefusal(cfg, err)
	}
	return nil
}

func postgresConfig(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		// The parser's own error may quote the password.
		return nil, fault.New(fault.Invalid, "database_url",
			"the PostgreSQL URL cannot be read; write it as postgres://user:password@host:5432/database")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	cfg.RuntimeParams["application_name"] = "nightbell"
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["lock_timeout"] = lockTimeout
	cfg.RuntimeParams["statement_timeout"] = statementTimeout
	return cfg, nil
}

func (db *DB) openPostgres(cfg *pgx.ConnConfig, conns int) (pool, error) {
	conn := stdlib.OpenDB(*cfg)
	conn.SetMaxOpenConns(conns)
	conn.SetMaxIdleConns(conns)
	conn.SetConnMaxIdleTime(5 * time.Minute)
	g, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: conn}), db.gormConfig())
	if err != nil {
		conn.Close()
		return pool{}, err
	}
	return pool{sql: conn, gorm: g}, nil
}

func postgresRefusal(cfg *pgx.ConnConfig, err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return fault.Wrap(err, fault.Unavailable, "database_refused",
			"PostgreSQL at %s:%d refused us: %s; check user, password and database name in the URL", cfg.Host, cfg.Port, said.Message)
	}
	return fault.Wrap(err, fault.Unavailable, "database_unreachable",
		"PostgreSQL at %s:%d (database %s) cannot be reached; check that it runs and that the URL is right", cfg.Host, cfg.Port, cfg.Database)
}

// postgresCode gives PostgreSQL's five-character error code, "" for any other error.
func postgresCode(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}
