package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

func TestBadInputIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := "/v1/incidents/" + h.inc.ID
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		code, field                string
	}{
		{"broken JSON", "POST", "/v1/sessions", `{"email":`, 400, "invalid_json", ""},
		{"two objects", "POST", "/v1/sessions", `{} {}`, 400, "invalid_json", ""},
		{"an array", "POST", "/v1/sessions", `[]`, 400, "wrong_type", ""},
		{"null", "POST", "/v1/sessions", `null`, 400, "wrong_type", ""},
		{"nothing", "POST", "/v1/sessions", ``, 400, "body_missing", ""},
		{"blanks", "POST", "/v1/sessions", "\n  ", 400, "body_missing", ""},
		{"unknown field", "POST", "/v1/sessions", `{"email":"a","password":"b","remember":true}`, 400, "unknown_field", "remember"},
		{"field in other case", "POST", "/v1/actions", `{"token":"a","Token":"b"}`, 400, "unknown_field", "Token"},
		{"missing field", "POST", "/v1/sessions", `{"email":"a"}`, 400, "missing_field", "password"},
		{"wrong type", "POST", "/v1/sessions", `{"email":"a","password":7}`, 400, "wrong_type", "password"},
		{"empty text", "POST", "/v1/sessions", `{"email":"","password":"b"}`, 400, "bad_value", "email"},
		{"text too long", "POST", "/v1/sessions", `{"email":"a","password":"` + strings.Repeat("p", 1025) + `"}`, 400, "bad_value", "password"},
		{"a NUL character", "POST", at + "/notes", `{"text":"a\u0000b"}`, 400, "bad_value", "text"},
		{"a body where none belongs", "POST", at + "/acknowledge", `{"note":"x"}`, 400, "unknown_field", "note"},
		{"no time", "POST", at + "/snooze", `{"until":"tomorrow"}`, 400, "bad_value", "until"},
		{"a snooze into the past", "POST", at + "/snooze", `{"until":"2020-01-01T00:00:00Z"}`, 400, "bad_until", "until"},
		{"an empty note", "POST", at + "/notes", `{"text":"  "}`, 400, "empty_note", "text"},
		{"reassigned to nobody", "POST", at + "/reassign", `{}`, 400, "missing_field", ""},
		{"reassigned to an empty list", "POST", at + "/reassign", `{"user_ids":[]}`, 400, "bad_value", "user_ids"},
		{"reassigned to people and policy", "POST", at + "/reassign", `{"user_ids":["usr_1"],"policy_id":"pol_1"}`, 400, "bad_value", ""},
		{"reassigned to an incident", "POST", at + "/reassign", `{"user_ids":["` + h.inc.ID + `"]}`, 400, "bad_id", "user_ids"},
		{"an incident that is a device", "GET", "/v1/incidents/" + h.phone.ID, "", 400, "wrong_id", ""},
		{"an incident that is nothing", "GET", "/v1/incidents/42", "", 400, "bad_id", ""},
		{"an incident nobody knows", "GET", "/v1/incidents/" + id.New(id.Incident), "", 404, "not_found", ""},
		{"its timeline", "GET", "/v1/incidents/" + id.New(id.Incident) + "/timeline", "", 404, "not_found", ""},
		{"acting on it", "POST", "/v1/incidents/" + id.New(id.Incident) + "/resolve", "", 404, "not_found", ""},
		{"unknown parameter", "GET", "/v1/incidents?statuses=triggered", "", 400, "unknown_parameter", "statuses"},
		{"unknown status", "GET", "/v1/incidents?status=open", "", 400, "bad_value", "status.0"},
		{"limit 0", "GET", "/v1/incidents?limit=0", "", 400, "bad_value", "limit"},
		{"limit too high", "GET", "/v1/incidents?limit=101", "", 400, "bad_value", "limit"},
		{"limit in words", "GET", "/v1/incidents?limit=ten", "", 400, "wrong_type", "limit"},
		{"limit twice", "GET", "/v1/incidents?limit=1&limit=2", "", 400, "repeated_parameter", "limit"},
		{"since when", "GET", "/v1/incidents?since=yesterday", "", 400, "bad_value", "since"},
		{"a NUL in the address", "GET", "/v1/incidents?assignee=%00", "", 400, "bad_value", "assignee"},
		{"half an escape", "GET", "/v1/incidents?assignee=%f", "", 400, "bad_value", ""},
		{"a service that is a user", "GET", "/v1/incidents?service_id=" + h.ana.ID, "", 400, "bad_id", "service_id"},
		{"an assignee that is nobody", "GET", "/v1/incidents?assignee=you", "", 400, "bad_id", "assignee"},
		{"no address", "GET", "/v1/nothing", "", 404, "no_such_path", ""},
		{"the root", "GET", "/", "", 404, "no_such_path", ""},
		{"a trailing slash", "GET", "/v1/me/", "", 404, "no_such_path", ""},
		{"a doubled slash", "GET", "/v1//me", "", 404, "no_such_path", ""},
		{"dots in the way", "GET", "/v1/x/../me", "", 404, "no_such_path", ""},
		{"a method that is not there", "PUT", "/v1/me", "", 405, "method_not_allowed", ""},
		{"posting to the keys", "POST", "/.well-known/jwks.json", "", 405, "method_not_allowed", ""},
		{"no stream is configured", "GET", "/v1/stream", "", 404, "no_such_path", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := h.do(t, "ana", c.method, c.target, c.body).problem(c.status, c.code, c.field)
			if !strings.ContainsAny(p.Detail, ";") && c.status == 400 {
				t.Logf("the sentence %q says no way out", p.Detail) // sentences of other rooms are theirs
			}
		})
	}
	if len(h.people.logins) != 0 {
		t.Errorf("%d bad requests reached auth", len(h.people.logins))
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.do(t, "ana", "POST", "/v1/devices?verbose=1", `{"platform":"nokia","colour":"red","token":""}`).problem(400, "unknown_parameter", "verbose")
	said := map[string]string{}
	for _, e := range p.Errors {
		said[field(e)] = e.Code
	}
	want := map[string]string{"verbose": "unknown_parameter", "platform": "bad_value", "colour": "unknown_field", "token": "bad_value", "provider": "missing_field"}
	if fmt.Sprint(said) != fmt.Sprint(want) {
		t.Errorf("said %v, want %v", said, want)
	}
}

