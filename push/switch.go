package push

import (
	"context"
	"sync"
)

// Switch is a sender that is exchanged while it sends, when somebody changes
// a provider's apps. Without one behind it, it answers like a provider that
// refuses our key: pages wait, and no device is touched.
type Switch struct {
	provider Provider

	mu  sync.RWMutex
	now *tenant
}

// tenant is a sender and those who are in the middle of it.
type tenant struct {
	sender Sender
	sends  sync.WaitGroup
}

// NewSwitch makes a switch with nobody behind it.
func NewSwitch(p Provider) *Switch {
	return &Switch{provider: p, now: &tenant{sender: noSender{p}}}
}

// Send implements [Sender].
func (s *Switch) Send(ctx context.Context, m Message) Result {
	s.mu.RLock()
	t := s.now
	t.sends.Add(1) // under the lock: a tenant that has left gets no more
	s.mu.RUnlock()
	defer t.sends.Done()
	return t.sender.Send(ctx, m)
}

// Set puts next (nil: nobody) in place for all sends that begin from now on.
// The function that comes back waits until the last send of the one before has
// returned; then it may be closed.
func (s *Switch) Set(next Sender) (empty func()) {
	if next == nil {
		next = noSender{s.provider}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now
	s.now = &tenant{sender: next}
	return old.sends.Wait
}

// Warm opens connections, if the sender in place knows how.
func (s *Switch) Warm(ctx context.Context) error {
	s.mu.RLock()
	t := s.now
	t.sends.Add(1)
	s.mu.RUnlock()
	defer t.sends.Done()
	if w, ok := t.sender.(interface{ Warm(context.Context) error }); ok {
		return w.Warm(ctx)
	}
	return nil
}

// Serves reports whether the sender in place knows the app in the environment;
// one that does not say is taken to.
func (s *Switch) Serves(app, environment string) bool {
	s.mu.RLock()
	t := s.now
	s.mu.RUnlock()
	known, says := t.sender.(serves)
	return !says || known.Serves(app, environment)
}
