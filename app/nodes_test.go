package app

import (
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/models/modelstest"
)

// TestTwoNodesStartTogetherOnOneDatabase lets both migrate the same empty
// PostgreSQL at once.
func TestTwoNodesStartTogetherOnOneDatabase(t *testing.T) {
	place := modelstest.Postgres(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	nodes := make([]*App, 2)
	var starting sync.WaitGroup
	for i, name := range []string{"one", "two"} {
		c := testConfig(t)
		c.Database, c.Node, c.Secret = place.URL, name, strings.Repeat("secret", 6)
		nodes[i], _ = newApp(t, c)
		starting.Go(func() {
			if err := nodes[i].Start(t.Context()); err != nil {
				t.Errorf("node %s: %v", name, err)
			}
			if _, err := os.Stat(c.DataDir); err == nil {
				t.Errorf("node %s made a data directory it does not need", name)
			}
		})
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	for _, a := range nodes {
		if status, body := get(t, a.URL()+"/readyz"); status != 200 {
			t.Errorf("/readyz: %d %s", status, body)
		}
		stopApp(t, a)
	}
}

func TestAPostgresThatIsNotThereIsTold(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := testConfig(t)
	c.Database, c.Secret = "postgres://nightbell:hunter2@127.0.0.1:1/nightbell", strings.Repeat("secret", 6)
	a, _ := newApp(t, c)
	err := a.Start(t.Context())
	if err == nil {
		t.Fatal("it started")
	}
	if said := Sentence(err); !strings.Contains(said, "127.0.0.1") || strings.Contains(said, "hunter2") || strings.Contains(said, "\n") {
		t.Errorf("not one line with the address and without the password: %s", said)
	}
}
