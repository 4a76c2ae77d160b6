package pushtest

import (
	"sync"
	"time"
)

// tokenRest is how long a connection must stay with a provider token before it
// may bring a new one.
const tokenRest = 20 * time.Minute

// session is what APNs remembers of one connection: the key it was first used
// with, and the provider tokens it brought.
type session struct {
	raise func(streams int) // lets more streams in

	mu      sync.Mutex
	key     string // id of the key that the connection is bound to
	tokens  map[string]bool
	updated time.Time // when the last new token came
}

// admit notes the use of a provider token whose signature is good.
func (s *session) admit(token string, v verified, now time.Time) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[token] {
		return nil // also an older one, still in flight when a newer came
	}
	if s.key != "" && s.key != v.keyID {
		return refuse(403, "UnrelatedKeyIdInToken", "this connection was first used with key %s; key %s needs a connection of its own", s.key, v.keyID)
	}
	if s.key != "" && now.Sub(s.updated) < tokenRest {
		return refuse(429, "TooManyProviderTokenUpdates", "the provider token changed %s after the last one; keep each at least 20 minutes", now.Sub(s.updated).Round(time.Second))
	}
	if s.key == "" {
		s.key, s.tokens = v.keyID, map[string]bool{}
		s.raise(1000)
	}
	if len(s.tokens) > 100 {
		clear(s.tokens) // a connection days old; the oldest are long expired
	}
	s.tokens[token] = true
	s.updated = now
	return nil
}
