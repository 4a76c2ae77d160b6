package apns

import (
	"net/http"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
)

// FuzzAnswer: no answer, from Apple or from whoever sits between, makes a
// result that a pipeline could not bear.
func FuzzAnswer(f *testing.F) {
	f.Add(410, `{"reason":"Unregistered","timestamp":1772331000123}`, "30")
	f.Add(429, `{"reason":"TooManyRequests"}`, "Sun, 01 Mar 2026 02:10:00 GMT")
	f.Add(404, `<html>`, "-5")
	f.Add(410, `{"reason":"Unregistered","timestamp":-1e99}`, "99999999999999999999")
	f.Add(200, ``, "")
	now := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		x := &exchange{
			status: status, body: []byte(body), header: http.Header{"Retry-After": {retryAfter}},
			now: func() time.Time { return now },
		}
		r := x.result()
		switch {
		case r.Class == "", r.RetryAfter < 0, r.RetryAfter > 24*time.Hour, len(r.Reason) > 100:
			t.Fatalf("%+v", r)
		case !r.Since.IsZero() && (status != 410 || r.Since.Before(time.Unix(0, 0)) || r.Since.Year() > 3000):
			t.Fatalf("since %v from status %d", r.Since, status)
		case r.Class == push.ClassTokenDead && (status != 410 || r.Reason == ""):
			t.Fatalf("a token was declared dead without proof: %+v", r)
		case r.Class == push.ClassAccepted && status != 200:
			t.Fatalf("%+v", r)
		}
	})
}

// FuzzParseKey: a file is a key or a sentence, never a panic.
func FuzzParseKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := ParseKey(file)
		if (key == nil) == (err == nil) {
			t.Fatalf("key %v, error %v", key != nil, err)
		}
	})
}
