package realtime

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// greet answers a hello: welcome, reset or goodbye.
func (s *socket) greet(h *Hello) {
	viewer, ok := s.identify(h.Token)
	if !ok {
		return
	}
	st := s.hub.ring.now()
	cursor, why, err := s.hub.judge(st, h)
	if err != nil {
		s.hub.log.Error("a cursor could not be checked", "conn", s.name, "error", err)
		s.close(CloseOverloaded, advise("the timeline cannot be read now"))
		return
	}
	if !s.admit(h, viewer, st, cursor, why) {
		return
	}
	if older := s.hub.claim(s, deviceKey(viewer, h)); older != nil {
		older.close(CloseReplaced, "the same device has connected again")
	}
	s.shard.serve(s)
}

// admit gives the socket its viewer and its cursor, or, with a why, the news
// that the cursor is void. It reports whether the connection still stands.
func (s *socket) admit(h *Hello, v Viewer, st stand, cursor int64, why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer.UserID != "" && s.viewer.UserID != v.UserID {
		s.closeLocked(CloseForbidden, anotherUser)
	}
	if s.phase == closed {
		return false
	}
	s.viewer, s.view, s.gen, s.cursor = v, viewOf(h), st.gen, cursor
	// A moment in the past, so that connections made in one storm do not ping
	// in one storm ever after.
	s.sent = time.Now().Add(-rand.N(s.hub.cfg.Ping / 2))
	s.pinged, s.beat = time.Time{}, time.Time{}
	if why != "" {
		s.resetLocked(st, why)
		return true
	}
	s.phase = live
	s.sendLocked(ServerFrame{Welcome: &Welcome{
		Conn: s.name, Ping: int(s.hub.cfg.Ping / time.Second), Epoch: st.epoch,
		From: cursor + 1, Head: max(st.head, cursor),
	}})
	return true
}

const anotherUser = "the token belongs to another user; open a new connection"

func viewOf(h *Hello) view {
	if h.Filter == nil {
		return view{}
	}
	return view{incident: h.Filter.Incident}
}

// deviceKey names a device within its user, as a device id alone proves nothing.
func deviceKey(v Viewer, h *Hello) string {
	if h.Device == "" {
		return ""
	}
	return v.UserID + "/" + h.Device
}

// judge decides where a hello starts, or why its cursor is void. This node may
// lag behind the one that gave the cursor, so only the database can say that a
// cursor comes from the future.
func (h *Hub) judge(st stand, hello *Hello) (cursor int64, void string, err error) {
	if hello.After == nil {
		return st.head, "", nil
	}
	after := *hello.After
	switch {
	case hello.Epoch != st.epoch:
		return 0, ResetEpoch, nil
	case after+1 < st.oldest:
		return 0, ResetRetention, nil
	case after <= st.head:
		return after, "", nil
	}
	head, err := h.head(h.life)
	if err != nil {
		return 0, "", err
	}
	if head.Epoch != hello.Epoch {
		return 0, ResetEpoch, nil
	}
	if after > head.Seq {
		return 0, ResetAhead, nil
	}
	return after, "", nil
}

// identify turns a token into a viewer, or closes with the code that tells the
// client what to do about it.
func (s *socket) identify(token string) (Viewer, bool) {
	ctx, cancel := context.WithTimeout(s.hub.life, askWait)
	defer cancel()
	viewer, err := s.hub.cfg.Auth.Viewer(ctx, token)
	switch {
	case err == nil && !viewer.ExpiresAt.After(s.hub.cfg.Now()), fault.Is(err, "token_expired"):
		s.close(CloseTokenExpired, "the access token has expired; renew it and come back")
	case err == nil:
		return viewer, true
	case fault.KindOf(err) == fault.Unauthenticated, fault.KindOf(err) == fault.Invalid:
		s.close(CloseBadToken, "the access token is not valid; sign in again")
	case fault.KindOf(err) == fault.Forbidden:
		s.close(CloseForbidden, "you may not watch this stream")
	default:
		s.hub.log.Error("a token could not be checked", "conn", s.name, "error", err)
		s.close(CloseOverloaded, advise("tokens cannot be checked now"))
	}
	return Viewer{}, false
}

// renew takes a fresh token for the same user, so that a connection outlives
// its access token.
func (s *socket) renew(token string) {
	viewer, ok := s.identify(token)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if viewer.UserID != s.viewer.UserID {
		s.closeLocked(CloseForbidden, anotherUser)
		return
	}
	s.viewer = viewer
	s.sendLocked(ServerFrame{Token: &Renewed{ExpiresAt: viewer.ExpiresAt.UTC()}})
	s.shard.serve(s) // its expiry has moved
}
