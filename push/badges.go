package push

import (
	"slices"
	"sync"

	"github.com/nightbell/nightbell/incident"
)

// maxBadged bounds the incidents that are counted. Who has more of them open
// does not read the badge any more.
const maxBadged = 100_000

// Badges counts, in memory, the open incidents assigned to each person: what
// an app's icon shows. It is loaded at the start and follows the committed
// timeline, so counting costs no query.
//
// A page may outrun the log, which is read after the commit. So whoever counts
// says what is known of the incident at hand, and the rest comes from the log.
type Badges struct {
	mu    sync.RWMutex
	open  map[string]assigned // by incident
	count map[string]int      // by user
}

type assigned struct {
	revision int64
	users    []string
}

// NewBadges counts nothing yet.
func NewBadges() *Badges {
	return &Badges{open: map[string]assigned{}, count: map[string]int{}}
}

// Load takes over an open incident as the store has it.
func (b *Badges) Load(incidentID string, revision int64, assignees []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(incidentID, revision, true, assignees)
}

// Follow takes over what was committed, in the log's order. Entries that were
// counted already, or are older than what was loaded, change nothing.
func (b *Badges) Follow(entries []incident.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		if s := e.Incident; s != nil {
			b.set(s.ID, s.Revision, s.Status != incident.Resolved, s.Assignees)
		}
	}
}

// set makes the incident's part of the counts what it is at the revision.
// b.mu is held.
func (b *Badges) set(incidentID string, revision int64, open bool, users []string) {
	old, known := b.open[incidentID]
	if known && revision < old.revision || !known && (!open || len(b.open) >= maxBadged) {
		return
	}
	for _, u := range old.users {
		if b.count[u]--; b.count[u] <= 0 {
			delete(b.count, u)
		}
	}
	if !open {
		delete(b.open, incidentID)
		return
	}
	for _, u := range users {
		b.count[u]++
	}
	b.open[incidentID] = assigned{revision, slices.Clone(users)}
}

// Count is how many open incidents the person has, where theirs says whether
// the one at hand is among them (empty: there is none at hand).
func (b *Badges) Count(userID, incidentID string, theirs bool) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	n := b.count[userID]
	if incidentID == "" {
		return n
	}
	if slices.Contains(b.open[incidentID].users, userID) {
		n--
	}
	if theirs {
		n++
	}
	return n
}
