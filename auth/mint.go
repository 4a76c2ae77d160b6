package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// MaxMintLife bounds tokens made without a sign-in.
const MaxMintLife = 24 * time.Hour

// Mint makes an access token for a user without a password, for whoever
// operates the instance (nightbell token). It belongs to a session of its own
// that ends with it, has no refresh token, and can be revoked like any other.
// Refusals: not_found, account_disabled, bad_ttl.
func (s *Service) Mint(ctx context.Context, email, label string, life time.Duration) (Tokens, error) {
	if life < time.Second || life > MaxMintLife {
		return Tokens{}, fault.New(fault.Invalid, "bad_ttl", "a token may live from 1s to %s, not %s", MaxMintLife, life)
	}
	u, err := s.store.UserByEmail(ctx, strings.ToLower(strings.TrimSpace(email)))
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		return Tokens{}, fault.New(fault.NotFound, "not_found", "there is no user with the e-mail %s; add one with nightbell user add", email)
	case err != nil:
		return Tokens{}, fmt.Errorf("looking for a user: %w", err)
	case u.Disabled:
		return Tokens{}, errDisabled()
	}
	now := s.now()
	ses := Session{ID: id.New(id.Session), UserID: u.ID, Label: label, CreatedAt: now, ExpiresAt: now.Add(life)}
	_, link := s.newLink(ses.ID) // the store wants a first link; nobody gets to know it
	if err := s.store.CreateSession(ctx, ses, link); err != nil {
		return Tokens{}, fmt.Errorf("opening a session: %w", err)
	}
	access, expires, err := s.signAccessUntil(u, ses.ID, now.Add(life))
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{Access: access, AccessExpiresAt: expires, SessionID: ses.ID, User: u}, nil
}
