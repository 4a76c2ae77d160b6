package pushtest

import (
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	providerTokenAge = time.Hour
	// clockSkew is how far ahead of ours a client's clock may be.
	clockSkew = 5 * time.Minute
	// keepVerified bounds the cache of checked signatures.
	keepVerified = 10_000
)

// verified is a provider token whose signature was good; its age is judged at
// every use.
type verified struct {
	keyID, team, environment string
	issued                   time.Time
}

// authenticate judges the authorization header of an APNs request.
func (e *Emulator) authenticate(c *call, environment string) *refusal {
	value, times := c.header("authorization")
	if times == 0 || value == "" {
		return refuse(403, "MissingProviderToken", "there is no authorization header; send: bearer <provider token>")
	}
	token := c.bearer()
	if token == "" {
		return refuse(403, "MissingProviderToken", "the authorization header is not of the form: bearer <provider token>")
	}
	v, no := e.verify(token)
	if no != nil {
		return no
	}
	now := e.now()
	switch age := now.Sub(v.issued); {
	case age > providerTokenAge:
		return refuse(403, "ExpiredProviderToken", "the provider token was issued %s ago; more than an hour is too old", age.Round(time.Second))
	case age < -clockSkew:
		return refuse(403, "InvalidProviderToken", "the provider token was issued %s in the future; check the sender's clock", (-age).Round(time.Second))
	case v.environment != "" && v.environment != environment:
		return refuse(403, "BadEnvironmentKeyIdInToken", "key %s is for %s only", v.keyID, v.environment)
	}
	return c.conn.admit(token, v, now)
}

// verify checks signature, algorithm, key and issuer; good answers are kept,
// as a sender uses one token for thousands of pushes.
func (e *Emulator) verify(token string) (verified, *refusal) {
	e.mu.RLock()
	v, ok := e.verified[token]
	e.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, no := e.verifySlowly(token)
	if no != nil {
		return v, no
	}
	e.mu.Lock()
	if len(e.verified) >= keepVerified {
		clear(e.verified)
	}
	e.verified[token] = v
	e.mu.Unlock()
	return v, nil
}

func (e *Emulator) verifySlowly(token string) (verified, *refusal) {
	var key *apnsKey
	claims := jwt.RegisteredClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation())
	_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		e.mu.RLock()
		defer e.mu.RUnlock()
		if key = e.keys[kid]; key == nil {
			return nil, errors.New("the key id (kid) is unknown")
		}
		return key.public, nil
	})
	switch {
	case err != nil:
		return verified{}, refuse(403, "InvalidProviderToken", "the provider token does not verify: %v", err)
	case claims.Issuer != key.team:
		return verified{}, refuse(403, "InvalidProviderToken", "the issuer (iss) %q is not the team of key %s", claims.Issuer, key.id)
	case claims.IssuedAt == nil:
		return verified{}, refuse(403, "InvalidProviderToken", "the provider token has no iat")
	}
	return verified{keyID: key.id, team: key.team, environment: key.environment, issued: claims.IssuedAt.Time}, nil
}

// teamOf gives the team behind the request's (already admitted) token.
func (e *Emulator) teamOf(c *call) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.verified[c.bearer()].team
}
