package auth

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// Audiences part the kinds of tokens: none passes for the other.
const (
	accessAudience = "nightbell"
	actionAudience = "nightbell:act"
)

// maxToken bounds what is parsed at all; ours have a few hundred bytes.
const maxToken = 2048

// ActionClaims is what one notification button may do: one action, for one
// person, from one device, because of one delivery. The fields are those of
// push.Action, so that one converts into the other.
type ActionClaims struct {
	Name       string // "acknowledge" or "resolve"
	IncidentID string
	DeliveryID string
	UserID     string
	DeviceID   string
	ExpiresAt  time.Time
}

// accessClaims are those of an access token (in the manner of RFC 9068).
type accessClaims struct {
	baseClaims
	Session string `json:"sid"`
	Role    Role   `json:"role"`
}

// actionClaims are short, because two of them must fit into a push payload.
// The jti says delivery and action in one.
type actionClaims struct {
	baseClaims
	ID       string `json:"jti"`
	Incident string `json:"inc"`
	Device   string `json:"dev"`
}

// baseClaims implements jwt.Claims with a plain string as audience.
type baseClaims struct {
	Issuer   string           `json:"iss"`
	Audience string           `json:"aud"`
	Subject  string           `json:"sub"`
	Issued   *jwt.NumericDate `json:"iat,omitempty"`
	Expires  *jwt.NumericDate `json:"exp"`
}

func (c baseClaims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires, nil }
func (c baseClaims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.Issued, nil }
func (c baseClaims) GetNotBefore() (*jwt.NumericDate, error)      { return nil, nil }
func (c baseClaims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c baseClaims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c baseClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}

// signAccess makes an access token of the usual life.
func (s *Service) signAccess(u User, sessionID string) (token string, expires time.Time, err error) {
	return s.signAccessUntil(u, sessionID, s.now().Add(AccessLife))
}

// signAccessUntil makes an access token; expires is until, as the token says it.
func (s *Service) signAccessUntil(u User, sessionID string, until time.Time) (token string, expires time.Time, err error) {
	expires = until.Truncate(time.Second)
	key, err := s.signingKey()
	if err != nil {
		return "", time.Time{}, err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, accessClaims{
		baseClaims: s.base(accessAudience, u.ID, s.now(), expires), Session: sessionID, Role: u.Role,
	})
	t.Header["typ"] = "at+jwt"
	token, err = signed(t, key.KID, key.private)
	return token, expires, err
}

// SignAction makes the token behind one notification button. It expires with
// the notification, and after [MaxActionLife] at the latest.
func (s *Service) SignAction(a ActionClaims) (string, error) {
	expires := a.ExpiresAt
	if latest := s.now().Add(MaxActionLife); expires.IsZero() || expires.After(latest) {
		expires = latest
	}
	key, err := s.signingKey()
	if err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, actionClaims{
		baseClaims: s.base(actionAudience, a.UserID, time.Time{}, expires),
		ID:         a.DeliveryID + "." + a.Name, Incident: a.IncidentID, Device: a.DeviceID,
	})
	delete(t.Header, "typ") // it saves bytes
	return signed(t, key.KID, key.action)
}

func (s *Service) base(audience, subject string, issued, expires time.Time) baseClaims {
	c := baseClaims{Issuer: s.issuer, Audience: audience, Subject: subject, Expires: jwt.NewNumericDate(expires)}
	if !issued.IsZero() {
		c.Issued = jwt.NewNumericDate(issued)
	}
	return c
}

// signed makes the compact form.
func signed(t *jwt.Token, kid string, key any) (string, error) {
	t.Header["kid"] = kid
	text, err := t.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return text, nil
}

// parse believes a token only if everything about it is ours.
func (s *Service) parse(token, audience string, claims jwt.Claims) error {
	return s.parseAt(token, audience, claims, s.now)
}

// parseAt is parse by another clock.
func (s *Service) parseAt(token, audience string, claims jwt.Claims, now func() time.Time) error {
	switch {
	case token == "":
		return fault.New(fault.Unauthenticated, "token_missing", "send the access token as \"Authorization: Bearer …\"; sign in to get one")
	case len(token) > maxToken:
		return errTokenInvalid(errors.New("too long"))
	}
	method, keyOf := jwt.SigningMethodEdDSA.Alg(), s.accessKeyOf
	if audience == actionAudience {
		method, keyOf = jwt.SigningMethodHS256.Alg(), s.actionKeyOf
	}
	_, err := jwt.ParseWithClaims(token, claims, keyOf,
		jwt.WithValidMethods([]string{method}), jwt.WithIssuer(s.issuer),
		jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithTimeFunc(now), jwt.WithStrictDecoding())
	if errors.Is(err, jwt.ErrTokenExpired) {
		return fault.Wrap(err, fault.Unauthenticated, "token_expired", "the token has expired; refresh the session and try again")
	}
	if err != nil {
		return errTokenInvalid(err)
	}
	return nil
}

func (s *Service) accessKeyOf(t *jwt.Token) (any, error) {
	key, err := s.namedBy(t)
	if err != nil {
		return nil, err
	}
	return ed25519.PublicKey(key.Public), nil
}

func (s *Service) actionKeyOf(t *jwt.Token) (any, error) {
	key, err := s.namedBy(t)
	if err != nil {
		return nil, err
	}
	return key.action, nil
}

func (s *Service) namedBy(t *jwt.Token) (*ringKey, error) {
	kid, _ := t.Header["kid"].(string)
	key, ok := s.published(kid)
	if !ok {
		return nil, fmt.Errorf("no key %.32q is published here", kid)
	}
	return key, nil
}

// parseAction reads the token of a button, one that has expired too: it must
// have been good while it lived.
func (s *Service) parseAction(token string) (c actionClaims, err error) {
	err = s.parse(token, actionAudience, &c)
	if fault.Is(err, "token_expired") && c.Expires != nil {
		alive := c.Expires.Add(-time.Second)
		err = s.parseAt(token, actionAudience, &c, func() time.Time { return alive })
	}
	return c, err
}

// actionOf reads a verified token's claims back, and refuses ids of the wrong
// kind: the signature is ours, so that would be our own mistake.
func actionOf(c actionClaims) (ActionClaims, error) {
	const idLength = len(id.Delivery) + 1 + 26
	if len(c.ID) <= idLength+1 || c.ID[idLength] != '.' {
		return ActionClaims{}, errTokenInvalid(errors.New("malformed jti"))
	}
	a := ActionClaims{
		Name: c.ID[idLength+1:], IncidentID: c.Incident, DeliveryID: c.ID[:idLength],
		UserID: c.Subject, DeviceID: c.Device, ExpiresAt: c.Expires.UTC(),
	}
	err := errors.Join(id.Check(id.Incident, a.IncidentID), id.Check(id.Delivery, a.DeliveryID),
		id.Check(id.User, a.UserID), id.Check(id.Device, a.DeviceID))
	if err != nil {
		return ActionClaims{}, errTokenInvalid(err)
	}
	return a, nil
}

func errTokenInvalid(cause error) error {
	return fault.Wrap(cause, fault.Unauthenticated, "token_invalid", "this is not a valid token of this server; sign in again")
}
