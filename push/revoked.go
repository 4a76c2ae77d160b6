package push

import (
	"sync"
	"time"
)

// maxRevoked bounds each of the two generations. Forgetting early is safe: a
// page that slips through is settled when its acceptance meets the cancelled row.
const maxRevoked = 1 << 16

// revoked remembers from which revision of an incident on what was read before
// is doubtful. Such a job is handed back, and the database says whether it is
// still wanted. Nothing is searched or thrown away, and because revisions are
// compared and not clocks, what a change cancels and what the same change
// sends are told apart.
//
// Two generations of at least keep each: no page waits in memory for longer.
type revoked struct {
	keep time.Duration

	mu       sync.Mutex
	now, old map[string]int64
	turned   time.Time
}

// note remembers that what was read of the incident before the revision is
// doubtful.
func (r *revoked) note(incidentID string, revision int64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || len(r.now) >= maxRevoked || at.Sub(r.turned) > r.keep {
		r.old, r.now, r.turned = r.now, make(map[string]int64), at
	}
	r.now[incidentID] = max(revision, r.now[incidentID], r.old[incidentID])
}

// doubts reports whether what was read at the revision is doubtful.
func (r *revoked) doubts(incidentID string, revision int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return revision < max(r.now[incidentID], r.old[incidentID])
}
