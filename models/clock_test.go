package models_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
)

func TestTheDatabaseTellsTheTime(t *testing.T) {
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		before := time.Now().Add(-time.Minute)
		now, err := db.Clock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Both databases are on this machine; the minute is for a busy one.
		if now.Before(before) || now.After(time.Now().Add(time.Minute)) || now.Location() != time.UTC {
			t.Errorf("the database says %v", now)
		}
	})
}