// A request with a thousand mistakes must not fill the log or the answer.
func TestComplaintsAreBounded(t *testing.T) {
	t.Parallel()
	h := open(t)
	body := `{"user_ids":[` + strings.Repeat(`7,`, 15000) + `7]}`
	a := h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/reassign", body)
	if a.Code != 400 || a.Body.Len() > 8<<10 {
		t.Errorf("status %d with %d bytes", a.Code, a.Body.Len())
	}
	a = h.do(t, "ana", "POST", "/v1/actions", `{"`+strings.Repeat("x", 100_000)+`":1,"token":"a"}`)
	if a.Code != 400 || a.Body.Len() > 8<<10 {
		t.Errorf("status %d with %d bytes", a.Code, a.Body.Len())
	}
}

func TestMethodsAreNamed(t *testing.T) {
	t.Parallel()
	h := open(t)
	if got := h.do(t, "ana", "PUT", "/v1/devices", "").Header().Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow is %q", got)
	}
}

// endless is a body that must not be read to its end.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	e.read += len(b)
	return len(b), nil
}

func TestLargeBodiesAreNotReadOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, c := range []struct {
		name, target string
		length       int64
		most         int
	}{
		{"said beforehand", "/v1/sessions", maxBody + 1, 0},
		{"without saying", "/v1/sessions", -1, maxBody + 64<<10},
		{"an event, said", "/v2/enqueue", maxEvent + 1, 0},
		{"an event, without saying", "/v2/enqueue", -1, maxEvent + 64<<10},
	} {
		body := &endless{}
		r := httptest.NewRequestWithContext(t.Context(), "POST", c.target, io.NopCloser(body))
		r.ContentLength = c.length
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || body.read > c.most {
			t.Errorf("%s: status %d after reading %d bytes, want 413 and at most %d", c.name, w.Code, body.read, c.most)
		}
		if w.Header().Get("Connection") != "close" {
			t.Errorf("%s: the rest of the body would be read", c.name)
		}
	}
}

func TestOtherMediaTypes(t *testing.T) {
	t.Parallel()
	h := open(t)
	login := `{"email":"ana@example.com","password":"correct horse"}`
	h.do(t, "", "POST", "/v1/sessions", login, "Content-Type", "application/x-www-form-urlencoded").problem(415, "unsupported_media_type", "Content-Type")
	h.do(t, "", "POST", "/v1/sessions", login, "Content-Type", "text/plain; charset").problem(415, "unsupported_media_type", "Content-Type")
	h.do(t, "", "POST", "/v1/sessions", login, "Content-Type", "application/json; charset=utf-8").into(201, nil)
}

