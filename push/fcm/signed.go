package fcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// signed gets access tokens for what a service account's key has signed (RFC 7523).
type signed struct {
	account Account
	client  *http.Client
}

// ask makes one request for a token.
func (s *signed) ask(ctx context.Context, now time.Time) (string, time.Duration, error) {
	assertion, err := s.assertion(now)
	if err != nil {
		return "", 0, &authError{push.Result{Class: push.ClassConfigBroken, Reason: "oauth_unsigned"}, err.Error()}
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.account.TokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, &authError{push.Result{Class: push.ClassConfigBroken, Reason: "oauth_bad_address"}, err.Error()}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.client.Do(req)
	if err != nil {
		return "", 0, unreachable(ctx, s.account.TokenURI, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, wire.AnswerLimit))
	if err != nil {
		return "", 0, unreachable(ctx, s.account.TokenURI, err)
	}
	return readToken(resp, body, now)
}

// assertion is the JWT by which the account vouches for itself.
func (s *signed) assertion(now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": s.account.Email, "scope": scope, "aud": s.account.TokenURI,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	token.Header["kid"] = s.account.KeyID
	return token.SignedString(s.account.key)
}

// readToken reads the endpoint's answer (RFC 6749, 5).
func readToken(resp *http.Response, body []byte, now time.Time) (string, time.Duration, error) {
	var a struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	broken := json.Unmarshal(body, &a) != nil
	life := min(a.ExpiresIn, int64(24*time.Hour/time.Second))
	if resp.StatusCode == http.StatusOK && !broken && a.AccessToken != "" && life > 0 {
		return a.AccessToken, time.Duration(life) * time.Second, nil
	}
	e := &authError{cause: fmt.Sprintf("status %d %s %s", resp.StatusCode, a.Error, a.Description)}
	e.result = push.Result{
		Class: push.ClassProviderDown, Status: resp.StatusCode, Reason: "oauth_http_" + strconv.Itoa(resp.StatusCode),
		RetryAfter: wire.RetryAfter(resp.Header.Get("Retry-After"), now),
	}
	if named := !broken && a.Error != ""; named && resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
		// Google itself refuses the account: a revoked key, a wrong clock.
		e.result.Class, e.result.Reason = push.ClassConfigBroken, "oauth_"+a.Error
	}
	return "", 0, e
}

// unreachable: nobody answered when a token was asked for, or not in time.
func unreachable(ctx context.Context, address string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		ctx = context.WithoutCancel(ctx) // the fetch's own end; the push may have time left
	}
	r := wire.Failure(ctx, &wire.DialError{Address: address, Err: err})
	r.Reason = "oauth_" + r.Reason
	return &authError{r, err.Error()}
}

func (s *signed) close() { s.client.CloseIdleConnections() }
