package models_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

// inOneBatch writes the events of the keys in one transaction of the only
// writer; on PostgreSQL they run in the order of their keys.
func inOneBatch(t *testing.T, db *models.DB, keys []string, fn func(tx respond.Tx, key string) error) {
	t.Helper()
	release := hold(t, db)
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() {
			err := db.Desk().Write(t.Context(), respond.EventKey("int_1", key), func(tx respond.Tx) error { return fn(tx, key) })
			if err != nil {
				t.Errorf("the event of %s: %v", key, err)
			}
		})
	}
	waitQueued(t, db, len(keys))
	release()
	all.Wait()
}

// The rival acts between the batch's look at its keys and their use: what the
// batch then believes shows that it had looked at all of them before, and what
// is left in the end that no event was lost by it.
func TestKeysOfABatchAreLookedUpAtOnceAndARivalIsNoticed(t *testing.T) {
	t.Parallel()
	p := modelstest.Postgres(t)
	db, rival := p.Open(t, "a", oneWriter), p.Open(t, "b")
	old, taken := open(t, rival, aCase("x\x00-old")), aCase("x-taken")
	var meanwhile sync.Once
	var free []string // what was believed, over all tries
	inOneBatch(t, db, []string{"a-first", "x\x00-old", "x-taken"}, func(tx respond.Tx, key string) error {
		meanwhile.Do(func() {
			write(t, rival, "resolve", func(tx respond.Tx) error { return tx.CloseAlerts(old.Incident.ID, noon) })
			open(t, rival, taken)
		})
		at, found, err := tx.FindOpen("int_1", key)
		switch {
		case err != nil:
			return err
		case found:
			return tx.CountAlert(at.AlertID, noon)
		}
		free = append(free, key)
		return opens(aCase(key))(tx)
	})
	if want := []string{"a-first", "x-taken", "a-first", "x\x00-old"}; !slices.Equal(free, want) {
		t.Errorf("free at their turn were %q, want %q", free, want)
	}
	alerts, err := db.Incidents().Alerts(t.Context(), taken.Incident.ID, 10)
	if err != nil || len(alerts) != 1 || alerts[0].Count != 2 {
		t.Errorf("the rival's alert and our repeat of it became %+v, %v", alerts, err)
	}
}

func TestNumbersOfABatchAreDrawnAtOnce(t *testing.T) {
	t.Parallel()
	db := modelstest.Postgres(t).Open(t, "a", oneWriter)
	var drawn []int64
	inOneBatch(t, db, []string{"a", "b", "c", "d"}, func(tx respond.Tx, key string) error {
		if _, _, err := tx.FindOpen("int_1", key); err != nil {
			return err
		}
		if err := opens(aCase(key))(tx); err != nil {
			return err
		}
		drawn = append(drawn, lastNumber(t, db))
		return nil
	})
	if want := []int64{4, 4, 4, 4}; !slices.Equal(drawn, want) {
		t.Errorf("numbers drawn after each incident: %v, want %v", drawn, want)
	}
}

// lastNumber is the newest incident number drawn; a sequence shows it at once.
func lastNumber(t *testing.T, db *models.DB) (n int64) {
	t.Helper()
	found, err := db.Query(t.Context(), `SELECT last_value FROM incident_number`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		if err := found.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
