package modelstest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Postgres gives a database of its own, dropped when the test ends.
func Postgres(t testing.TB) Place {
	t.Helper()
	admin := cluster(t)
	name := "nightbell_" + strings.ToLower(rand.Text()[:12])
	run(t, admin, `CREATE DATABASE `+name)
	t.Cleanup(func() { run(t, admin, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) })
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is no URL: %v", clusterEnv, err)
	}
	u.Path = "/" + name
	return Place{Engine: "postgres", URL: u.String()}
}

// run executes one statement on the cluster, on a connection of its own.
func run(t testing.TB, url, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := execute(ctx, url, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := sql.Open("pgx", url) // the driver that models registers
	if err != nil {
		return fmt.Errorf("connecting to the test cluster: %w", err)
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, statement)
	return err
}
