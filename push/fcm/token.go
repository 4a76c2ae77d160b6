package fcm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

const (
	scope = "https://www.googleapis.com/auth/firebase.messaging"
	// early is how long before its end a token is replaced in the background,
	// so that no page ever waits for one.
	early = 10 * time.Minute
	// margin before its end a token is no longer used: clocks differ.
	margin = time.Minute
	// fetchTimeout bounds one request for a token, refetchAfter the time
	// between background attempts that fail.
	fetchTimeout = 10 * time.Second
	refetchAfter = 15 * time.Second
)

// tokens fetches the access tokens of one service account (RFC 7523) and hands
// out the current. Any number of callers share one fetch.
type tokens struct {
	account Account
	client  *http.Client
	now     func() time.Time
	ctx     context.Context // ends with close
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	current string
	expires time.Time
	retry   time.Time // no background fetch before
	fetch   *fetch    // the one under way
}

// fetch is a request for a token; err is set when done is closed.
type fetch struct {
	done chan struct{}
	err  error
}

// authError is why there is no access token, as a push result.
type authError struct {
	result push.Result
	cause  string
}

// Error gives the cause.
func (e *authError) Error() string { return "getting an FCM access token: " + e.cause }

func newTokens(a Account, c *http.Client, now func() time.Time) *tokens {
	ctx, stop := context.WithCancel(context.Background())
	return &tokens{account: a, client: c, now: now, ctx: ctx, stop: stop}
}

// get gives a token that is good for a while, waiting for one if need be.
func (t *tokens) get(ctx context.Context) (string, error) {
	for {
		token, f, err := t.look()
		if err != nil || token != "" {
			return token, err
		}
		select {
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// look gives the token in hand, or the fetch to wait for.
func (t *tokens) look() (string, *fetch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	usable := t.current != "" && now.Before(t.expires.Add(-margin))
	fresh := usable && now.Before(t.expires.Add(-early))
	if fresh {
		return t.current, nil, nil
	}
	if t.closed {
		return "", nil, wire.ErrClosed
	}
	if t.fetch == nil && (!usable || !now.Before(t.retry)) {
		t.fetch = &fetch{done: make(chan struct{})}
		t.retry = now.Add(refetchAfter)
		t.work.Go(t.run)
	}
	if usable {
		return t.current, nil, nil
	}
	return "", t.fetch, nil
}

// drop forgets a token that Google refused, unless it was replaced already.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == token {
		t.current = ""
	}
}

func (t *tokens) run() {
	ctx, cancel := context.WithTimeout(t.ctx, fetchTimeout)
	defer cancel()
	asked := t.now()
	token, life, err := t.ask(ctx, asked)
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.fetch
	t.fetch = nil
	if f.err = err; err == nil {
		t.current, t.expires = token, asked.Add(life)
	}
	close(f.done)
}

// ask makes one request for a token.
func (t *tokens) ask(ctx context.Context, now time.Time) (string, time.Duration, error) {
	assertion, err := t.assertion(now)
	if err != nil {
		return "", 0, &authError{push.Result{Class: push.ClassConfigBroken, Reason: "oauth_unsigned"}, err.Error()}
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.account.TokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, &authError{push.Result{Class: push.ClassConfigBroken, Reason: "oauth_bad_address"}, err.Error()}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := t.client.Do(req)
	if err != nil {
		return "", 0, t.unreachable(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, wire.AnswerLimit))
	if err != nil {
		return "", 0, t.unreachable(err)
	}
	return readToken(resp, body, now)
}

func (t *tokens) unreachable(err error) error {
	r := wire.Failure(t.ctx, &wire.DialError{Address: t.account.TokenURI, Err: err})
	r.Reason = "oauth_" + r.Reason
	return &authError{r, err.Error()}
}

// assertion is the JWT by which the account vouches for itself.
func (t *tokens) assertion(now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": t.account.Email, "scope": scope, "aud": t.account.TokenURI,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	token.Header["kid"] = t.account.KeyID
	return token.SignedString(t.account.key)
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

func (t *tokens) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.stop()
	t.work.Wait()
	t.client.CloseIdleConnections()
}
