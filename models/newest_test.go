package models_test

import (
	"testing"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

func TestTheBinaryKnowsTheVersionItMigratesTo(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		current, newest, err := db.SchemaVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if current != newest || newest != models.NewestSchema() || newest == 0 {
			t.Errorf("the database is at %d, its migrations end at %d, the binary says %d", current, newest, models.NewestSchema())
		}
	})
}
