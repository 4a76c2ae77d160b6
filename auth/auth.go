package auth

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Role is what a user may do, from most to least.
type Role string

// Roles. Owner and admin manage everything; manager manages teams' things;
// responder handles incidents; stakeholder reads.
const (
	Owner       Role = "owner"
	Admin       Role = "admin"
	Manager     Role = "manager"
	Responder   Role = "responder"
	Stakeholder Role = "stakeholder"
)

// MayAct refuses those who may only look at incidents.
func (r Role) MayAct() error {
	switch r {
	case Owner, Admin, Manager, Responder:
		return nil
	default:
		return fault.New(fault.Forbidden, "role_too_low", "your role may look but not act; ask an administrator to make you a responder")
	}
}

// MayManage refuses those who may not change the instance itself: its push
// apps and their keys.
func (r Role) MayManage() error {
	if r == Owner || r == Admin {
		return nil
	}
	return fault.New(fault.Forbidden, "role_too_low", "only owners and admins may do this; ask one of them")
}

// MayOversee refuses those who may not look after others: whom a page would
// wake is between a person and those who plan the shifts.
func (r Role) MayOversee() error {
	if r == Owner || r == Admin || r == Manager {
		return nil
	}
	return fault.New(fault.Forbidden, "role_too_low", "only managers, admins and owners may do this; ask one of them")
}

// User is a person with an account.
type User struct {
	ID           string
	Email        string // lower-case
	Name         string
	Role         Role
	TimeZone     string // IANA
	Locale       string // BCP 47
	PasswordHash string // PHC string; empty: cannot sign in by password
	Disabled     bool
	CreatedAt    time.Time
}

// Session is one refresh-token family: a signed-in app.
type Session struct {
	ID        string // ses_…
	UserID    string
	Label     string // what the client called itself
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero while alive
	// RevokedWhy is signed_out, reuse, user_disabled, password_changed, …
	RevokedWhy string
}

// Refresh is one link of a family's chain. Only the token's hash is known.
type Refresh struct {
	Hash      string // hex SHA-256 of the opaque token
	SessionID string
	CreatedAt time.Time
	UsedAt    time.Time // zero until rotated
}

// SigningKey is an Ed25519 key pair; Sealed is the private half under the
// instance secret.
type SigningKey struct {
	KID       string
	Public    []byte
	Sealed    []byte
	CreatedAt time.Time
	// SignFrom is when it begins to sign (it is published before), RetireAt
	// when it is no longer published.
	SignFrom time.Time
	RetireAt time.Time
}

// Store is what auth needs from the database. Missing things are
// fault.NotFound.
type Store interface {
	UserByEmail(ctx context.Context, email string) (User, error)
	UserByID(ctx context.Context, id string) (User, error)
	// CreateSession stores a family and its first link.
	CreateSession(ctx context.Context, s Session, r Refresh) error
	// UseRefresh runs judge in one transaction on the link with this hash and
	// its family, both locked. judge returns the next link to store (the used
	// one is marked with usedAt) or nil, and whether to revoke the family.
	// judge's error is returned after what it asked for is committed.
	UseRefresh(ctx context.Context, hash string, judge func(Session, Refresh) (RefreshVerdict, error)) error
	Session(ctx context.Context, id string) (Session, error)
	RevokeSession(ctx context.Context, id, why string, at time.Time) error
	// RevokedSince gives the sessions that were revoked after a moment.
	RevokedSince(ctx context.Context, since time.Time) (ids []string, err error)
	// SigningKeys gives all keys not yet deleted, oldest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// AddSigningKey stores k unless a key with SignFrom within the same
	// rotation slot exists already (another node was first).
	AddSigningKey(ctx context.Context, k SigningKey, noneSince time.Time) (added bool, err error)
	// CountLogin notes a failed login for the key (an email or address) and
	// gives the failures since the moment, this one included (at least up to
	// one beyond MaxAttempts); ClearLogins forgets them, and UncountLogin one
	// of those noted at the moment.
	CountLogin(ctx context.Context, key string, at, since time.Time) (int, error)
	ClearLogins(ctx context.Context, key string) error
	UncountLogin(ctx context.Context, key string, at time.Time) error
}

// RefreshVerdict is what judge decided about a presented refresh token.
type RefreshVerdict struct {
	UsedAt time.Time // non-zero: mark the presented link used
	Next   *Refresh  // non-nil: store it
	Revoke string    // non-empty: revoke the family, with this reason
	At     time.Time
}
