package realtime

import (
	"context"
	"errors"

	"github.com/nightbell/nightbell/fault"
)

// perform carries out a do beside the reader, at most doingMost at once.
//
// The action does not hang on the connection: an acknowledge sent just before
// the network goes must still count, and the client that asks again with the
// same id gets the same answer.
func (s *socket) perform(d *Do) {
	s.mu.Lock()
	viewer, free := s.viewer, s.doing < doingMost
	if !viewer.ExpiresAt.After(s.hub.cfg.Now()) {
		s.closeLocked(CloseTokenExpired, "the access token has expired; renew it and come back")
		s.mu.Unlock()
		return
	}
	if free {
		s.doing++
	}
	s.mu.Unlock()
	if !free {
		s.hub.metrics.actions.Add(1, "too_many")
		s.send(ServerFrame{Done: &Done{ID: d.ID, Error: &Refusal{
			Kind: fault.TooMany.String(), Code: "too_many_actions",
			Message: "four actions are under way on this connection; wait for one to be done",
		}}})
		return
	}
	s.hub.lives.Go(func() {
		done := s.hub.act(viewer, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.doing--
		s.sendLocked(ServerFrame{Done: done})
	})
}

func (h *Hub) act(v Viewer, d *Do) *Done {
	ctx, cancel := context.WithTimeout(h.life, doWait)
	defer cancel()
	if h.cfg.Actor == nil {
		return &Done{ID: d.ID, Error: refusal(fault.New(fault.Unavailable, "no_actions", "this node takes no actions over the stream; use the API"))}
	}
	answer, err := h.cfg.Actor.Do(ctx, v, d.ID, d.Action, d.IncidentID)
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			h.log.Error("an action over the stream failed", "user", v.UserID, "action", d.Action, "incident", d.IncidentID, "error", err)
		}
		h.metrics.actions.Add(1, fault.KindOf(err).String())
		return &Done{ID: d.ID, Error: refusal(err)}
	}
	h.metrics.actions.Add(1, "done")
	return &Done{ID: d.ID, Answer: answer}
}

// refusal shows a fault, and of anything else only that it is ours.
func refusal(err error) *Refusal {
	var f *fault.Error
	if !errors.As(err, &f) {
		return &Refusal{Kind: fault.Internal.String(), Code: "internal", Message: "something went wrong on our side; try again"}
	}
	return &Refusal{Kind: f.Kind.String(), Code: f.Code, Message: f.Message}
}
