package apns

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// slot is what provider tokens' birth times are aligned to, so that a whole
	// fleet of nodes uses the same token: Apple counts every different one.
	slot = 30 * time.Minute
	// rest is how long Apple wants a token kept before a new one may come.
	rest = 20 * time.Minute
	// tokenAge is the age at which Apple refuses a token; oldMargin before it an
	// older one is no longer gone back to.
	tokenAge  = time.Hour
	oldMargin = 5 * time.Minute
)

// errTooSoon says that a new provider token may not be made yet.
var errTooSoon = errors.New("the last provider token is younger than 20 minutes")

// tokens makes the provider tokens (JWTs) of one key and hands out the current.
type tokens struct {
	team, keyID string
	key         *ecdsa.PrivateKey
	now         func() time.Time

	mu      sync.Mutex
	current string
	issued  time.Time // the token's iat
	minted  time.Time // when we made it; zero: never
	// before is the token that current replaced, for when Apple finds that too
	// early; held is until when current, such a token, must do.
	before       string
	beforeIssued time.Time
	held         time.Time
}

// get gives a token that Apple accepts now.
func (t *tokens) get() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	start := now.Truncate(slot)
	switch age := now.Sub(t.issued); {
	case t.minted.IsZero(), age >= tokenAge, age < -time.Minute:
		// None yet, or too old, or the clock was set back past its birth.
		return t.mintLocked(start, now)
	case now.Before(t.held): // Apple has just refused a newer one
	case start.After(t.issued) && now.Sub(t.minted) >= rest:
		return t.mintLocked(start, now)
	}
	return t.current, nil
}

// renew is called when Apple refused a token as expired, which means that our
// clock or the slot is off: it makes one born now, unless somebody already
// did or the last is too young to be replaced.
func (t *tokens) renew(refused string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != refused {
		return t.current, nil
	}
	now := t.now()
	if now.Sub(t.minted) < rest {
		return "", errTooSoon
	}
	return t.mintLocked(now.Truncate(time.Second), now)
}

// older is called when Apple refused a token as too new (it counts every
// different one, of all nodes): the one before it is used again while Apple
// takes it, and the next is made later. It reports false when there is none.
func (t *tokens) older(refused string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != refused {
		return t.current, true
	}
	now := t.now()
	left := t.beforeIssued.Add(tokenAge - oldMargin).Sub(now)
	if t.before == "" || left <= 0 {
		return "", false
	}
	t.current, t.issued, t.before = t.before, t.beforeIssued, ""
	t.held = now.Add(min(left, rest))
	return t.current, true
}

func (t *tokens) mintLocked(issued, now time.Time) (string, error) {
	token, err := sign(t.key, t.team, t.keyID, issued)
	if err != nil {
		return "", fmt.Errorf("signing an APNs provider token with key %s: %w", t.keyID, err)
	}
	t.before, t.beforeIssued = t.current, t.issued
	t.current, t.issued, t.minted = token, issued, now
	return token, nil
}

// sign makes an ES256 JWT (RFC 7518, 3.4). The signature is deterministic
// (RFC 6979), so nodes with the same key and slot make the same bytes.
func sign(key *ecdsa.PrivateKey, team, keyID string, issued time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": team, "iat": issued.Unix()})
	t.Header["kid"] = keyID
	text, err := t.SigningString()
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256([]byte(text))
	der, err := key.Sign(nil, hash[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return "", err
	}
	raw := make([]byte, 64)
	pair.R.FillBytes(raw[:32])
	pair.S.FillBytes(raw[32:])
	return text + "." + t.EncodeSegment(raw), nil
}
