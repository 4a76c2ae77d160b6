package realtime

import "sync"

// item is one timeline entry, encoded once for everybody.
type item struct {
	seq      int64
	incident string
	// json is nil for an entry that could not be encoded: its number is still
	// covered, so that no client waits for it.
	json []byte
}

// stand is where the stream stands, as one consistent value.
type stand struct {
	// gen grows when all cursors become void; why says the reason.
	gen   int
	why   string
	epoch string
	// low..head are the entries in the ring; low == head+1 when it is empty.
	low, head int64
	// oldest is the first entry that the database still keeps.
	oldest int64
}

// ring holds the newest entries. One tail appends; everybody reads.
//
// Invariant: the entries low..head are in the ring without a hole.
type ring struct {
	mu    sync.RWMutex
	stand stand
	slots []*item // the entry seq is at seq % len
}

func (r *ring) now() stand {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.stand
}

// restart empties the ring and voids every cursor: the next entry will be head+1.
func (r *ring) restart(epoch string, head, oldest int64, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.slots)
	r.stand = stand{gen: r.stand.gen + 1, why: why, epoch: epoch, low: head + 1, head: head, oldest: oldest}
}

// keepFrom notes the oldest entry the database still has.
func (r *ring) keepFrom(oldest int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stand.oldest = oldest
}

// append adds entries that follow head directly; the caller has checked that.
func (r *ring) append(items []*item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range items {
		r.slots[it.seq%int64(len(r.slots))] = it
		r.stand.head = it.seq
	}
	r.stand.low = max(r.stand.low, r.stand.head-int64(len(r.slots))+1)
}

// span gives the entries from..to. It is nil when the ring has moved past
// from, or has been restarted since gen.
func (r *ring) span(gen int, from, to int64) []*item {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if gen != r.stand.gen || from < r.stand.low || to > r.stand.head || from > to {
		return nil
	}
	items := make([]*item, 0, to-from+1)
	for seq := from; seq <= to; seq++ {
		items = append(items, r.slots[seq%int64(len(r.slots))])
	}
	return items
}
