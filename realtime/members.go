package realtime

// reserve takes a place for one more connection, if there is one. Each place
// is given back once, by release or forget.
func (h *Hub) reserve() (ok, stopping bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopping || h.count >= h.cfg.MaxConns {
		return false, h.stopping
	}
	h.count++
	h.lives.Add(1)
	h.metrics.sockets.Set(float64(h.count))
	return true, false
}

func (h *Hub) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count--
	h.lives.Done()
	h.metrics.sockets.Set(float64(h.count))
}

// enter makes an upgraded socket known; a hub that began to stop meanwhile
// sends it away at once.
func (h *Hub) enter(s *socket) {
	h.mu.Lock()
	stopping := h.stopping
	h.sockets[s] = struct{}{}
	h.mu.Unlock()
	s.shard.join(s)
	if stopping {
		s.close(CloseDrain, advise("this node is going away; reconnect"))
	}
}

// forget is enter's inverse, for a socket whose reader ends.
func (h *Hub) forget(s *socket) {
	h.mu.Lock()
	delete(h.sockets, s)
	h.unclaimLocked(s)
	h.mu.Unlock()
	s.shard.leave(s)
	h.release()
}

// Expel ends the connections of sessions that have ended: their tokens were
// good when they were shown, and would be for a while.
func (h *Hub) Expel(sessions []string) {
	if len(sessions) == 0 {
		return
	}
	ended := make(map[string]bool, len(sessions))
	for _, session := range sessions {
		ended[session] = true
	}
	h.mu.Lock()
	open := h.openLocked()
	h.mu.Unlock()
	for _, s := range open {
		s.mu.Lock()
		if s.viewer.SessionID != "" && ended[s.viewer.SessionID] {
			s.closeLocked(CloseBadToken, "the session has ended; sign in again")
		}
		s.mu.Unlock()
	}
}

// claim makes s the one connection of its device and gives the one before.
func (h *Hub) claim(s *socket, device string) (older *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unclaimLocked(s)
	if device == "" {
		return nil
	}
	older = h.devices[device]
	h.devices[device], s.device = s, device
	return older
}

func (h *Hub) unclaimLocked(s *socket) {
	if h.devices[s.device] == s {
		delete(h.devices, s.device)
	}
}
