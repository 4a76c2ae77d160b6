package fcm

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// ambient gets access tokens from the machine's own credentials, which Google
// calls application default credentials: the file that
// GOOGLE_APPLICATION_CREDENTIALS names (a service account, or a workload
// identity of another cloud), gcloud's, or the metadata server of Google Cloud.
// Organisations that forbid service account keys have nothing else.
//
// They are looked up anew for each token, once an hour: a file may be replaced,
// and Google's library keeps a token until its last seconds, we do not.
type ambient struct{ client *http.Client }

func (a *ambient) ask(ctx context.Context, now time.Time) (string, time.Duration, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, a.client)
	found, err := google.FindDefaultCredentials(ctx, scope)
	if err != nil {
		return "", 0, &authError{push.Result{Class: push.ClassConfigBroken, Reason: "oauth_no_credentials"}, err.Error()}
	}
	token, err := found.TokenSource.Token()
	if err != nil {
		return "", 0, ambientTrouble(ctx, err, now)
	}
	life := time.Hour
	if !token.Expiry.IsZero() {
		life = token.Expiry.Sub(now)
	}
	if token.AccessToken == "" || life <= 0 {
		return "", 0, &authError{push.Result{Class: push.ClassProviderDown, Reason: "oauth_no_token"}, "the answer held no token that lives"}
	}
	return token.AccessToken, life, nil
}

// ambientTrouble sorts what Google's library says: a refusal with a code of its
// own is for people to mend, everything else passes.
func ambientTrouble(ctx context.Context, err error, now time.Time) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return unreachable(ctx, "the machine's own credentials", err)
	}
	status := refused.Response.StatusCode
	r := push.Result{Class: push.ClassProviderDown, Status: status, Reason: "oauth_refused", RetryAfter: wire.RetryAfter(refused.Response.Header.Get("Retry-After"), now)}
	if refused.ErrorCode != "" && status >= 400 && status < 500 && status != http.StatusTooManyRequests {
		r.Class, r.Reason = push.ClassConfigBroken, "oauth_"+word(refused.ErrorCode)
	}
	return &authError{r, err.Error()}
}

func (a *ambient) close() { a.client.CloseIdleConnections() }