func TestWhoAsksComesFirst(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.do(t, "", "POST", "/v1/devices", `{"broken`)
	a.problem(401, "token_missing", "")
	if got := a.Header().Get("WWW-Authenticate"); got != `Bearer realm="nightbell"` {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	h.do(t, "somebody", "GET", "/v1/me", "").problem(401, "token_invalid", "")
	h.do(t, "", "GET", "/v1/me", "", "Authorization", "Basic YW5hOmFuYQ==").problem(401, "token_missing", "")
	h.do(t, "", "GET", "/v1/me", "", "Authorization", "bearer ana").into(200, nil)
	h.do(t, "", "GET", "/.well-known/jwks.json", "").into(200, nil)
}

func TestEachKindHasItsStatus(t *testing.T) {
	t.Parallel()
	secret := errors.New("pq: password authentication failed for user nightbell")
	for kind, want := range map[fault.Kind]int{
		fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
		fault.Gone: 410, fault.TooLarge: 413, fault.TooMany: 429, fault.Unavailable: 503, fault.Internal: 500, fault.Kind(99): 500,
	} {
		h := open(t)
		h.desk.err = fmt.Errorf("acting: %w", fault.Wrap(secret, kind, "some_code", "a sentence"))
		a := h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/resolve", "")
		code := "some_code"
		if want == 500 && kind == fault.Internal {
			code = "internal"
		}
		a.problem(want, code, "")
		if strings.Contains(a.Body.String(), "pq:") {
			t.Errorf("%v: the answer shows the cause: %s", kind, a.Body)
		}
		if retry := a.Header().Get("Retry-After"); (retry != "") != (want == 429 || want == 503) {
			t.Errorf("%v: Retry-After is %q", kind, retry)
		}
		if logged := strings.Contains(h.log.String(), "pq:"); logged != (want >= 500) {
			t.Errorf("%v: the cause is in the log: %v", kind, logged)
		}
	}
}

func TestTroubleOfOurOwnIsPlainAndLogged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"anything":  {errors.New("runtime error at 0xdeadbeef"), 500, "internal"},
		"too slow":  {fmt.Errorf("writing: %w", context.DeadlineExceeded), 503, "timeout"},
		"cancelled": {fmt.Errorf("writing: %w", context.Canceled), 503, "timeout"},
	} {
		h := open(t)
		h.desk.err = c.err
		a := h.do(t, "ana", "GET", "/v1/incidents", "")
		a.problem(c.status, c.code, "")
		if strings.Contains(a.Body.String(), "0xdeadbeef") || !strings.Contains(h.log.String(), a.Header().Get("X-Request-Id")) {
			t.Errorf("%s: shown %s, logged %s", name, a.Body, h.log)
		}
	}
}

func TestPanicIsOneRequestsTrouble(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.desk.panics = true
	a := h.do(t, "ana", "POST", "/v1/incidents/"+h.inc.ID+"/resolve", "")
	a.problem(500, "internal", "")
	if strings.Contains(a.Body.String(), "fell over") || !strings.Contains(h.log.String(), "fell over") || !strings.Contains(h.log.String(), "goroutine") {
		t.Errorf("shown %s, logged %s", a.Body, h.log)
	}
	h.do(t, "ana", "GET", "/v1/me", "").into(200, nil)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	h := open(t)
	for given, kept := range map[string]bool{
		"": false, "abc-123_x.y": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"a b": false, "a\"b": false, "ä": false,
	} {
		got := h.do(t, "ana", "GET", "/v1/me", "", "X-Request-Id", given).Header().Get("X-Request-Id")
		if (got == given) != kept || got == "" {
			t.Errorf("given %q, answered %q", given, got)
		}
		if !kept && id.Check(id.Request, got) != nil {
			t.Errorf("given %q, minted %q", given, got)
		}
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, a := range []answer{h.do(t, "ana", "GET", "/v1/me", ""), h.do(t, "", "GET", "/", ""), h.do(t, "", "POST", "/v2/enqueue", "{}")} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := a.Header().Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	if got := h.do(t, "", "GET", "/.well-known/jwks.json", "").Header().Get("Cache-Control"); got != "public, max-age=3600" {
		t.Errorf("the keys may be kept %q", got)
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("an API without rooms was built")
	}
	h := open(t)
	bare, err := New(Config{Auth: h.people, Desk: h.desk, Intake: h.intake, Incidents: h.desk, Devices: h.phones, Holds: h.phones, Deliveries: h.desk, Contacts: h.book, Carriers: h.book, CodeKey: []byte("key"), Watch: h.watch})
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = bare // no clock, no log, no meter, no apps, no stream
	h.do(t, "ana", "GET", "/v1/me", "").into(200, nil)
	h.do(t, "", "POST", "/v2/enqueue", event()).into(202, nil)
	h.do(t, "ana", "POST", "/v1/devices", `{"platform":"android","provider":"fcm","token":"a"}`).problem(400, "provider_not_configured", "provider")
}
