package push

// Trouble says why nothing gets through a lane as things stand; empty when
// nothing is known against it. It knows what this node has met.
func (p *Pipeline) Trouble(key Lane) string {
	sender := p.conf.Senders[key.Provider]
	if sender == nil {
		return NotSetUp(key.Provider)
	}
	if s, ok := sender.(serves); ok && !s.Serves(key.App, key.Environment) {
		return "this server has no key for the app " + key.App + " (" + key.Environment + ")"
	}
	if l := p.lanes.known(key); l != nil && l.paused() {
		return string(key.Provider) + " refuses the server's key, topic or project for the app " + key.App
	}
	return ""
}

// NotSetUp says that nothing of this server goes by way of the provider.
func NotSetUp(p Provider) string { return "this server is not set up for " + string(p) }

// known gives the lane if there is one.
func (s *lanes) known(key Lane) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[key]
}

// paused: the provider refuses our configuration.
func (l *lane) paused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate.state == gatePaused
}
