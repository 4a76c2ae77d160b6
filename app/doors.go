package app

import (
	"context"
	"encoding/json"

	"github.com/nightbell/nightbell/api"
	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/respond"
)

// The rooms on one floor do not know each other; these small types carry a
// word from one to the next.

// signer lets push have its buttons sealed by auth.
type signer struct{ auth *auth.Service }

// SignAction implements push.Signer.
func (s signer) SignAction(a push.Action) (string, error) {
	return s.auth.SignAction(auth.ActionClaims(a))
}

// streamDoor lets realtime ask auth who is there.
type streamDoor struct{ auth *auth.Service }

// Viewer implements realtime.Authenticator.
func (d streamDoor) Viewer(ctx context.Context, token string) (realtime.Viewer, error) {
	p, err := d.auth.Authenticate(ctx, token)
	if err != nil {
		return realtime.Viewer{}, err
	}
	return realtime.Viewer{UserID: p.UserID, SessionID: p.SessionID, ExpiresAt: p.ExpiresAt}, nil
}

// streamActor lets realtime act at respond's desk.
type streamActor struct {
	auth *auth.Service
	desk *respond.Desk
}

// Do implements realtime.Actor, for those who may. The socket was opened with a
// session that may have ended since.
func (s streamActor) Do(ctx context.Context, v realtime.Viewer, key, action, incidentID string) ([]byte, error) {
	who, err := s.auth.Holder(ctx, v.SessionID)
	if err != nil {
		return nil, err
	}
	if err := who.Role.MayAct(); err != nil {
		return nil, err
	}
	cmd := respond.Command{
		Name: respond.Verb(action), IncidentID: incidentID, Principal: who.UserID, Key: key,
		Actor: incident.Actor{Kind: incident.ActorUser, ID: who.UserID, Name: who.Name, Via: "app"},
	}
	answer, err := s.desk.Act(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return json.Marshal(api.ResultOf(cmd, answer))
}
