package push

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPagesLeaveBeforeUpdatesBeforeSettles(t *testing.T) {
	t.Parallel()
	b := backlog{bound: 10}
	for i, k := range []Kind{Settle, Update, Page, Settle, Page} {
		b.push(&held{out: Outcome{Job: Job{Delivery: Delivery{ID: fmt.Sprint(i), Kind: k}}}})
	}
	if h := b.pop(false); h.out.Job.Delivery.ID != "2" {
		t.Errorf("first is %s, want the first page", h.out.Job.Delivery.ID)
	}
	if h := b.pop(false); h.out.Job.Delivery.ID != "4" {
		t.Errorf("second is %s, want the second page", h.out.Job.Delivery.ID)
	}
	if h := b.pop(false); h != nil {
		t.Errorf("%s left, but only pages may", h.out.Job.Delivery.Kind)
	}
	var rest []string
	for h := b.pop(true); h != nil; h = b.pop(true) {
		rest = append(rest, h.out.Job.Delivery.ID)
	}
	if want := []string{"1", "0", "3"}; !slices.Equal(rest, want) {
		t.Errorf("then %v, want %v", rest, want)
	}
}

func TestSettlesCannotKeepAPageOut(t *testing.T) {
	t.Parallel()
	b := backlog{bound: 2}
	for range 2 {
		b.push(&held{out: Outcome{Job: Job{Delivery: Delivery{Kind: Settle}}}})
	}
	if b.push(&held{out: Outcome{Job: Job{Delivery: Delivery{Kind: Settle}}}}) {
		t.Error("a third settle was taken beyond the bound")
	}
	if !b.push(&held{out: Outcome{Job: Job{Delivery: Delivery{Kind: Page}}}}) {
		t.Error("the page was refused")
	}
}

// The queue against a plain slice, over any history.
func TestFifoKeepsItsOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var q fifo
		var want []*held
		for i, op := range rapid.SliceOfN(rapid.IntRange(0, 9), 0, 300).Draw(t, "ops") {
			switch {
			case op < 5:
				h := &held{asOf: noon.Add(time.Duration(op) * time.Second), out: Outcome{Job: Job{Delivery: Delivery{ID: fmt.Sprint(i)}}}}
				q.push(h)
				want = append(want, h)
			case op < 9:
				h := q.pop()
				if len(want) == 0 {
					if h != nil {
						t.Fatal("something came out of nothing")
					}
					continue
				}
				if h != want[0] {
					t.Fatalf("got %v, want %v", h, want[0])
				}
				want = want[1:]
			default:
				before := noon.Add(2 * time.Second)
				old := q.older(before, nil)
				wantOld := slices.DeleteFunc(slices.Clone(want), func(h *held) bool { return !h.asOf.Before(before) })
				want = slices.DeleteFunc(slices.Clone(want), func(h *held) bool { return h.asOf.Before(before) })
				if !slices.Equal(old, wantOld) {
					t.Fatalf("%d older ones, want %d", len(old), len(wantOld))
				}
			}
			if q.len() != len(want) {
				t.Fatalf("holds %d, want %d", q.len(), len(want))
			}
		}
	})
}
