package models_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

func TestEnginesHaveTheSameMigrations(t *testing.T) {
	t.Parallel()
	names := func(dir string) (names []string) {
		files, err := os.ReadDir(filepath.Join("migrations", dir))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			if !strings.HasPrefix(f.Name(), fmt.Sprintf("%05d_", i+1)) {
				t.Errorf("%s/%s should have the number %d", dir, f.Name(), i+1)
			}
			names = append(names, f.Name())
		}
		return names
	}
	if s, p := names("sqlite"), names("postgres"); !slices.Equal(s, p) {
		t.Errorf("sqlite has %v, postgres has %v", s, p)
	}
}

// kindOf puts what the engines call their types under one name.
var kindOf = map[string]string{
	"text": "text", "TEXT": "text", "json": "text",
	"bigint": "integer", "integer": "integer", "INTEGER": "integer",
	"boolean": "boolean", "BOOLEAN": "boolean",
	"timestamp with time zone": "time", "TIMESTAMP": "time",
	"bytea": "bytes", "BLOB": "bytes",
}

// columnsOf lists table.column kind and nullability, in a form to compare.
func columnsOf(t *testing.T, db *models.DB, engine string) []string {
	t.Helper()
	text := `SELECT m.name, c.name, c.type, c."notnull" = 0 AND c.pk = 0 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
	if engine == "postgres" {
		text = `SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns WHERE table_schema = 'public'`
	}
	rows, err := db.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var table, column, kind string
		var null bool
		if err := rows.Scan(&table, &column, &kind, &null); err != nil {
			t.Fatal(err)
		}
		if table == "goose_db_version" {
			continue // goose's own
		}
		if kindOf[kind] == "" {
			t.Errorf("%s.%s on %s has the type %s, which this test does not know", table, column, engine, kind)
		}
		all = append(all, fmt.Sprintf("%s.%s %s null=%v", table, column, kindOf[kind], null))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func TestEnginesHaveTheSameColumns(t *testing.T) {
	t.Parallel()
	s := columnsOf(t, modelstest.SQLite(t).Open(t, "a"), "sqlite")
	p := columnsOf(t, modelstest.Postgres(t).Open(t, "a"), "postgres")
	if len(s) < 80 {
		t.Errorf("only %d columns found; is the query right?", len(s))
	}
	for _, line := range s {
		if !slices.Contains(p, line) {
			t.Errorf("only on sqlite:   %s", line)
		}
	}
	for _, line := range p {
		if !slices.Contains(s, line) {
			t.Errorf("only on postgres: %s", line)
		}
	}
}

func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			db, err := models.Open(t.Context(), models.Config{URL: p.URL, Node: strconv.Itoa(n)})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
			if err := db.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "a")
		current, newest, err := db.SchemaVersion(t.Context())
		if err != nil || current != newest || newest < 1 {
			t.Fatal(current, newest, err)
		}
		if err := db.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
			t.Fatal(err)
		}
		err = db.Migrate(t.Context())
		if !fault.Is(err, "database_newer") || !strings.Contains(err.Error(), "9999") || !strings.Contains(err.Error(), strconv.FormatInt(newest, 10)) {
			t.Errorf("got %v", err)
		}
	})
}

// Tables that a migration builds anew keep their rows, and are used as before.
func TestRowsSurviveTheirTablesBeingBuiltAnew(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db, err := models.Open(t.Context(), models.Config{URL: p.URL, Node: "a"})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.MigrateTo(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		const rows = `
			INSERT INTO users (id, email, name, role, time_zone, locale, password_hash, disabled, created_at)
			VALUES ('usr_1', 'ana@example.com', 'Ana', 'responder', 'UTC', 'en', '', false, $1);
			INSERT INTO devices (id, user_id, name, platform, provider, app, environment, target_kind, token, registered_at, state, state_reason, state_at, capabilities, app_version, os_version, locale, created_at)
			VALUES ('dev_1', 'usr_1', 'phone', 'ios', 'apns', 'main', 'sandbox', 'token', 'ab', $1, 'suspect', 'BadDeviceToken', $1, '{"alerts":true}', '1', '19', 'en', $1);
			INSERT INTO deliveries (id, kind, notification_id, incident_id, revision, user_id, device_id, state, due_at, expires_at, lease_node, claimable_at, attempt, created_at)
			VALUES ('dlv_1', 'page', 'ntf_1', 'inc_1', 1, 'usr_1', 'dev_1', 'scheduled', $1, $1, '', $1, 2, $1)`
		for row := range strings.SplitSeq(rows, ";") {
			if err := db.Raw(t.Context(), strings.ReplaceAll(row, "$1", db.Literal(noon))); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		dev, err := db.Devices().Device(t.Context(), "usr_1", "dev_1")
		if err != nil || dev.StateReason != "BadDeviceToken" || !dev.RegisteredAt.Equal(noon) || !dev.Capabilities.Alerts {
			t.Errorf("%v: %+v", err, dev)
		}
		if err := db.Exec(t.Context(), `UPDATE deliveries SET state = 'accepted', claimable_at = NULL WHERE id = 'dlv_1' AND attempt = 2`); err != nil {
			t.Error(err)
		}
	})
}

// spoilers are changes that the machine never makes.
var spoilers = map[string]string{
	"unknown status":                 `UPDATE incidents SET status = 'on fire' WHERE dedup_key = 'triggered'`,
	"acknowledged, still escalating": `UPDATE incidents SET status = 'acknowledged', acknowledged_at = created_at WHERE dedup_key = 'triggered'`,
	"acknowledged at no time":        `UPDATE incidents SET acknowledged_at = NULL WHERE dedup_key = 'acked'`,
	"triggered with a snooze":        `UPDATE incidents SET status = 'triggered' WHERE dedup_key = 'acked'`,
	"resolved with a timer":          `UPDATE incidents SET auto_resolve_at = created_at WHERE dedup_key = 'resolved'`,
	"resolved and due":               `UPDATE incidents SET due_at = created_at, claimable_at = created_at WHERE dedup_key = 'resolved'`,
	"resolved at no time":            `UPDATE incidents SET resolved_at = NULL WHERE dedup_key = 'resolved'`,
	"open but resolved at a time":    `UPDATE incidents SET resolved_at = created_at WHERE dedup_key = 'triggered'`,
	"due and never claimable":        `UPDATE incidents SET claimable_at = NULL WHERE dedup_key = 'triggered'`,
	"no revision":                    `UPDATE incidents SET revision = 0`,
	"unknown severity":               `UPDATE incidents SET severity = 'awful'`,
	"unknown urgency":                `UPDATE incidents SET urgency = 'medium'`,
	"notification in limbo":          `UPDATE notifications SET state = 'lost'`,
	"delivery in limbo":              `UPDATE deliveries SET state = 'lost'`,
	"delivery of no kind":            `UPDATE deliveries SET kind = 'carrier pigeon'`,
	"final and claimable":            `UPDATE deliveries SET state = 'accepted'`,
	"scheduled and not claimable":    `UPDATE deliveries SET claimable_at = NULL`,
	"alert counted to nothing":       `UPDATE alerts SET count = 0`,
	"two catalogues":                 `INSERT INTO catalog_version (one, version) VALUES (2, 1)`,
}

// TestImpossibleRowsAreRefused: what the machine never does, the database does
// not keep either.
func TestImpossibleRowsAreRefused(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		fillForSpoiling(t, db)
		for name, spoil := range spoilers {
			if err := db.Exec(t.Context(), spoil); err == nil || !strings.Contains(strings.ToLower(err.Error()), "constraint") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func fillForSpoiling(t *testing.T, db *models.DB) {
	t.Helper()
	for _, c := range threeLives() {
		write(t, db, "k", func(tx respond.Tx) error {
			if err := tx.Open(&c); err != nil {
				return err
			}
			if err := tx.AddAlert(anAlert(c)); err != nil {
				return err
			}
			if err := tx.AddNotifications([]respond.Notification{aNotification(c)}); err != nil {
				return err
			}
			return tx.AddDeliveries(pages(aPage(c, aPhone("usr_ana", "ab"))))
		})
	}
}
