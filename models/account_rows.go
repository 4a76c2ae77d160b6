package models

import (
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
)

// User is a row of users.
type User struct {
	ID           string `gorm:"primaryKey"`
	Email        string
	Name         string
	Role         string
	TimeZone     string
	Locale       string
	PasswordHash string
	Disabled     bool
	CreatedAt    stamp `gorm:"autoCreateTime:false"`
}

func userRow(u auth.User) User {
	return User{
		ID: u.ID, Email: u.Email, Name: clean(u.Name), Role: string(u.Role), TimeZone: u.TimeZone, Locale: u.Locale,
		PasswordHash: u.PasswordHash, Disabled: u.Disabled, CreatedAt: at(u.CreatedAt),
	}
}

func (r User) noun() auth.User {
	return auth.User{
		ID: r.ID, Email: r.Email, Name: r.Name, Role: auth.Role(r.Role), TimeZone: r.TimeZone, Locale: r.Locale,
		PasswordHash: r.PasswordHash, Disabled: r.Disabled, CreatedAt: r.CreatedAt.Time,
	}
}

// Rule is a row of rules: one of a person's notification rules.
type Rule struct {
	ID       string `gorm:"primaryKey"`
	UserID   string
	Position int
	Urgency  string
	Method   string
	Delay    int64
	DeviceID string
	// DisplayedWithin is in nanoseconds; 0 is off.
	DisplayedWithin int64
}

func ruleRow(userID string, position int, r oncall.Rule) Rule {
	return Rule{
		ID: r.ID, UserID: userID, Position: position, Urgency: r.Urgency, Method: string(r.Method),
		Delay: int64(r.Delay), DeviceID: r.DeviceID, DisplayedWithin: int64(r.DisplayedWithin),
	}
}

func (r Rule) noun() oncall.Rule {
	return oncall.Rule{
		ID: r.ID, Urgency: r.Urgency, Method: oncall.Method(r.Method), Delay: time.Duration(r.Delay), DeviceID: r.DeviceID,
		DisplayedWithin: time.Duration(r.DisplayedWithin),
	}
}

// Session is a row of sessions.
type Session struct {
	ID         string `gorm:"primaryKey"`
	UserID     string
	Label      string
	CreatedAt  stamp `gorm:"autoCreateTime:false"`
	ExpiresAt  stamp
	RevokedAt  stamp
	RevokedWhy string
}

func sessionRow(s auth.Session) Session {
	return Session{
		ID: s.ID, UserID: s.UserID, Label: clean(s.Label), CreatedAt: at(s.CreatedAt), ExpiresAt: at(s.ExpiresAt),
		RevokedAt: at(s.RevokedAt), RevokedWhy: s.RevokedWhy,
	}
}

func (r Session) noun() auth.Session {
	return auth.Session{
		ID: r.ID, UserID: r.UserID, Label: r.Label, CreatedAt: r.CreatedAt.Time, ExpiresAt: r.ExpiresAt.Time,
		RevokedAt: r.RevokedAt.Time, RevokedWhy: r.RevokedWhy,
	}
}

// RefreshToken is a row of refresh_tokens: one link of a session's chain.
type RefreshToken struct {
	Hash      string `gorm:"primaryKey"`
	SessionID string
	CreatedAt stamp `gorm:"autoCreateTime:false"`
	UsedAt    stamp
}

func refreshRow(r auth.Refresh) RefreshToken {
	return RefreshToken{Hash: r.Hash, SessionID: r.SessionID, CreatedAt: at(r.CreatedAt), UsedAt: at(r.UsedAt)}
}

func (r RefreshToken) noun() auth.Refresh {
	return auth.Refresh{Hash: r.Hash, SessionID: r.SessionID, CreatedAt: r.CreatedAt.Time, UsedAt: r.UsedAt.Time}
}

// SigningKey is a row of signing_keys.
type SigningKey struct {
	KID       string `gorm:"primaryKey;column:kid"`
	Public    []byte
	Sealed    []byte
	CreatedAt stamp `gorm:"autoCreateTime:false"`
	SignFrom  stamp
	RetireAt  stamp
}

func signingKeyRow(k auth.SigningKey) SigningKey {
	return SigningKey{
		KID: k.KID, Public: presentBytes(k.Public), Sealed: presentBytes(k.Sealed),
		CreatedAt: at(k.CreatedAt), SignFrom: at(k.SignFrom), RetireAt: at(k.RetireAt),
	}
}

func (r SigningKey) noun() auth.SigningKey {
	return auth.SigningKey{
		KID: r.KID, Public: r.Public, Sealed: r.Sealed, CreatedAt: r.CreatedAt.Time, SignFrom: r.SignFrom.Time, RetireAt: r.RetireAt.Time,
	}
}
