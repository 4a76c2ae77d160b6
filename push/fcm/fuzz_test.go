package fcm

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
)

var fuzzNow = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// FuzzAnswer: no answer, from Google or from whoever sits between, makes a
// result that a pipeline could not bear.
func FuzzAnswer(f *testing.F) {
	f.Add(404, `{"error":{"code":404,"status":"NOT_FOUND","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNREGISTERED"}]}}`, "")
	f.Add(404, `{"error":{"status":"NOT_FOUND"}}`, "")
	f.Add(404, `{"error":{"status":"UNREGISTERED"}}`, "")
	f.Add(503, `{"error":{"status":"UNAVAILABLE","details":[[],1,{"@type":2}]}}`, "17")
	f.Add(502, `<html>`, "Sun, 01 Mar 2026 02:10:00 GMT")
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		x := &exchange{
			status: status, body: []byte(body), header: http.Header{"Retry-After": {retryAfter}},
			now: func() time.Time { return fuzzNow },
		}
		r := x.sort("name")
		switch {
		case r.Class == "", r.RetryAfter < 0, r.RetryAfter > 24*time.Hour, len(r.Reason) > 100:
			t.Fatalf("%+v", r)
		case r.Class == push.ClassTokenDead && (status != 404 || readError(x.body).fcm != "UNREGISTERED"):
			t.Fatalf("a token was declared dead without proof: %+v", r)
		case r.Class == push.ClassAccepted && status != 200:
			t.Fatalf("%+v", r)
		}
	})
}

// FuzzTokenAnswer: an answer of the token endpoint is a token that lives for a
// while, or an error with a class.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"x","expires_in":3599,"token_type":"Bearer"}`)
	f.Add(200, `{"access_token":"x","expires_in":99999999999999}`)
	f.Add(400, `{"error":"invalid_grant","error_description":"no"}`)
	f.Add(429, `{"error":"slow_down"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		token, life, err := readToken(&http.Response{StatusCode: status, Header: http.Header{}}, []byte(body), fuzzNow)
		if err == nil && (token == "" || life <= 0 || life > 24*time.Hour) {
			t.Fatalf("token %q for %s", token, life)
		}
		var auth *authError
		if err != nil && (!errors.As(err, &auth) || auth.result.Class == "") {
			t.Fatal("an error without a class")
		}
	})
}

// FuzzParseServiceAccount: a file is an account or a sentence, never a panic.
func FuzzParseServiceAccount(f *testing.F) {
	f.Add([]byte(`{"type":"service_account","project_id":"p","client_email":"e","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`))
	f.Add([]byte(`{"project_info":{}}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := ParseServiceAccount(file)
		if err == nil && (a.ProjectID == "" || a.Email == "" || a.key == nil || a.TokenURI == "") {
			t.Fatalf("%+v", a)
		}
	})
}
