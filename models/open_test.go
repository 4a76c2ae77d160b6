package models_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// TestOpeningRefusesWithASentence: each thing an operator may get wrong has its
// code, and names what was given.
func TestOpeningRefusesWithASentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("file", "x")
	text := write("notes.txt", strings.Repeat("these are my notes, and no database at all. ", 100))
	for name, c := range map[string]struct{ url, code, names string }{
		"nothing":              {"", "database_url", "postgres://"},
		"another database":     {"mysql://localhost/x", "database_url", "mysql://"},
		"in memory":            {":memory:", "database_url", "memory"},
		"directory is a file":  {filepath.Join(file, "nightbell.db"), "database_file", file},
		"path is a directory":  {dir, "database_file", dir},
		"not a database":       {text, "not_a_database", text},
		"unreadable URL":       {"postgres://user:secret@host:port:5432/x", "database_url", "postgres://"},
		"nobody is listening":  {"postgres://user:secret@" + closedPort(t) + "/nb?sslmode=disable", "database_unreachable", "127.0.0.1"},
		"directory of another": {"/proc/nightbell/nightbell.db", "database_file", "/proc/nightbell"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := models.Open(t.Context(), models.Config{URL: c.url})
			if err == nil {
				db.Close()
				t.Fatal("it opened")
			}
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v; want the code %s and the words %q", err, c.code, c.names)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in %v", err)
			}
		})
	}
}

// closedPort is an address at which nobody listens any more.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestDatabaseFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "directory with spaces?", "night#bell.db")
	modelstest.Place{Engine: "sqlite", URL: path}.Open(t, "a")
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
}

func TestReadyOnlyWithTables(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db, err := models.Open(t.Context(), models.Config{URL: p.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Ready(t.Context()); !fault.Is(err, "database_not_ready") {
			t.Errorf("before migrating: %v", err)
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Ready(t.Context()); err != nil {
			t.Errorf("after migrating: %v", err)
		}
	})
}
