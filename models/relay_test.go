package models_test

import (
	"fmt"
	"testing"

	"github.com/nightbell/nightbell/models"
)

func TestWordsBetweenNodes(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]int64{
		"node-b 12": 12, "a node with spaces 7": 7,
		"node-a 12": 0, "12": 0, "": 0, "node-b": 0, "node-b x": 0, "node-b -3": 0, "node-b 99999999999999999999": 0,
	} {
		if head, ok := models.Heard(payload, "node-a"); ok != (want > 0) || ok && head != want {
			t.Errorf("%q: %d, %v", payload, head, ok)
		}
	}
}

// FuzzWordsBetweenNodes: anybody who may use the database may say anything.
func FuzzWordsBetweenNodes(f *testing.F) {
	f.Add("node-b 12")
	f.Add(" 1")
	f.Fuzz(func(t *testing.T, payload string) {
		head, ok := models.Heard(payload, "node-a")
		if !ok {
			return
		}
		if again, ok := models.Heard(fmt.Sprintf("node-c %d", head), "node-a"); !ok || again != head || head < 1 {
			t.Errorf("%q was heard as %d", payload, head)
		}
	})
}
