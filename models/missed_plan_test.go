package models

import (
	"path/filepath"
	"strings"
	"testing"
)

// What a phone has missed is asked inside the writer, where a page may wait for
// the answer: reading a busy phone's history once for each of its pages took
// half a minute.
func TestMissedReadsNoHistoryForEachPage(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Config{URL: filepath.Join(t.TempDir(), "nightbell.db"), Node: "a"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := db.query(t.Context(), "EXPLAIN QUERY PLAN "+missed, "dev", "usr", "", "", "dev", anyDigest, 1)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := collect(found, func(r scanner) (step string, err error) {
		var id, parent, unused int
		err = r.Scan(&id, &parent, &unused, &step)
		return step, err
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := strings.Join(steps, "\n")
	for _, step := range []string{"SEARCH s USING INDEX deliveries_of_incident", "SEARCH o USING INDEX deliveries_of_incident", "SEARCH p USING INDEX deliveries_of_device"} {
		if !strings.Contains(plan, step) {
			t.Errorf("it does not %s:\n%s", step, plan)
		}
	}
}
