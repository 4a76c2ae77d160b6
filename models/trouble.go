package models

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	codes "modernc.org/sqlite/lib"

	"github.com/nightbell/nightbell/fault"
)

// errUnknown marks a commit whose outcome nobody knows; it must not be tried again.
var errUnknown = errors.New("commit outcome unknown")

// passing reports whether an error before the commit may be gone at the next
// try: nothing was saved, and the cause lies in timing or in the connection.
func passing(err error) bool {
	if errors.Is(err, errUnknown) {
		return false
	}
	if errors.Is(err, errRetry) || lostConnection(err) {
		return true
	}
	if code := sqliteCode(err) & 0xff; code == codes.SQLITE_BUSY || code == codes.SQLITE_LOCKED {
		return true
	}
	switch code := postgresCode(err); code {
	case "40001", "40P01", "55P03": // serialization, deadlock, lock timeout
		return true
	default:
		return strings.HasPrefix(code, "57P") // shutting down, crashed, starting up
	}
}

// hopeless reports whether trying the requests of a batch one by one would be
// no better: the database is away, or nobody knows what it did.
func hopeless(err error) bool {
	return errors.Is(err, errUnknown) || errors.Is(err, context.DeadlineExceeded) || lostConnection(err)
}

func lostConnection(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return false // it looks like a network error, but is our own limit
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err)
}

// refusedCommit reports whether the database itself said no to a commit, so
// that it certainly did not happen.
func refusedCommit(err error) bool {
	if sqliteCode(err) != 0 {
		return true
	}
	code := postgresCode(err)
	return code != "" && !strings.HasPrefix(code, "57") && !strings.HasPrefix(code, "08")
}

// readFailure explains a failed read; contexts that ended pass through.
func readFailure(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if lostConnection(err) {
		return fault.Wrap(err, fault.Unavailable, "database_unreachable", "the database cannot be reached; try again")
	}
	return err
}
