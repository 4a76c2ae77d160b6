package push

import (
	"slices"
	"sync"
)

// maxLanes bounds the lanes in memory. A lane comes into being with the first
// delivery of its app, and an app's name comes from a registered device.
const maxLanes = 64

// lanes are the ways out, by (app, provider, environment).
type lanes struct {
	mu    sync.RWMutex
	all   map[Lane]*lane
	build func(Lane) *lane
}

// find gives the lane, making it if it is new; nil when there are too many
// and none of them is idle.
func (s *lanes) find(key Lane) *lane {
	s.mu.RLock()
	l := s.all[key]
	s.mu.RUnlock()
	if l != nil {
		return l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.all[key]; l != nil {
		return l
	}
	if len(s.all) >= maxLanes && !s.evict() {
		return nil
	}
	l = s.build(key)
	s.all[key] = l
	return l
}

// evict forgets an idle lane. s.mu is held.
func (s *lanes) evict() bool {
	for key, l := range s.all {
		if l.retire() {
			l.p.count.gate(key, gateOpen)
			delete(s.all, key)
			return true
		}
	}
	return false
}

// trouble says why a lane is closed; empty for one that is open or not there.
func (s *lanes) trouble(key Lane) string {
	s.mu.RLock()
	l := s.all[key]
	s.mu.RUnlock()
	if l == nil {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.gate.state {
	case gatePaused:
		return "the provider refuses the server's key, topic or project; an admin must mend the push app"
	case gateBackoff:
		return "the provider is in trouble"
	default:
		return ""
	}
}

// list gives the lanes of this moment, in no particular order.
func (s *lanes) list() []*lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*lane, 0, len(s.all))
	for _, l := range s.all {
		out = append(out, l)
	}
	return slices.Clip(out)
}
