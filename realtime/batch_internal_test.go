package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

func entriesFrom(first int64, texts ...string) []incident.Entry {
	var out []incident.Entry
	for i, text := range texts {
		out = append(out, incident.Entry{
			Seq: first + int64(i), IncidentID: "inc_a", Type: incident.EntryAnnotated,
			At: time.Unix(5, 0).UTC(), Detail: incident.Detail{Text: text},
		})
	}
	return out
}

func itemsOf(entries []incident.Entry) []*item {
	h := New(Config{})
	var items []*item
	for _, e := range entries {
		items = append(items, h.encode(e))
	}
	return items
}

// The frame is put together from pieces; it must be what encoding/json would
// have written in one go.
func TestAnEventsFrameIsWhatJSONWouldWrite(t *testing.T) {
	t.Parallel()
	entries := entriesFrom(7, "one", "<two> & \u2028", "three")
	var body []byte
	for i, it := range itemsOf(entries) {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, it.json...)
	}
	want, err := json.Marshal(ServerFrame{Events: &Events{From: 7, To: 9, Items: entries}})
	if err != nil {
		t.Fatal(err)
	}
	if got := encodeEvents(7, 9, body); !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Frames cut from any stretch follow each other, hold exactly what the view
// sees, and stay within the budget unless one event alone is larger.
func TestFramesCoverTheLogWithoutAGap(t *testing.T) {
	t.Parallel()
	hub := New(Config{})
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int64Range(1, 1_000_000).Draw(t, "first")
		var items []*item
		for i := range rapid.IntRange(1, 60).Draw(t, "n") {
			e := entriesFrom(first+int64(i), "")[0]
			e.IncidentID = rapid.SampledFrom([]string{"inc_a", "inc_b"}).Draw(t, "incident")
			e.Detail.Text = string(bytes.Repeat([]byte("x"), rapid.IntRange(0, frameBudget).Draw(t, "size")))
			items = append(items, hub.encode(e))
		}
		v := view{incident: rapid.SampledFrom([]string{"", "inc_a"}).Draw(t, "view")}
		var got, want []int64
		for _, it := range items {
			if v.sees(it) {
				want = append(want, it.seq)
			}
		}
		for rest := items; len(rest) > 0; {
			frame, to := cutFrame(rest, v)
			seqs := unpack(t, frame, rest[0].seq, to)
			if len(frame) > frameBudget && len(seqs) > 1 {
				t.Fatalf("%d bytes in a frame of %d events", len(frame), len(seqs))
			}
			got = append(got, seqs...)
			if to < rest[0].seq || to > rest[len(rest)-1].seq {
				t.Fatalf("frame to %d of %d..%d", to, rest[0].seq, rest[len(rest)-1].seq)
			}
			rest = rest[to-rest[0].seq+1:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// unpack reads a frame back as a client would.
func unpack(t *rapid.T, frame []byte, from, to int64) (seqs []int64) {
	if frame == nil {
		return nil
	}
	var f ServerFrame
	if err := json.Unmarshal(frame, &f); err != nil || f.Events == nil || f.Events.From != from || f.Events.To != to {
		t.Fatalf("frame %.200s, %v", frame, err)
	}
	for _, e := range f.Events.Items {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

func TestTheRingHoldsTheNewestAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	r := ring{slots: make([]*item, 4)}
	r.restart("k1", 10, 1, "")
	if got := r.span(1, 11, 11); got != nil {
		t.Errorf("an empty ring gave %d items", len(got))
	}
	r.append(itemsOf(entriesFrom(11, "a", "b", "c", "d", "e", "f")))
	if st := r.now(); st.low != 13 || st.head != 16 {
		t.Errorf("ring stands at %d..%d, want 13..16", st.low, st.head)
	}
	if got := r.span(1, 13, 16); len(got) != 4 || got[0].seq != 13 || got[3].seq != 16 {
		t.Errorf("span 13..16 gave %d items", len(got))
	}
	for name, got := range map[string][]*item{
		"below the ring": r.span(1, 12, 16), "beyond it": r.span(1, 13, 17), "of another log": r.span(0, 13, 16),
	} {
		if got != nil {
			t.Errorf("%s: %d items", name, len(got))
		}
	}
}

// A page is asked for once, whoever comes, until the log is another.
func TestPagesAreReadOnceAndForgottenWithTheirLog(t *testing.T) {
	t.Parallel()
	reads := 0
	p := pages{encode: New(Config{}).encode, since: func(_ context.Context, after int64, limit int) ([]incident.Entry, error) {
		reads++
		return entriesFrom(after+1, make([]string, limit)...), nil
	}}
	for _, step := range []struct {
		gen   int
		after int64
		reads int
	}{{1, 0, 1}, {1, 100, 1}, {1, 255, 1}, {1, 256, 2}, {1, 0, 2}, {2, 0, 3}, {2, 1, 3}} {
		items, _, err := p.get(t.Context(), step.gen, step.after)
		if err != nil || len(items) == 0 || items[0].seq != step.after+1 {
			t.Fatalf("%+v: %d items, %v", step, len(items), err)
		}
		if reads != step.reads {
			t.Errorf("%+v: %d reads", step, reads)
		}
	}
	for after := int64(0); after < 100*pageSize; after += pageSize {
		if _, _, err := p.get(t.Context(), 2, after); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.kept) != pagesKept || len(p.order) != pagesKept {
		t.Errorf("%d pages kept, want %d", len(p.kept), pagesKept)
	}
}
