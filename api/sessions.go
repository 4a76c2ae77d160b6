package api

import (
	"context"
	"net/http"

	"github.com/nightbell/nightbell/auth"
)

// CreateSession signs in with a password.
func (s *server) CreateSession(ctx context.Context, r CreateSessionRequestObject) (CreateSessionResponseObject, error) {
	tokens, err := s.Auth.SignIn(ctx, auth.Login{
		Email: r.Body.Email, Password: r.Body.Password, Label: value(r.Body.Label), Address: address(ctx),
	})
	if err != nil {
		return nil, err
	}
	return CreateSession201JSONResponse(tokenSet(tokens)), nil
}

// RefreshSession trades a refresh token.
func (s *server) RefreshSession(ctx context.Context, r RefreshSessionRequestObject) (RefreshSessionResponseObject, error) {
	tokens, err := s.Auth.Refresh(ctx, r.Body.RefreshToken)
	if err != nil {
		return nil, err
	}
	return RefreshSession200JSONResponse(tokenSet(tokens)), nil
}

// DeleteCurrentSession signs out.
func (s *server) DeleteCurrentSession(ctx context.Context, _ DeleteCurrentSessionRequestObject) (DeleteCurrentSessionResponseObject, error) {
	if err := s.Auth.SignOut(ctx, caller(ctx).SessionID); err != nil {
		return nil, err
	}
	return DeleteCurrentSession204Response{}, nil
}

// GetMe says who asks.
func (s *server) GetMe(ctx context.Context, _ GetMeRequestObject) (GetMeResponseObject, error) {
	u, err := s.Auth.User(ctx, caller(ctx).UserID)
	if err != nil {
		return nil, err
	}
	return GetMe200JSONResponse(user(u)), nil
}

// serveKeys publishes the keys; they may be cached, being published a day
// before they sign.
func (s *server) serveKeys(x *exchange, r *http.Request) {
	x.route = "/.well-known/jwks.json"
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.wrongMethod(x, r, http.MethodGet)
		return
	}
	h := x.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=3600")
	_, _ = x.Write(s.Auth.JWKS()) // a client that has left needs no answer
}

func tokenSet(t auth.Tokens) TokenSet {
	return TokenSet{
		TokenType: "Bearer", AccessToken: t.Access, AccessExpiresAt: t.AccessExpiresAt,
		RefreshToken: t.Refresh, RefreshExpiresAt: t.RefreshExpiresAt, SessionId: t.SessionID, User: user(t.User),
	}
}

func user(u auth.User) User {
	return User{Id: u.ID, Email: u.Email, Name: u.Name, Role: string(u.Role), TimeZone: u.TimeZone, Locale: u.Locale}
}

// value is what an optional field holds, the zero value when it is absent.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// present points at v, or is nil when v is the zero value.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
