package api

import (
	"context"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

// AcknowledgeIncident takes it in hand.
func (s *server) AcknowledgeIncident(ctx context.Context, r AcknowledgeIncidentRequestObject) (AcknowledgeIncidentResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Acknowledge, IncidentID: r.IncidentId})
	return AcknowledgeIncident200JSONResponse{done}, err
}

// UnacknowledgeIncident gives it back.
func (s *server) UnacknowledgeIncident(ctx context.Context, r UnacknowledgeIncidentRequestObject) (UnacknowledgeIncidentResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Unacknowledge, IncidentID: r.IncidentId})
	return UnacknowledgeIncident200JSONResponse{done}, err
}

// ResolveIncident ends it.
func (s *server) ResolveIncident(ctx context.Context, r ResolveIncidentRequestObject) (ResolveIncidentResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Resolve, IncidentID: r.IncidentId})
	return ResolveIncident200JSONResponse{done}, err
}

// EscalateIncident pages the next level now.
func (s *server) EscalateIncident(ctx context.Context, r EscalateIncidentRequestObject) (EscalateIncidentResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Escalate, IncidentID: r.IncidentId})
	return EscalateIncident200JSONResponse{done}, err
}

// ReassignIncident hands it to others.
func (s *server) ReassignIncident(ctx context.Context, r ReassignIncidentRequestObject) (ReassignIncidentResponseObject, error) {
	cmd := respond.Command{Name: respond.Reassign, IncidentID: r.IncidentId, Users: r.Body.UserIds, PolicyID: value(r.Body.PolicyId)}
	for _, u := range cmd.Users {
		if err := checkID("user_ids", id.User, u); err != nil {
			return nil, err
		}
	}
	if cmd.PolicyID != "" {
		if err := checkID("policy_id", id.Policy, cmd.PolicyID); err != nil {
			return nil, err
		}
	}
	done, err := s.act(ctx, r.Params.IdempotencyKey, cmd)
	return ReassignIncident200JSONResponse{done}, err
}

// SnoozeIncident quiets it until a moment.
func (s *server) SnoozeIncident(ctx context.Context, r SnoozeIncidentRequestObject) (SnoozeIncidentResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Snooze, IncidentID: r.IncidentId, Until: utc(&r.Body.Until)})
	return SnoozeIncident200JSONResponse{done}, err
}

// AddNote writes something on the timeline.
func (s *server) AddNote(ctx context.Context, r AddNoteRequestObject) (AddNoteResponseObject, error) {
	done, err := s.act(ctx, r.Params.IdempotencyKey, respond.Command{Name: respond.Note, IncidentID: r.IncidentId, Note: r.Body.Text})
	return AddNote200JSONResponse{done}, err
}

// act carries a signed-in person's command to the desk.
func (s *server) act(ctx context.Context, key *IdempotencyKey, cmd respond.Command) (ActedJSONResponse, error) {
	who := caller(ctx)
	if err := who.Role.MayAct(); err != nil {
		return ActedJSONResponse{}, err
	}
	if err := id.Check(id.Incident, cmd.IncidentID); err != nil {
		return ActedJSONResponse{}, err
	}
	cmd.Actor, cmd.Principal, cmd.Key = actor(who, "api", ""), who.UserID, value(key)
	return s.perform(ctx, cmd)
}

func (s *server) perform(ctx context.Context, cmd respond.Command) (ActedJSONResponse, error) {
	answer, err := s.Desk.Act(ctx, cmd)
	if err != nil {
		return ActedJSONResponse{}, err
	}
	return ActedJSONResponse(ResultOf(cmd, answer)), nil
}

// ResultOf is what an action is answered with, here and over the stream.
func ResultOf(cmd respond.Command, a respond.Answer) ActionResult {
	return ActionResult{Action: string(cmd.Name), Incident: a.Incident, Changed: a.Changed, ActedBy: actedBy(cmd, a)}
}

// actedBy says who brought the incident to where the caller wanted it, which
// may have been somebody else before.
func actedBy(cmd respond.Command, a respond.Answer) *incident.Actor {
	switch {
	case a.Changed:
		return &cmd.Actor
	case a.Incident.ResolvedBy != nil:
		return a.Incident.ResolvedBy
	case cmd.Name == respond.Acknowledge, cmd.Tap != nil:
		return a.Incident.AcknowledgedBy
	default:
		return nil
	}
}

// PerformAction does what a notification's button says. There is no session:
// the token is the proof. Whether it is still good is judged by the desk, under
// the incident's lock. It keeps no idempotency key, since tapping twice is
// harmless by itself and the second tap wants to know how things are now.
func (s *server) PerformAction(ctx context.Context, r PerformActionRequestObject) (PerformActionResponseObject, error) {
	button, who, err := s.Auth.VerifyAction(ctx, r.Body.Token)
	if err != nil {
		return nil, err
	}
	if err := who.Role.MayAct(); err != nil {
		return nil, err
	}
	done, err := s.perform(ctx, respond.Command{
		Name: respond.Verb(button.Name), IncidentID: button.IncidentID,
		Actor: actor(who, "notification", button.DeviceID), Principal: who.UserID,
		Tap: &respond.Tap{DeliveryID: button.DeliveryID, ExpiresAt: button.ExpiresAt},
	})
	return PerformAction200JSONResponse{done}, err
}
