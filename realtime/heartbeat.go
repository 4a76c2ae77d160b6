package realtime

import "time"

// look judges one socket by the clock and says when to look again. It is the
// wheel's callback; ok is false when the connection is over.
func (s *socket) look(now time.Time) (again time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case closed:
		return again, false
	case greeting:
		return s.lookGreetingLocked(now)
	}
	expires := now.Add(s.viewer.ExpiresAt.Sub(s.hub.cfg.Now()))
	if !expires.After(now) {
		s.closeLocked(CloseTokenExpired, "the access token has expired; renew it and come back")
		return again, false
	}
	again, ok = s.lookPulseLocked(now)
	if expires.Before(again) {
		again = expires
	}
	return again, ok
}

// A connection that never said hello was most likely cut on the way, so it is
// told to come back rather than that it broke the protocol.
func (s *socket) lookGreetingLocked(now time.Time) (time.Time, bool) {
	by := s.began.Add(s.hub.cfg.HelloWait)
	if now.Before(by) {
		return by, true
	}
	s.closeLocked(CloseHeartbeat, advise("no hello in time"))
	return time.Time{}, false
}

// lookPulseLocked pings when traffic has not kept the connection warm in both
// directions by itself, and ends it when a ping stays without any answer.
func (s *socket) lookPulseLocked(now time.Time) (again time.Time, ok bool) {
	heard := s.hub.began.Add(time.Duration(s.heard.Load()))
	if !s.pinged.IsZero() {
		if !heard.Before(s.pinged) {
			s.pinged = time.Time{}
		} else if by := s.pinged.Add(pongWait); now.Before(by) {
			return by, true
		} else {
			s.closeLocked(CloseHeartbeat, advise("no answer to a ping"))
			return again, false
		}
	}
	if warm := earlier(heard, s.sent).Add(s.hub.cfg.Ping); warm.After(s.beat) {
		s.beat = warm
	}
	if now.Before(s.beat) {
		return s.beat, true
	}
	s.pingLocked(now)
	return now.Add(pongWait), s.phase != closed
}

// pingLocked sends the cursor along: a client whose filter let nothing through
// learns how far it has come. While the cursor is void it says 0, which moves
// nothing. A socket with a backlog is not pinged; the flush watches it.
func (s *socket) pingLocked(now time.Time) {
	s.beat = now.Add(s.hub.cfg.Ping)
	if s.wire.busy() {
		return
	}
	var cursor int64
	if s.phase != waiting {
		cursor = s.cursor
	}
	s.sent, s.pinged = now, now
	s.sendLocked(ServerFrame{Ping: &cursor})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
