package models_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

// What a node counts people's open incidents by when it starts.
func TestOpenAssignments(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		want := map[string][]string{}
		for _, i := range history(t, db) {
			if i.Open() {
				want[i.ID] = i.Assignees
			}
		}
		got := map[string][]string{}
		err := db.OpenAssignments(t.Context(), func(id string, revision int64, users []string) {
			if revision < 1 {
				t.Errorf("%s has revision %d", id, revision)
			}
			got[id] = append([]string{}, users...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
