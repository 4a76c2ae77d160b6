package models_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// kill ends the connections of the database that meet the condition, but not
// the one it uses itself, and gives how many there were.
func kill(t *testing.T, db *models.DB, condition string) (n int) {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+condition)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n
}

// TestConnectionLostBeforeTheCommitIsMadeGood: nothing was saved yet, so the
// write is simply run again, on a new connection.
func TestConnectionLostBeforeTheCommitIsMadeGood(t *testing.T) {
	t.Parallel()
	db := modelstest.Postgres(t).Open(t, "a")
	tries := 0
	err := db.Write(t.Context(), "k", func(tx *models.Tx) error {
		tx.Append(note("inc_1", "kept"))
		if tries++; tries == 1 && kill(t, db, `state = 'idle in transaction'`) == 0 {
			t.Error("no connection to kill")
		}
		return nil
	})
	if got := texts(t, db); err != nil || tries != 2 || len(got) != 1 {
		t.Errorf("%v after %d tries, kept %v", err, tries, got)
	}
}

// TestConnectionLostDuringTheCommitIsAdmitted: nobody knows what became of it,
// so it is not run again, and the caller is told.
func TestConnectionLostDuringTheCommitIsAdmitted(t *testing.T) {
	t.Parallel()
	db := modelstest.Postgres(t).Open(t, "a", oneWriter)
	for _, text := range []string{
		`CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(20); RETURN NULL; END'`,
		`CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON timeline DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()`,
	} {
		if err := db.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	tries, done := 0, make(chan error, 1)
	go func() {
		done <- db.Write(t.Context(), "k", func(tx *models.Tx) error {
			tries++
			tx.Append(note("inc_1", "who knows"))
			return nil
		})
	}()
	for kill(t, db, `wait_event = 'PgSleep'`) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the commit never began")
		}
	}
	if err := <-done; !fault.Is(err, "outcome_unknown") || fault.KindOf(err) != fault.Unavailable || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
	if err := db.Exec(t.Context(), `DROP TRIGGER linger ON timeline`); err != nil {
		t.Errorf("the writer did not recover: %v", err)
	}
	appendSome(t, db, "next", 3)
	if got := texts(t, db); len(got) != 3 {
		t.Errorf("the log has %v", got)
	}
}

// TestDeadlockBetweenNodesIsMadeGood has two nodes lock two incidents in
// opposite order.
func TestDeadlockBetweenNodesIsMadeGood(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	a, b := p.Open(t, "a"), p.Open(t, "b")
	one, two := open(t, a, aCase("one")).Incident.ID, open(t, a, aCase("two")).Incident.ID
	var both sync.WaitGroup // each holds its first
	both.Add(2)
	lock := func(db *models.DB, first, second string) error {
		tries := 0
		return db.Write(t.Context(), "k", func(tx *models.Tx) error {
			tries++
			if _, err := tx.Case(first); err != nil {
				return err
			}
			if tries == 1 {
				both.Done()
				both.Wait()
			}
			_, err := tx.Case(second)
			tx.Append(note(first, fmt.Sprint(first, second)))
			return err
		})
	}
	done := make(chan error, 1)
	go func() { done <- lock(a, one, two) }()
	if err := lock(b, two, one); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := texts(t, a); len(got) != 4 {
		t.Errorf("the log has %v", got)
	}
}

// TestDatabaseRestartsInABurst ends every connection again and again while two
// nodes write: what was promised is there once, what was refused is not, and
// every refusal is one that invites to try again.
func TestDatabaseRestartsInABurst(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	watch := p.Open(t, "watch")
	const writers, each = 8, 60
	promised := make([]map[string]bool, writers) // false: refused
	var burst sync.WaitGroup
	for w, db := range [writers]*models.DB{0: p.Open(t, "a"), 1: p.Open(t, "b")} {
		if db == nil {
			continue
		}
		for k := w; k < writers; k += 2 {
			promised[k] = map[string]bool{}
			burst.Go(func() { writeThroughTrouble(t, db, k, each, promised[k]) })
		}
	}
	over := make(chan struct{})
	go func() { burst.Wait(); close(over) }()
	for killed := 0; ; {
		killed += kill(t, watch, `application_name = 'nightbell' AND query NOT LIKE 'LISTEN%'`)
		select {
		case <-over:
		case <-time.After(20 * time.Millisecond):
			continue
		}
		if killed == 0 {
			t.Error("no connection was ended: nothing was tried")
		}
		break
	}
	counts := map[string]int{}
	for _, text := range texts(t, watch) {
		counts[text]++
	}
	for k := range promised {
		for text, kept := range promised[k] {
			if kept && counts[text] != 1 || !kept && counts[text] != 0 {
				t.Errorf("%s: promised %v, found %d times", text, kept, counts[text])
			}
		}
	}
}

// writeThroughTrouble notes of each write whether it was promised or refused;
// of those whose outcome is unknown it notes nothing.
func writeThroughTrouble(t *testing.T, db *models.DB, writer, each int, promised map[string]bool) {
	for i := range each {
		text := fmt.Sprintf("%d-%d", writer, i)
		err := db.Write(t.Context(), fmt.Sprint("key", writer), func(tx *models.Tx) error {
			tx.Append(note("inc_1", text))
			_, err := tx.Case("inc_of_nobody")
			if fault.KindOf(err) == fault.NotFound {
				err = nil
			}
			return err
		})
		switch {
		case err == nil:
			promised[text] = true
		case fault.KindOf(err) != fault.Unavailable:
			t.Errorf("%s: refused with %v, which invites nobody to try again", text, err)
		case !fault.Is(err, "outcome_unknown"):
			promised[text] = false
		}
	}
}
