package respond_test

import (
	"context"
	"testing"

	"github.com/nightbell/nightbell/respond"
)

// keyed remembers the last key that was written under.
type keyed struct {
	respond.Store
	last string
}

// Write implements respond.Store.
func (k *keyed) Write(ctx context.Context, key string, fn func(respond.Tx) error) error {
	k.last = key
	return k.Store.Write(ctx, key, fn)
}

// A store that reads the key looks up many events at once.
func TestEventIsWrittenUnderAKeyThatTellsItsDedupKey(t *testing.T) {
	t.Parallel()
	each(t, func(s *stage) {
		store := &keyed{Store: s.db.Desk()}
		desk := respond.New(respond.Config{Store: store, Pager: s.page, Node: "node-a", Now: s.now})
		for _, dedupKey := range []string{"disk", "nul\x00and \xff"} {
			if _, err := desk.Ingest(t.Context(), respond.Event{RoutingKey: routingKey, Action: respond.EventResolve, DedupKey: dedupKey}); err != nil {
				t.Fatal(err)
			}
			integrationID, got, ok := respond.ParseEventKey(store.last)
			if want := s.db.Catalog().Integrations[routingKey].ID; !ok || integrationID != want || got != dedupKey {
				t.Errorf("the key tells %q of %q (%t), want %q of %q", got, integrationID, ok, dedupKey, want)
			}
		}
	})
	if _, _, ok := respond.ParseEventKey("inc_1"); ok {
		t.Error("an incident's id was taken for an event's key")
	}
}
