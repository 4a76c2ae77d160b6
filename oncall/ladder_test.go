package oncall_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

// TestLadder: whom each rung waits for. A rung is written as its moment and, if
// it asks to be displayed, within how long, both in seconds.
func TestLadder(t *testing.T) {
	type rung struct{ at, within int }
	for _, tt := range []struct {
		name  string
		rungs []rung
		want  []int
	}{
		{"nobody", nil, []int{}},
		{"alone", []rung{{0, 20}}, []int{0}},
		{"nothing asked", []rung{{0, 0}, {60, 0}}, []int{0, 0}},
		{"the next one waits", []rung{{0, 20}, {60, 0}}, []int{0, 1}},
		{"and only that", []rung{{0, 20}, {60, 0}, {120, 0}}, []int{0, 1, 0}},
		{"a chain", []rung{{0, 20}, {60, 30}, {120, 0}}, []int{0, 1, 2}},
		{"all of the next moment wait", []rung{{0, 20}, {60, 0}, {60, 0}}, []int{0, 1, 1}},
		{"those of one moment do not wait for each other", []rung{{0, 20}, {0, 20}, {60, 0}}, []int{0, 0, 1}},
		{"the least patient counts", []rung{{0, 40}, {0, 0}, {0, 20}, {0, 30}, {60, 0}}, []int{0, 0, 0, 0, 3}},
		{"one before that asks is not asked over another's head", []rung{{0, 20}, {60, 0}, {60, 0}, {120, 0}}, []int{0, 1, 1, 0}},
		{"longer than the fixed delay is waited for too: it may come early", []rung{{0, 20}, {60, 300}, {120, 0}}, []int{0, 1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var given []oncall.Rung
			for _, r := range tt.rungs {
				given = append(given, oncall.Rung{Method: oncall.Push, At: now.Add(time.Duration(r.at) * time.Second), DisplayedWithin: time.Duration(r.within) * time.Second})
			}
			got := []int{}
			for _, r := range oncall.Ladder(given) {
				got = append(got, r.After)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
