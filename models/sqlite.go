package models

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/nightbell/nightbell/fault"
)

// maxSQLiteReaders bounds the read-only connections: each keeps pages of its
// own in memory, and more than the processors gain nothing.
const maxSQLiteReaders = 8

// connectSQLite opens one connection for the writer and several for reading.
// More than one writing connection would only meet SQLITE_BUSY: measured, eight
// were slower than one and stalled for seconds.
func (db *DB) connectSQLite(ctx context.Context) error {
	path := db.cfg.URL
	if err := prepareFile(path); err != nil {
		return err
	}
	var err error
	if db.write, err = db.openSQLite(path, "immediate", "foreign_keys(1)", 1); err != nil {
		return sqliteRefusal(path, err)
	}
	if db.read, err = db.openSQLite(path, "deferred", "query_only(1)", max(2, min(maxSQLiteReaders, db.cfg.MaxConns-1))); err != nil {
		return sqliteRefusal(path, err)
	}
	if err := db.write.sql.PingContext(ctx); err != nil {
		return sqliteRefusal(path, err)
	}
	return nil
}

func (db *DB) openSQLite(path, lock, pragma string, conns int) (pool, error) {
	conn, err := sql.Open("sqlite", sqliteDSN(path, lock, pragma))
	if err != nil {
		return pool{}, err
	}
	conn.SetMaxOpenConns(conns)
	conn.SetMaxIdleConns(conns)
	g, err := gorm.Open(sqliteDialector{gormsqlite.New(gormsqlite.Config{Conn: conn}).(*gormsqlite.Dialector)}, db.gormConfig())
	if err != nil {
		conn.Close()
		return pool{}, err
	}
	return pool{sql: conn, gorm: g}, nil
}

// sqliteDSN sets what every connection needs. synchronous=FULL because an
// event answered 202 must survive a power cut (I1); times as integers because
// the driver's text form does not order and carries the monotonic clock.
func sqliteDSN(path, lock, pragma string) string {
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)", pragma}}
	q.Set("_txlock", lock)
	q.Set("_time_integer_format", "unix_micro")
	q.Set("_inttotime", "1")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// prepareFile makes the directory and the file, readable by the owner only:
// the file holds password hashes and device tokens.
func prepareFile(path string) error {
	if strings.Contains(path, ":memory:") {
		return fault.New(fault.Invalid, "database_url", "a database in memory would forget every page; give the path of a file")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileRefusal(path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fileRefusal(path, err)
	}
	return f.Close()
}

func fileRefusal(path string, err error) error {
	why := err.Error()
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		why = pathError.Err.Error()
	}
	return fault.Wrap(err, fault.Unavailable, "database_file",
		"the database file %s cannot be created or written (%s); give a path in a directory this user may write to", path, why)
}

func sqliteRefusal(path string, err error) error {
	switch sqliteCode(err) & 0xff {
	case codes.SQLITE_NOTADB, codes.SQLITE_CORRUPT:
		return fault.Wrap(err, fault.Invalid, "not_a_database",
			"the file %s is not a SQLite database, or it is damaged; give another path, or restore a backup", path)
	case codes.SQLITE_READONLY, codes.SQLITE_CANTOPEN, codes.SQLITE_PERM:
		return fault.Wrap(err, fault.Unavailable, "database_file",
			"the database file %s cannot be written; SQLite also needs to create files beside it, so check the directory's permissions", path)
	}
	return fault.Wrap(err, fault.Unavailable, "database_file", "the database file %s cannot be opened", path)
}

// sqliteCode gives SQLite's extended result code, 0 for any other error.
func sqliteCode(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// sqliteDialector teaches gorm's dialector the error codes of the driver
// without cgo; it only knows those of the other one.
type sqliteDialector struct{ *gormsqlite.Dialector }

// Translate implements [gorm.ErrorTranslator].
func (sqliteDialector) Translate(err error) error {
	switch sqliteCode(err) {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY:
		return gorm.ErrDuplicatedKey
	case codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return gorm.ErrForeignKeyViolated
	case codes.SQLITE_CONSTRAINT_CHECK:
		return gorm.ErrCheckConstraintViolated
	}
	return err
}
