package auth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nightbell/nightbell/fault"
)

const (
	// sessionCacheFor is how long a look at session and user is believed: the
	// most a sign-out on another node may lag.
	sessionCacheFor = 15 * time.Second
	// sessionCacheSize bounds the sessions remembered.
	sessionCacheSize = 10_000
)

// Principal is who is asking.
type Principal struct {
	UserID    string
	Name      string
	Role      Role
	SessionID string
	// ExpiresAt is the end of the access token presented.
	ExpiresAt time.Time
}

// Authenticate tells whose access token this is. Refusals are
// fault.Unauthenticated: token_missing, token_invalid, token_expired,
// session_ended; or fault.Forbidden: account_disabled.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	var c accessClaims
	if err := s.parse(token, accessAudience, &c); err != nil {
		return Principal{}, err
	}
	p, err := s.Holder(ctx, c.Session)
	if err != nil {
		return Principal{}, err
	}
	if p.UserID != c.Subject {
		return Principal{}, errTokenInvalid(fmt.Errorf("session %s is not of user %s", c.Session, c.Subject))
	}
	p.ExpiresAt = c.Expires.UTC()
	return p, nil
}

// Holder tells who is behind a session now, with the refusals session_ended
// and account_disabled: for connections that outlive the look at their token.
func (s *Service) Holder(ctx context.Context, sessionID string) (Principal, error) {
	return s.alive.get(ctx, sessionID, s.loadPrincipal)
}

// endedWindow is how far [Service.Ended] looks back: longer than a look at a
// session is believed anywhere, and than clocks of nodes differ.
const endedWindow = time.Minute

// Ended gives the sessions that ended on any node during the last minute, and
// forgets them here. Ask every few seconds, and end what they hold open.
func (s *Service) Ended(ctx context.Context) ([]string, error) {
	ended, err := s.store.RevokedSince(ctx, s.now().Add(-endedWindow))
	if err != nil {
		return nil, fmt.Errorf("looking for ended sessions: %w", err)
	}
	for _, session := range ended {
		s.alive.forget(session)
	}
	return ended, nil
}

// VerifyAction tells what the token behind a button may do, and for whom. It
// needs no session, but its user must still have an account. Whether device
// and incident still exist is for the caller to see, and so is ExpiresAt: a
// button that has expired is a calm matter when its incident is over.
func (s *Service) VerifyAction(ctx context.Context, token string) (ActionClaims, Principal, error) {
	c, err := s.parseAction(token)
	if err != nil {
		return ActionClaims{}, Principal{}, err
	}
	a, err := actionOf(c)
	if err != nil {
		return ActionClaims{}, Principal{}, err
	}
	u, err := s.enabledUser(ctx, a.UserID)
	if err != nil {
		return ActionClaims{}, Principal{}, err
	}
	return a, Principal{UserID: u.ID, Name: u.Name, Role: u.Role, ExpiresAt: a.ExpiresAt}, nil
}

// User gives the account behind an id; fault.NotFound if there is none.
func (s *Service) User(ctx context.Context, userID string) (User, error) {
	return s.store.UserByID(ctx, userID)
}

// loadPrincipal looks at the session and its user as they are now.
func (s *Service) loadPrincipal(ctx context.Context, sessionID string) (Principal, error) {
	ses, err := s.store.Session(ctx, sessionID)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		return Principal{}, errSessionEnded()
	case err != nil:
		return Principal{}, fmt.Errorf("reading session %s: %w", sessionID, err)
	case !ses.RevokedAt.IsZero() || !s.now().Before(ses.ExpiresAt):
		return Principal{}, errSessionEnded()
	}
	u, err := s.enabledUser(ctx, ses.UserID)
	if err != nil {
		return Principal{}, err
	}
	return Principal{UserID: u.ID, Name: u.Name, Role: u.Role, SessionID: ses.ID}, nil
}

// enabledUser refuses users that are gone or disabled.
func (s *Service) enabledUser(ctx context.Context, userID string) (User, error) {
	u, err := s.store.UserByID(ctx, userID)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound:
		return User{}, errSessionEnded()
	case err != nil:
		return User{}, fmt.Errorf("reading user %s: %w", userID, err)
	case u.Disabled:
		return User{}, errDisabled()
	}
	return u, nil
}

func errSessionEnded() error {
	return fault.New(fault.Unauthenticated, "session_ended", "the session has ended; sign in again")
}

func errDisabled() error {
	return fault.New(fault.Forbidden, "account_disabled", "this account is disabled; ask an administrator to enable it")
}

// principals remembers for a moment who is behind a session, so that a request
// does not cost two queries.
type principals struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[string]sighting
	// forgotten counts calls of forget: a look begun before one is not kept.
	forgotten int
}

type sighting struct {
	principal Principal
	until     time.Time
}

func newPrincipals(now func() time.Time) *principals {
	return &principals{now: now, seen: make(map[string]sighting)}
}

// get answers from memory or by load; only good answers are remembered.
func (p *principals) get(ctx context.Context, sessionID string, load func(context.Context, string) (Principal, error)) (Principal, error) {
	p.mu.Lock()
	s, ok := p.seen[sessionID]
	before := p.forgotten
	p.mu.Unlock()
	asked := p.now()
	if ok && asked.Before(s.until) {
		return s.principal, nil
	}
	got, err := load(ctx, sessionID)
	if err != nil {
		return Principal{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before == p.forgotten {
		p.makeRoom()
		p.seen[sessionID] = sighting{got, asked.Add(sessionCacheFor)}
	}
	return got, nil
}

func (p *principals) forget(sessionID string) {
	p.mu.Lock()
	delete(p.seen, sessionID)
	p.forgotten++
	p.mu.Unlock()
}

// makeRoom keeps the map bounded: first the stale go, then whoever comes
// first, a quarter at a time, so that the sweep is rare.
func (p *principals) makeRoom() {
	if len(p.seen) < sessionCacheSize {
		return
	}
	now := p.now()
	for k, s := range p.seen {
		if !now.Before(s.until) {
			delete(p.seen, k)
		}
	}
	for k := range p.seen {
		if len(p.seen) <= sessionCacheSize*3/4 {
			return
		}
		delete(p.seen, k)
	}
}
