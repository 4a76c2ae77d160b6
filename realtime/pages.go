package realtime

import (
	"context"
	"sync"

	"github.com/nightbell/nightbell/incident"
)

// pagesKept bounds the pages remembered: 32 of 256 entries, some 6 MB.
const pagesKept = 32

// pages reads old stretches of the log. They are cut at multiples of pageSize
// and the last few are remembered, so that a crowd that comes back to about
// the same cursor costs one query per page and not one per socket.
type pages struct {
	since  func(ctx context.Context, after int64, limit int) ([]incident.Entry, error)
	encode func(incident.Entry) *item

	mu    sync.Mutex
	gen   int // of the ring; another log makes these pages void
	kept  map[int64][]*item
	order []int64
}

// get gives entries from after+1 on, without a hole; none when the database
// does not have after+1. read tells that it was asked.
func (p *pages) get(ctx context.Context, gen int, after int64) (items []*item, read bool, err error) {
	start := after - after%pageSize
	if items := from(p.find(gen, start), after+1); items != nil {
		return items, false, nil
	}
	entries, err := p.since(ctx, start, pageSize)
	if err != nil || len(entries) == 0 {
		return nil, true, err
	}
	for _, e := range entries[:contiguous(entries, entries[0].Seq)] {
		items = append(items, p.encode(e))
	}
	if items[len(items)-1].seq == start+pageSize {
		p.keep(gen, start, items)
	}
	return from(items, after+1), true, nil
}

// from gives the items from first on, none if first is not among them.
func from(items []*item, first int64) []*item {
	if len(items) == 0 || first < items[0].seq || first > items[len(items)-1].seq {
		return nil
	}
	return items[first-items[0].seq:]
}

func (p *pages) find(gen int, start int64) []*item {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gen != p.gen {
		return nil
	}
	return p.kept[start]
}

func (p *pages) keep(gen int, start int64, items []*item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if gen != p.gen || p.kept == nil {
		p.gen, p.kept, p.order = gen, make(map[int64][]*item), nil
	}
	if _, known := p.kept[start]; !known {
		p.order = append(p.order, start)
	}
	p.kept[start] = items
	if len(p.order) > pagesKept {
		delete(p.kept, p.order[0])
		p.order = p.order[1:]
	}
}
