package apns

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// exchange is one request and its answer, beside what apns2 knows of it.
type exchange struct {
	message push.Message
	topic   string
	now     func() time.Time
	// token is the provider token used; set beforehand for a resend.
	token    string
	unsigned error // no provider token could be made

	answered bool
	status   int
	header   http.Header
	body     []byte
}

type exchangeKey struct{}

func (x *exchange) into(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// roundTripper is what apns2's HTTP client sends through.
type roundTripper struct {
	tokens *tokens
	pool   *wire.Pool
}

// RoundTrip replaces apns2's headers and body by the exchange's and keeps the
// answer.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return t.pool.RoundTrip(req) // not made by this package
	}
	if x.token == "" {
		if x.token, x.unsigned = t.tokens.get(); x.unsigned != nil {
			return nil, x.unsigned
		}
	}
	resp, err := t.pool.RoundTrip(x.request(req))
	if err != nil {
		return nil, err
	}
	if resp.Body != http.NoBody {
		if x.body, err = io.ReadAll(resp.Body); err != nil { // bounded and in memory already
			return nil, err
		}
	}
	x.answered, x.status, x.header = true, resp.StatusCode, resp.Header
	// apns2 would parse the body again, and fail on a proxy's page.
	resp.Body = http.NoBody
	return resp, nil
}

// CloseIdleConnections is what apns2 asserts on its transport, without asking.
func (t *roundTripper) CloseIdleConnections() { t.pool.CloseIdleConnections() }

// request is apns2's with our headers and body. The keys are written in their
// canonical form (HTTP/2 lower-cases them) and the values share one array,
// which halves what a push allocates.
func (x *exchange) request(req *http.Request) *http.Request {
	m := x.message
	header := make(http.Header, 8)
	values := make([]string, 0, 8)
	set := func(name, value string) {
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Authorization", "bearer "+x.token)
	set("Apns-Topic", topic(x.topic, m))
	set("Apns-Push-Type", pushType(m))
	set("Apns-Priority", priority(m))
	set("Apns-Expiration", strconv.FormatInt(expiration(m.ExpiresAt), 10))
	set("Content-Type", "application/json")
	if m.UUID != "" {
		set("Apns-Id", m.UUID)
	}
	if m.CollapseID != "" {
		set("Apns-Collapse-Id", m.CollapseID)
	}
	out := *req
	out.Header = header
	out.ContentLength = int64(len(m.Body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Body)), nil }
	out.Body, _ = out.GetBody() // cannot fail
	return &out
}

func pushType(m push.Message) string {
	if m.PushType != "" {
		return m.PushType
	}
	if m.Background {
		return "background"
	}
	return "alert"
}

// topic is the app's with the ending that Apple wants for the push type.
func topic(bundleID string, m push.Message) string {
	if m.PushType == "" {
		return bundleID
	}
	return bundleID + ".push-type." + m.PushType
}

func priority(m push.Message) string {
	if m.Priority != 0 {
		return strconv.Itoa(m.Priority)
	}
	if m.High && !m.Background {
		return "10"
	}
	return "5"
}

// result sorts the answer.
func (x *exchange) result() push.Result {
	reason, since := readError(x.body)
	r := push.Result{
		Class: push.ClassifyAPNs(x.status, reason), Status: x.status, Reason: reason,
		RetryAfter: wire.RetryAfter(x.header.Get("Retry-After"), x.now()),
	}
	switch {
	case x.status == http.StatusOK:
		// The unique id opens Apple's delivery console; it exists in the sandbox.
		if r.ProviderID = x.header.Get("Apns-Unique-Id"); r.ProviderID == "" {
			r.ProviderID = x.header.Get("Apns-Id")
		}
	case reason == "":
		r.Reason = "http_" + strconv.Itoa(x.status)
	case x.status == http.StatusGone:
		r.Since = since
	}
	return r
}

// readError reads Apple's error body; a body that is something else gives no
// reason. The timestamp is in milliseconds.
func readError(body []byte) (reason string, since time.Time) {
	if len(body) == 0 {
		return "", time.Time{}
	}
	var e struct {
		Reason    string      `json:"reason"`
		Timestamp json.Number `json:"timestamp"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.Reason) > 100 {
		return "", time.Time{}
	}
	if ms, err := e.Timestamp.Int64(); err == nil && ms > 0 && ms < maxMilli {
		since = time.UnixMilli(ms).UTC()
	}
	return e.Reason, since
}

// maxMilli is the year 3000: a larger number is no time.
const maxMilli = 32503680000000
