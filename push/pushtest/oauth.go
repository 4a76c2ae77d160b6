package pushtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
)

const (
	grantJWT    = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	scopeFCM    = "https://www.googleapis.com/auth/firebase.messaging"
	scopeCloud  = "https://www.googleapis.com/auth/cloud-platform"
	bearerLife  = time.Hour
	keepBearers = 10_000
)

// bearer is an access token we issued.
type bearer struct {
	project string
	expires time.Time
}

// serveToken is Google's token endpoint for service accounts (RFC 7523).
func (e *Emulator) serveToken(c *call) {
	if f := e.faults.takeOAuth(); f != nil {
		if e.disturb(c, f, func() {}, func() answer {
			return answer{status: f.Status, body: []byte(f.Body), header: jsonHeader}.retryAfter(f.RetryAfter)
		}) {
			return
		}
	}
	token, err := e.grant(c)
	var no *oauthError
	if errors.As(err, &no) {
		e.noteRefusal(Refusal{Provider: push.FCM, Status: 400, Reason: no.Code, Why: no.Description})
		body, _ := json.Marshal(no)
		e.later(0, func() { c.reply.answer(answer{status: 400, body: body, header: jsonHeader}) })
		return
	}
	body, _ := json.Marshal(map[string]any{
		"access_token": token, "expires_in": int(bearerLife.Seconds()) - 1, "token_type": "Bearer",
	})
	e.later(0, func() { c.reply.answer(answer{status: 200, body: body, header: jsonHeader}) })
}

// oauthError is RFC 6749's error body.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error gives the description.
func (e *oauthError) Error() string { return e.Description }

func (e *Emulator) grant(c *call) (string, error) {
	if c.method != http.MethodPost {
		return "", &oauthError{"invalid_request", "access tokens are asked for with POST"}
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil || form.Get("grant_type") != grantJWT {
		return "", &oauthError{"unsupported_grant_type", "Invalid grant_type: " + form.Get("grant_type")}
	}
	a, err := e.assertion(form.Get("assertion"))
	if err != nil {
		return "", &oauthError{"invalid_grant", "Invalid JWT: " + err.Error()}
	}
	token := "ya29." + randomHex(64)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.bearers) >= keepBearers {
		clear(e.bearers)
	}
	e.bearers[token] = bearer{project: a.project, expires: e.now().Add(bearerLife)}
	return token, nil
}

// assertion verifies the JWT a service account signed for itself.
func (e *Emulator) assertion(raw string) (*account, error) {
	var a *account
	claims := struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"`
	}{}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(e.FCMURL()+"/token"), jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(e.now),
	)
	_, err := parser.ParseWithClaims(raw, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		e.mu.RLock()
		defer e.mu.RUnlock()
		if a = e.accounts[kid]; a == nil {
			return nil, errors.New("the key id (kid) is of no service account here")
		}
		return a.public, nil
	})
	switch {
	case err != nil:
		return nil, err
	case claims.Issuer != a.email:
		return nil, errors.New("iss is not the account's client_email")
	case claims.IssuedAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > time.Hour:
		return nil, errors.New("it must live at most an hour (iat, exp)")
	case !mayPush(claims.Scope):
		return nil, errors.New("the scope must name " + scopeFCM)
	}
	return a, nil
}

// mayPush looks for one of the scopes that allow pushes among those asked for.
func mayPush(scopes string) bool {
	return slices.ContainsFunc(strings.Fields(scopes), func(s string) bool { return s == scopeFCM || s == scopeCloud })
}

// RevokeBearers makes every access token issued so far invalid.
func (e *Emulator) RevokeBearers() {
	e.mu.Lock()
	clear(e.bearers)
	e.mu.Unlock()
}
