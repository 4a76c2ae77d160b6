package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// refreshPrefix lets people and scanners see what leaked.
const refreshPrefix = "nbr_"

// Login is somebody at the door.
type Login struct {
	Email    string
	Password string
	// Label is what the client calls itself, for the list of sessions.
	Label string
	// Address is where the request came from, for the limit on attempts.
	Address string
}

// Tokens is what a signed-in client holds.
type Tokens struct {
	Access          string
	AccessExpiresAt time.Time
	// Refresh is good for one use, until RefreshExpiresAt.
	Refresh          string
	RefreshExpiresAt time.Time
	SessionID        string
	User             User
}

// SignIn opens a session for an email and a password. Refusals: bad_credentials
// (whatever was wrong of the two), account_disabled (only told to whoever knows
// the password), too_many_attempts, login_busy.
func (s *Service) SignIn(ctx context.Context, l Login) (Tokens, error) {
	l.Email = strings.ToLower(strings.TrimSpace(l.Email))
	now := s.now()
	if err := s.countAttempt(ctx, l, now); err != nil {
		return Tokens{}, err
	}
	u, err := s.checkLogin(ctx, l)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.forgiveAttempts(ctx, l, now); err != nil {
		return Tokens{}, err
	}
	return s.openSession(ctx, u, l.Label)
}

// checkLogin takes as long for an email nobody has as for a wrong password.
func (s *Service) checkLogin(ctx context.Context, l Login) (User, error) {
	u, err := s.store.UserByEmail(ctx, l.Email)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return User{}, fmt.Errorf("looking for a user: %w", err)
	}
	hash := u.PasswordHash
	if known := err == nil && hash != ""; !known {
		hash = nobodysHash
	}
	ok, err := verifyPassword(ctx, hash, l.Password)
	if err != nil {
		return User{}, err
	}
	if !ok || u.ID == "" || u.PasswordHash == "" {
		return User{}, fault.New(fault.Unauthenticated, "bad_credentials", "email or password is wrong; check both and try again")
	}
	if u.Disabled {
		return User{}, errDisabled()
	}
	return u, nil
}

func (s *Service) openSession(ctx context.Context, u User, label string) (Tokens, error) {
	now := s.now()
	ses := Session{ID: id.New(id.Session), UserID: u.ID, Label: label, CreatedAt: now, ExpiresAt: now.Add(SessionLife)}
	token, link := s.newLink(ses.ID)
	if err := s.store.CreateSession(ctx, ses, link); err != nil {
		return Tokens{}, fmt.Errorf("opening a session: %w", err)
	}
	return s.tokens(u, ses, token)
}

// Refresh trades a refresh token for new tokens. Each is good for one use; a
// second use within [RefreshGrace] is taken for a lost answer and gets fresh
// tokens too, a later one for theft: it ends the session. Refusals:
// refresh_invalid, refresh_reused, session_ended, account_disabled.
func (s *Service) Refresh(ctx context.Context, refresh string) (Tokens, error) {
	var ses Session
	token := ""
	err := s.store.UseRefresh(ctx, hashRefresh(refresh), func(family Session, used Refresh) (RefreshVerdict, error) {
		ses = family
		var v RefreshVerdict
		var err error
		token, v, err = s.judge(family, used)
		return v, err
	})
	switch {
	case err == nil:
	case fault.KindOf(err) == fault.NotFound:
		return Tokens{}, fault.Wrap(err, fault.Unauthenticated, "refresh_invalid", "this refresh token is not known; sign in again")
	default:
		s.alive.forget(ses.ID) // judge may have revoked the family
		return Tokens{}, err
	}
	u, err := s.enabledUser(ctx, ses.UserID)
	if fault.Is(err, "account_disabled") {
		if err := s.endSession(ctx, ses.ID, "user_disabled"); err != nil {
			return Tokens{}, err
		}
	}
	if err != nil {
		return Tokens{}, err
	}
	return s.tokens(u, ses, token)
}

// judge is the rule of rotation. It runs inside the store's transaction, maybe
// twice, so it only decides.
func (s *Service) judge(family Session, used Refresh) (token string, v RefreshVerdict, err error) {
	now := s.now()
	v.At = now
	switch {
	case !family.RevokedAt.IsZero(), !now.Before(family.ExpiresAt):
		return "", v, errSessionEnded()
	case !used.UsedAt.IsZero() && now.After(used.UsedAt.Add(RefreshGrace)):
		v.Revoke = "reuse"
		return "", v, fault.New(fault.Unauthenticated, "refresh_reused",
			"this refresh token was used before, so somebody else may have it; the session was ended, sign in again")
	case used.UsedAt.IsZero() && !now.Before(used.CreatedAt.Add(RefreshIdle)):
		v.Revoke = "idle"
		return "", v, errSessionEnded()
	}
	token, link := s.newLink(family.ID)
	v.Next = &link
	if used.UsedAt.IsZero() {
		// A use within the grace does not move the mark: the grace is no chain.
		v.UsedAt = now
	}
	return token, v, nil
}

// SignOut ends a session. Ending it twice is no error.
func (s *Service) SignOut(ctx context.Context, sessionID string) error {
	return s.endSession(ctx, sessionID, "signed_out")
}

func (s *Service) endSession(ctx context.Context, sessionID, why string) error {
	err := s.store.RevokeSession(ctx, sessionID, why, s.now())
	s.alive.forget(sessionID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return fmt.Errorf("ending session %s: %w", sessionID, err)
	}
	return nil
}

func (s *Service) tokens(u User, ses Session, refresh string) (Tokens, error) {
	access, expires, err := s.signAccess(u, ses.ID)
	if err != nil {
		return Tokens{}, err
	}
	idle := s.now().Add(RefreshIdle)
	if idle.After(ses.ExpiresAt) {
		idle = ses.ExpiresAt
	}
	return Tokens{
		Access: access, AccessExpiresAt: expires, Refresh: refresh, RefreshExpiresAt: idle,
		SessionID: ses.ID, User: u,
	}, nil
}

// newLink makes a refresh token of 256 random bits and the row that knows it.
func (s *Service) newLink(sessionID string) (token string, link Refresh) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	token = refreshPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return token, Refresh{Hash: hashRefresh(token), SessionID: sessionID, CreatedAt: s.now()}
}

// hashRefresh needs no salt and no cost: the token is random itself.
func hashRefresh(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
