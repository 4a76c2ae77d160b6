package auth

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// memory is a Store in memory, as the database's promises describe it.
type memory struct {
	mu       sync.Mutex
	users    map[string]User
	sessions map[string]Session
	links    map[string]Refresh
	keys     []SigningKey
	logins   map[string][]time.Time
	// reads counts looks at sessions, to see what the cache saves.
	reads int
}

func newMemory() *memory {
	return &memory{users: map[string]User{}, sessions: map[string]Session{}, links: map[string]Refresh{}, logins: map[string][]time.Time{}}
}

func none(what string) error {
	return fault.New(fault.NotFound, "not_found", "there is no such %s", what)
}

func (m *memory) UserByEmail(_ context.Context, email string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.users {
		if u.Email == email {
			return u, nil
		}
	}
	return User{}, none("user")
}

func (m *memory) UserByID(_ context.Context, id string) (User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u, ok := m.users[id]; ok {
		return u, nil
	}
	return User{}, none("user")
}

func (m *memory) CreateSession(_ context.Context, s Session, r Refresh) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[s.ID], m.links[r.Hash] = s, r
	return nil
}

func (m *memory) UseRefresh(_ context.Context, hash string, judge func(Session, Refresh) (RefreshVerdict, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	link, ok := m.links[hash]
	if !ok {
		return none("refresh token")
	}
	ses := m.sessions[link.SessionID]
	// The group-commit writer may run a function twice.
	_, _ = judge(ses, link)
	v, err := judge(ses, link)
	if !v.UsedAt.IsZero() {
		link.UsedAt = v.UsedAt
		m.links[hash] = link
	}
	if v.Next != nil {
		m.links[v.Next.Hash] = *v.Next
	}
	if v.Revoke != "" {
		ses.RevokedAt, ses.RevokedWhy = v.At, v.Revoke
		m.sessions[ses.ID] = ses
	}
	return err
}

func (m *memory) Session(_ context.Context, id string) (Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if s, ok := m.sessions[id]; ok {
		return s, nil
	}
	return Session{}, none("session")
}

func (m *memory) RevokedSince(_ context.Context, since time.Time) (ids []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.sessions {
		if s.RevokedAt.After(since) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (m *memory) RevokeSession(_ context.Context, id, why string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sessions[id]
	if !ok {
		return none("session")
	}
	if s.RevokedAt.IsZero() {
		s.RevokedAt, s.RevokedWhy = at, why
		m.sessions[id] = s
	}
	return nil
}

func (m *memory) SigningKeys(context.Context) ([]SigningKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys), nil
}

func (m *memory) AddSigningKey(_ context.Context, k SigningKey, noneSince time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.keys, func(o SigningKey) bool { return !o.SignFrom.Before(noneSince) }) {
		return false, nil
	}
	m.keys = append(m.keys, k)
	return true, nil
}

func (m *memory) CountLogin(_ context.Context, key string, at, since time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	recent := slices.DeleteFunc(m.logins[key], func(t time.Time) bool { return t.Before(since) })
	m.logins[key] = append(recent, at)
	return len(m.logins[key]), nil
}

func (m *memory) ClearLogins(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.logins, key)
	return nil
}

func (m *memory) UncountLogin(_ context.Context, key string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.logins[key], at.Equal); i >= 0 {
		m.logins[key] = slices.Delete(m.logins[key], i, i+1)
	}
	return nil
}

// house is a service on a store in memory, with a clock the test moves.
type house struct {
	*Service
	store *memory
	clock *clock
	ana   User
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	c.at = c.at.Add(d)
	c.mu.Unlock()
}

const (
	issuer      = "https://bell.example.com"
	anaPassword = "correct horse"
)

var testSecret = []byte(strings.Repeat("s", MinSecret))

// anasHash is made once: hashing is slow on purpose.
var anasHash = sync.OnceValues(func() (string, error) { return HashPassword(anaPassword) })

func open(t *testing.T) *house {
	t.Helper()
	hash, err := anasHash()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{store: newMemory(), clock: &clock{at: time.Date(2026, 3, 28, 2, 14, 0, 0, time.UTC)}}
	h.ana = User{ID: id.New(id.User), Email: "ana@example.com", Name: "Ana", Role: Responder, PasswordHash: hash}
	h.store.users[h.ana.ID] = h.ana
	h.Service = h.node(t, testSecret)
	return h
}

// node is one more node on the same store.
func (h *house) node(t *testing.T, secret []byte) *Service {
	t.Helper()
	s := New(Config{Store: h.store, Secret: secret, Issuer: issuer, Now: h.clock.now})
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) signIn(t *testing.T) Tokens {
	t.Helper()
	tok, err := h.SignIn(t.Context(), Login{Email: "ana@example.com", Password: anaPassword, Label: "Ana's phone", Address: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("%s: got %v, want code %s", what, err, code)
	}
}
