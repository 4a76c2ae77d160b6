package models_test

import (
	"testing"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/respond"
)

// opens is a write that opens a case and points its key at an alert.
func opens(c respond.Case) func(respond.Tx) error {
	return func(tx respond.Tx) error {
		fresh := c
		if err := tx.Open(&fresh); err != nil {
			return err
		}
		if err := tx.AddAlert(anAlert(fresh)); err != nil {
			return err
		}
		tx.Append(note(fresh.Incident.ID, "opened"))
		return nil
	}
}

// write runs fn at the desk and fails the test with its error.
func write(t *testing.T, db *models.DB, key string, fn func(respond.Tx) error) {
	t.Helper()
	if err := db.Desk().Write(t.Context(), key, fn); err != nil {
		t.Fatal(err)
	}
}
