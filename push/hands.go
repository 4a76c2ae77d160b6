package push

import (
	"sync"
	"time"
)

// hands are the deliveries this node holds: waiting, in flight or not yet
// recorded. A lease may run out meanwhile (a database that was away, a clock
// that jumped) and the store may give us a delivery we have already; then the
// one in hand goes on and the second copy is dropped.
//
// Nothing is held for longer than keep, so that a delivery could never be
// shut out by a forgotten name.
type hands struct {
	keep time.Duration

	mu  sync.Mutex
	ids map[string]time.Time
}

// take reports whether id was not in hand before.
func (h *hands) take(id string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since, ok := h.ids[id]; ok && now.Sub(since) < h.keep {
		return false
	}
	if h.ids == nil {
		h.ids = make(map[string]time.Time)
	}
	h.ids[id] = now
	return true
}

func (h *hands) drop(ids ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		delete(h.ids, id)
	}
}
