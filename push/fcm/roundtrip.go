package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// exchange is one request and its true answer, beside what firebase is shown.
type exchange struct {
	now    func() time.Time
	err    error // no answer came
	status int   // 0: no answer
	header http.Header
	body   []byte
}

type exchangeKey struct{}

func (x *exchange) into(ctx context.Context) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// roundTripper is what firebase's HTTP client sends through.
type roundTripper struct {
	pool   *wire.Pool
	tokens *tokens
	log    *slog.Logger
}

// RoundTrip sends the request with an access token and keeps the answer.
//
// To firebase it shows the answer only if it is 200, and else a plain 500:
// 503 and network errors are what firebase would retry by itself.
func (t *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		x = &exchange{now: time.Now} // not made by this package
	}
	t.exchange(req, x)
	status, body := x.status, x.body
	if status != http.StatusOK {
		status, body = http.StatusInternalServerError, []byte("{}")
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/2.0", ProtoMajor: 2,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// exchange makes the request, and once more when the access token was stale.
func (t *roundTripper) exchange(req *http.Request, x *exchange) {
	token := t.once(req, x)
	if x.status != http.StatusUnauthorized || token == "" {
		return
	}
	if e := readError(x.body); e.status != "UNAUTHENTICATED" || e.fcm != "" {
		return // it is not our token that is refused
	}
	t.log.Warn("FCM refused an access token before its time; fetching another")
	t.tokens.drop(token)
	t.once(req, x)
}

func (t *roundTripper) once(req *http.Request, x *exchange) (token string) {
	*x = exchange{now: x.now}
	if token, x.err = t.tokens.get(req.Context()); x.err != nil {
		return ""
	}
	out := *req
	out.Header = req.Header.Clone()
	out.Header.Set("Authorization", "Bearer "+token)
	if req.GetBody != nil {
		if out.Body, x.err = req.GetBody(); x.err != nil {
			return ""
		}
	}
	resp, err := t.pool.RoundTrip(&out)
	if err != nil {
		x.err = err
		return token
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // bounded and in memory already
	if err != nil {
		x.err = err
		return token
	}
	x.status, x.header, x.body = resp.StatusCode, resp.Header, body
	return token
}

// sort classifies an answer. name is what firebase read from a 200.
func (x *exchange) sort(name string) push.Result {
	if x.status == http.StatusOK {
		return push.Result{Class: push.ClassAccepted, Status: x.status, ProviderID: name}
	}
	e := readError(x.body)
	r := push.Result{
		Class: push.ClassifyFCM(x.status, e.code(), e.fcm != ""), Status: x.status, Reason: e.code(),
		RetryAfter: wire.RetryAfter(x.header.Get("Retry-After"), x.now()),
	}
	if r.Reason == "" {
		r.Reason = "http_" + strconv.Itoa(x.status)
	}
	return r
}

// fcmTrouble is what an error body says.
type fcmTrouble struct {
	status string // google.rpc.Code, such as NOT_FOUND
	fcm    string // FCM's own code, such as UNREGISTERED; empty: not FCM's answer
}

// code is FCM's word where there is one, else Google's.
func (e fcmTrouble) code() string {
	if e.fcm != "" {
		return e.fcm
	}
	return e.status
}

const fcmErrorType = "type.googleapis.com/google.firebase.fcm.v1.FcmError"

// readError reads Google's error body (google.rpc.Status in JSON). A body that
// is something else says nothing.
func readError(body []byte) fcmTrouble {
	var b struct {
		Error struct {
			Status  string            `json:"status"`
			Details []json.RawMessage `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &b) != nil {
		return fcmTrouble{}
	}
	e := fcmTrouble{status: word(b.Error.Status)}
	for _, raw := range b.Error.Details {
		var d struct {
			Type string `json:"@type"`
			Code string `json:"errorCode"`
		}
		// Details of other types may have any shape.
		if json.Unmarshal(raw, &d) == nil && d.Type == fcmErrorType {
			e.fcm = word(d.Code)
			break
		}
	}
	return e
}

// word keeps a code of sensible length.
func word(s string) string {
	if len(s) > 100 {
		return ""
	}
	return s
}
