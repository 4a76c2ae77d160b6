package models_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/respond"
)

func TestNodesSeeEachOthersConfiguration(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		a, b, c := p.Open(t, "a"), p.Open(t, "b"), p.Open(t, "c")
		company := settled(t, a)
		key := company.Integrations[0].RoutingKey
		if _, ok := a.Catalog().Integrations[key]; !ok {
			t.Error("node a does not know what it has just saved")
		}
		if fresh, err := b.Refresh(t.Context()); err != nil || fresh.Integrations[key].ID == "" {
			t.Errorf("node b looked and saw nothing: %v", err)
		}
		// Node c does not look, but its next transaction judges by the new state.
		write(t, c, "k", func(tx respond.Tx) error {
			if _, ok := tx.Catalog().Integrations[key]; !ok {
				t.Error("node c judges by an old catalogue")
			}
			return nil
		})
		if _, ok := c.Catalog().Integrations[key]; !ok {
			t.Error("node c loaded a catalogue and did not keep it")
		}
	})
}

func TestConfigurationThatWasRolledBackIsNotPublished(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		before := db.Catalog()
		refused := errors.New("no")
		err := db.Write(t.Context(), "k", func(tx *models.Tx) error {
			if err := tx.BumpCatalog(); err != nil {
				return err
			}
			if tx.Catalog().Version != before.Version+1 {
				t.Errorf("within the transaction the version is %d", tx.Catalog().Version)
			}
			return refused
		})
		if !errors.Is(err, refused) || db.Catalog().Version != before.Version {
			t.Errorf("%v, version %d, was %d", err, db.Catalog().Version, before.Version)
		}
		if fresh, err := db.Refresh(t.Context()); err != nil || fresh.Version != before.Version {
			t.Errorf("%v, version %d", err, fresh.Version)
		}
	})
}

// TestLooksAreShared: however many ask at once, few look, and each gets a look
// that began after it asked.
func TestLooksAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		look, looks := models.NewLooker(), 0
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				asked := time.Now()
				if err := look(t.Context(), func(context.Context) error {
					looks++
					time.Sleep(time.Millisecond)
					return nil
				}); err != nil || time.Since(asked) > time.Second {
					t.Error(err, time.Since(asked))
				}
			})
		}
		all.Wait()
		if looks < 1 || looks > 2 { // the first one's, and one for all who came during it, if anybody did
			t.Errorf("%d looks for 200 who asked at once", looks)
		}
		if err := look(t.Context(), func(context.Context) error { return errors.New("no answer") }); err == nil {
			t.Error("a failed look passed for an answer")
		}
		leaving, leave := context.WithCancel(t.Context())
		leave()
		if err := look(leaving, func(context.Context) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left was answered with %v", err)
		}
	})
}
