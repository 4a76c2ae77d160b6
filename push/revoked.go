package push

import (
	"sync"
	"time"
)

// maxRevoked bounds each of the two generations. Forgetting early is safe: a
// page that slips through is settled when its acceptance meets the cancelled row.
const maxRevoked = 1 << 16

// revoked remembers which incidents were cancelled a moment ago. A page whose
// content was read before that is doubtful: it is handed back, and the
// database says whether it is still wanted. Nothing is searched or thrown
// away, so a page made by a later change can at worst lose a few milliseconds.
//
// Two generations of at least keep each: no page waits in memory for longer.
type revoked struct {
	keep time.Duration

	mu       sync.Mutex
	now, old map[string]time.Time
	turned   time.Time
}

// note remembers that the incident's pages were cancelled at the moment.
func (r *revoked) note(incidentID string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || len(r.now) >= maxRevoked || at.Sub(r.turned) > r.keep {
		r.old, r.now, r.turned = r.now, make(map[string]time.Time), at
	}
	r.now[incidentID] = at
}

// since reports whether the incident's pages were cancelled after the moment.
func (r *revoked) since(incidentID string, asOf time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.now[incidentID]
	if !ok {
		at, ok = r.old[incidentID]
	}
	return ok && at.After(asOf)
}
