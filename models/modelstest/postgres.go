package modelstest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"testing"
	"time"
)

const (
	// lockSpace sets our advisory locks apart from others'.
	lockSpace = 811_412
	// maxDatabases bounds how many tests use the cluster at the same time.
	maxDatabases = 64
)

// Postgres gives an empty database that is the test's own until it ends. Making
// a database takes PostgreSQL a good part of a second, emptying one does not:
// the cluster keeps a few, and a session lock says which are in use, also by
// other test processes. Whoever dies lets go of the lock.
func Postgres(t testing.TB) Place {
	t.Helper()
	admin := cluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	session := connect(ctx, t, admin)
	name, err := borrow(ctx, session)
	if err != nil {
		t.Fatalf("borrowing a test database: %v", err)
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is no URL: %v", clusterEnv, err)
	}
	u.Path = "/" + name
	broom := connect(ctx, t, u.String())
	defer broom.Close()
	if err := empty(ctx, broom); err != nil {
		t.Fatalf("emptying a test database: %v", err)
	}
	return Place{Engine: "postgres", URL: u.String()}
}

// connect opens one session, which ends with its Close or with the test.
func connect(ctx context.Context, t testing.TB, url string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("pgx", url) // the driver that models registers
	if err != nil {
		t.Fatalf("connecting to the test cluster: %v", err)
	}
	db.SetMaxIdleConns(-1) // what is closed is gone, and its locks with it
	t.Cleanup(func() { db.Close() })
	session, err := db.Conn(ctx)
	if err != nil {
		t.Fatalf("connecting to the test cluster: %v", err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// borrow takes the first database that nobody uses, and makes it if need be.
func borrow(ctx context.Context, session *sql.Conn) (name string, err error) {
	for n := range maxDatabases {
		var mine, exists bool
		name = fmt.Sprintf("nightbell_test_%d", n)
		if err := session.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockSpace, n).Scan(&mine); err != nil {
			return "", err
		}
		if !mine {
			continue
		}
		if err := session.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil {
			return "", err
		}
		if !exists {
			_, err = session.ExecContext(ctx, `CREATE DATABASE `+name)
		}
		return name, err
	}
	return "", fmt.Errorf("all %d are in use", maxDatabases)
}

// empty throws out who is left from a test that was killed, and all it made.
func empty(ctx context.Context, session *sql.Conn) error {
	for _, text := range []string{
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		`DROP SCHEMA public CASCADE`,
		`CREATE SCHEMA public`,
	} {
		if _, err := session.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
