package models_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
)

func aPushApp(key string) push.KeptApp {
	return push.KeptApp{
		Provider: push.WebPush, Name: "web", Settings: json.RawMessage(`{"public_key":"` + key + `"}`), Sealed: []byte(key),
		CreatedAt: noon, UpdatedAt: noon, UpdatedBy: "system",
	}
}

// Two nodes that start together on an empty database must push with one key:
// a browser takes pushes from the one it subscribed with, and no other.
func TestNodesThatStartTogetherKeepOneKey(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "a"), p.Open(t, "b")}
		kept := make([]push.KeptApp, 8)
		var work sync.WaitGroup
		for i := range kept {
			work.Go(func() {
				var err error
				if kept[i], err = nodes[i%2].KeepPushApp(t.Context(), aPushApp(string(rune('a'+i)))); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		for _, k := range kept {
			if d := cmp.Diff(kept[0], k); d != "" {
				t.Errorf("the nodes do not agree:\n%s", d)
			}
		}
		all, err := nodes[0].PushApps(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%v: %+v", err, all)
		}
		if d := cmp.Diff(aPushApp(string(kept[0].Sealed)), all[0]); d != "" {
			t.Errorf("it came back changed:\n%s", d)
		}
	})
}
