package push

import (
	"sync"
	"time"
)

// holdMost bounds how long a delivery is held, so that it could never be shut
// out by a forgotten name. It is longer than the database may be away: until
// what was sent is written down, the store thinks that it is still to be sent.
const holdMost = time.Hour

// hands are the deliveries this node holds: waiting, in flight or not yet
// recorded. A lease may run out meanwhile (a database that was away, a clock
// that jumped) and the store may give us a delivery we have already; then the
// one in hand goes on and the second copy is given back with it.
type hands struct {
	mu  sync.Mutex
	ids map[string]hold
}

type hold struct {
	since time.Time
	again bool // the store has handed it out a second time
}

// take reports whether id was not in hand before.
func (h *hands) take(id string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if held, ok := h.ids[id]; ok && now.Sub(held.since) < holdMost {
		h.ids[id] = hold{held.since, true}
		return false
	}
	if h.ids == nil {
		h.ids = make(map[string]hold)
	}
	h.ids[id] = hold{since: now}
	return true
}

// drop lets go of what never went anywhere.
func (h *hands) drop(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.ids, id)
}

// finish lets go of what is written down, except what the store has handed out
// again meanwhile: that is leased to us with nobody to send it. The caller
// releases it and finishes it then.
func (h *hands) finish(ids []string) (again []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if held := h.ids[id]; held.again {
			h.ids[id] = hold{since: held.since}
			again = append(again, id)
		} else {
			delete(h.ids, id)
		}
	}
	return again
}
