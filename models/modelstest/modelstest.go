package modelstest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models"
)

// Place is an empty, migrated database. Each Open of it is one more node.
type Place struct {
	Engine string // "sqlite" or "postgres"
	URL    string
}

// Each runs the story on every engine, with one node on an empty database.
func Each(t *testing.T, story func(t *testing.T, db *models.DB)) {
	t.Helper()
	EachPlace(t, func(t *testing.T, p Place) { story(t, p.Open(t, "node-a")) })
}

// EachPlace runs the story on every engine and lets it open its own nodes.
func EachPlace(t *testing.T, story func(t *testing.T, p Place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		story(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		story(t, Postgres(t))
	})
}

// SQLite gives a database file of its own, removed when the test ends.
func SQLite(t testing.TB) Place {
	t.Helper()
	return Place{Engine: "sqlite", URL: filepath.Join(t.TempDir(), "nightbell.db")}
}

// Open opens and migrates the database for a node, and closes it when the test
// ends. Each change may alter the configuration.
func (p Place) Open(t testing.TB, node string, changes ...func(*models.Config)) *models.DB {
	t.Helper()
	cfg := models.Config{URL: p.URL, Node: node, Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, change := range changes {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := models.Open(ctx, cfg)
	if err != nil {
		t.Fatalf("opening the %s database: %v", p.Engine, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the %s database: %v", p.Engine, err)
		}
	})
	if err := db.Migrate(ctx); err != nil {
		t.Fatalf("migrating the %s database: %v", p.Engine, err)
	}
	return db
}

// testLog writes a node's warnings to its test.
type testLog struct{ t testing.TB }

// Write implements io.Writer.
func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(string(b))
	return len(b), nil
}

const (
	clusterEnv = "NIGHTBELL_TEST_POSTGRES"
	requireEnv = "NIGHTBELL_REQUIRE_POSTGRES"
)

func cluster(t testing.TB) string {
	t.Helper()
	url := os.Getenv(clusterEnv)
	if url != "" {
		return url
	}
	why := "NOT TESTED ON POSTGRESQL: " + clusterEnv + " is not set; run `make test`, or give the superuser URL of a cluster you can throw away"
	if os.Getenv(requireEnv) == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}
