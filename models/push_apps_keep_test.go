package models_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
)

func aWebPushKey(key string) push.App {
	return push.App{
		Provider: push.WebPush, Name: "web", Settings: push.AppSettings{PublicKey: key}, Sealed: []byte(key),
		CreatedAt: noon, UpdatedAt: noon, UpdatedBy: "system",
	}
}

// Two nodes that start together on an empty database must push with one key:
// a browser takes pushes from the one it subscribed with, and no other.
func TestNodesThatStartTogetherKeepOneKey(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "a"), p.Open(t, "b")}
		kept := make([]push.App, 8)
		var work sync.WaitGroup
		for i := range kept {
			work.Go(func() {
				var err error
				if kept[i], err = nodes[i%2].PushApps().Keep(t.Context(), aWebPushKey(string(rune('a'+i)))); err != nil {
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
		all := pushApps(t, nodes[0])
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		if d := cmp.Diff(aWebPushKey(string(kept[0].Sealed)), all[0]); d != "" {
			t.Errorf("it came back changed:\n%s", d)
		}
	})
}
