package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

const routingKey = "0123456789abcdef0123456789abcdef"

// event is a good trigger with one thing changed: "" takes a line out.
func event(change ...string) string {
	lines := map[string]string{
		"routing_key": `"` + routingKey + `"`, "event_action": `"trigger"`, "dedup_key": `"db-1/disk"`,
		"summary": `"Disk full"`, "source": `"db-1"`, "severity": `"critical"`,
	}
	for i := 0; i < len(change); i += 2 {
		lines[change[i]] = change[i+1]
	}
	var top, payload []string
	for name, value := range lines {
		line := fmt.Sprintf("%q:%s", name, value)
		switch name {
		case "summary", "source", "severity", "component", "group", "class", "timestamp", "custom_details":
			if value != "" {
				payload = append(payload, line)
			}
		default:
			if value != "" {
				top = append(top, line)
			}
		}
	}
	if _, given := lines["payload"]; !given {
		top = append(top, `"payload":{`+strings.Join(payload, ",")+`}`)
	}
	return "{" + strings.Join(top, ",") + "}"
}

// threeFields reads the body of a refused event.
func (a answer) threeFields(status int, word, message string) refusalBody {
	a.t.Helper()
	var fields map[string]any
	var b refusalBody
	if json.Unmarshal(a.Body.Bytes(), &fields) != nil || json.Unmarshal(a.Body.Bytes(), &b) != nil || len(fields) != 3 {
		a.t.Fatalf("status %d: %q does not have PagerDuty's three fields", a.Code, a.Body)
	}
	if a.Code != status || b.Status != word || b.Message != message || len(b.Errors) == 0 {
		a.t.Errorf("got %d %+v, want %d %q %q", a.Code, b, status, word, message)
	}
	if ct := a.Header().Get("Content-Type"); ct != "application/json" {
		a.t.Errorf("of type %q", ct)
	}
	return b
}

func TestEventAccepted(t *testing.T) {
	t.Parallel()
	h := open(t)
	body := `{"routing_key":"` + routingKey + `","event_action":"trigger","dedup_key":"db-1/disk","client":"Prometheus","client_url":"https://p.example.com",
		"payload":{"summary":"Disk full","source":"db-1","severity":"critical","component":"postgres","group":"db","class":"disk",
			"timestamp":"2026-03-29T04:14:00.5+02:00","custom_details":{"used":97,"hosts":[{"a":1}]}},
		"images":[{"src":"https://g.example.com/1.png","alt":"graph"},{"src":"http://plain.example.com/2.png"},"x"],
		"links":[{"href":"https://r.example.com","text":"Runbook"},{"href":"javascript:alert(1)"}],"extra":true}`
	a := h.do(t, "", "POST", "/v2/enqueue", body)
	a.into(202, nil)
	if got := a.Body.String(); got != `{"status":"success","message":"Event processed","dedup_key":"db-1/disk"}` {
		t.Errorf("answered %s", got)
	}
	e := h.intake.events[0]
	kept := string(e.Payload)
	e.Payload = nil
	want := respond.Event{
		RoutingKey: routingKey, Action: respond.EventTrigger, DedupKey: "db-1/disk", Summary: "Disk full", Source: "db-1",
		Severity: incident.Critical, Component: "postgres", Group: "db", Class: "disk", Client: "Prometheus", ClientURL: "https://p.example.com",
		At: night.Add(500 * time.Millisecond), Details: json.RawMessage(`{"used":97,"hosts":[{"a":1}]}`),
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("the desk got %+v\nwant         %+v", e, want)
	}
	var stored struct {
		Payload map[string]any
		Images  []map[string]string
		Links   []map[string]string
	}
	if err := json.Unmarshal([]byte(kept), &stored); err != nil {
		t.Fatalf("kept %s: %v", kept, err)
	}
	if strings.Contains(kept, routingKey) || len(stored.Images) != 1 || len(stored.Links) != 1 || stored.Payload["class"] != "disk" {
		t.Errorf("kept %s", kept)
	}
}

// Where PagerDuty refuses, so do we, with each reason named; where senders are
// known to be sloppy, we are not.
func TestEventDialect(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", maxSummary+1)
	for _, c := range []struct {
		name, body string
		errs       string // joined; empty: accepted
		check      func(respond.Event) bool
	}{
		{"resolve without payload", event("event_action", `"resolve"`, "payload", ""), "", func(e respond.Event) bool { return e.Action == respond.EventResolve && e.Summary == "" }},
		{"acknowledge with payload", event("event_action", `"acknowledge"`), "", nil},
		{"resolve with half a payload", event("event_action", `"resolve"`, "source", "", "severity", `"odd"`), "", nil},
		{"severity in capitals", event("severity", `" Critical "`), "", func(e respond.Event) bool { return e.Severity == incident.Critical }},
		{"action in capitals", event("event_action", `"TRIGGER"`), "", nil},
		{"summary cut between characters", event("summary", `"`+long+`"`), "", func(e respond.Event) bool { return e.Summary == long[:2*maxSummary] }},
		{"summary a number", event("summary", "42"), "", func(e respond.Event) bool { return e.Summary == "42" }},
		{"source a list", event("source", `["a","b"]`), "", func(e respond.Event) bool { return e.Source == `["a","b"]` }},
		{"dedup key a number", event("dedup_key", "17"), "", func(e respond.Event) bool { return e.DedupKey == "17" }},
		{"details a text", event("custom_details", `"just this"`), "", func(e respond.Event) bool { return string(e.Details) == `"just this"` }},
		{"details null", event("custom_details", `null`), "", nil},
		{"images and links empty", event("images", "[]", "links", "null"), "", nil},
		{"images no list", event("images", `{"src":"x"}`, "links", `"x"`), "", nil},
		{"unknown fields", event("vendor", `{"deep":[1]}`), "", nil},
		{"no dedup key", event("dedup_key", ""), "", func(e respond.Event) bool { return regexp.MustCompile("^[0-9a-f]{32}$").MatchString(e.DedupKey) }},
		{"empty dedup key", event("dedup_key", `""`), "", func(e respond.Event) bool { return len(e.DedupKey) == 32 }},
		{"dedup key of 255 characters", event("dedup_key", `"`+strings.Repeat("ä", 255)+`"`), "", nil},
		{"odd timestamp", event("timestamp", `"last tuesday"`), "", func(e respond.Event) bool { return e.At.IsZero() }},
		{"a NUL character", event("summary", `"a\u0000b \\u0000"`), "", func(e respond.Event) bool { return e.Summary == "a\uFFFDb \\u0000" }},
		{"no UTF-8", event("source", "\"db\xff\""), "", func(e respond.Event) bool { return e.Source == "db\uFFFD" }},
		{"a byte order mark", "\uFEFF" + event(), "", func(e respond.Event) bool { return e.RoutingKey == routingKey }},
		{"an escape", event("source", `"\u00e4\n"`), "", func(e respond.Event) bool { return e.Source == "ä\n" }},

		{"nothing in it", `{}`, "'routing_key' is missing or blank|'event_action' is missing or blank", nil},
		{"severity wrong", event("severity", `"fatal"`), "'payload.severity' is invalid (must be one of the following: 'critical', 'error', 'warning' or 'info')", nil},
		{"severity missing", event("severity", ""), "'payload.severity' is missing or blank", nil},
		{"no payload", event("payload", ""), "'payload.summary' is missing or blank|'payload.source' is missing or blank|'payload.severity' is missing or blank", nil},
		{"payload a text", event("payload", `"full"`), "'payload.summary' is missing or blank|'payload.source' is missing or blank|'payload.severity' is missing or blank", nil},
		{"payload null", event("payload", "null"), "'payload.summary' is missing or blank|'payload.source' is missing or blank|'payload.severity' is missing or blank", nil},
		{"summary of blanks", event("summary", `"  \t"`), "'payload.summary' is missing or blank", nil},
		{"source null", event("source", "null"), "'payload.source' is missing or blank", nil},
		{"action unknown", event("event_action", `"page"`), "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')", nil},
		{"resolve without key", event("event_action", `"resolve"`, "dedup_key", ""), "'dedup_key' is missing or blank", nil},
		{"acknowledge without key", event("event_action", `"acknowledge"`, "dedup_key", ""), "'dedup_key' is missing or blank", nil},
		{"dedup key of 256 characters", event("dedup_key", `"`+strings.Repeat("ä", 256)+`"`), "'dedup_key' is too long (at most 255 characters)", nil},
		{"short routing key", event("routing_key", `"abc"`), "'routing_key' must have 32 characters; copy the key of the integration you mean to send to", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			a := h.do(t, "", "POST", "/v2/enqueue", c.body)
			if c.errs != "" {
				got := a.threeFields(400, "invalid event", "Event object is invalid")
				if joined := strings.Join(got.Errors, "|"); joined != c.errs {
					t.Errorf("errors %q\nwant   %q", joined, c.errs)
				}
				if len(h.intake.events) != 0 {
					t.Error("it reached the desk")
				}
				return
			}
			a.into(202, nil)
			if e := h.intake.events[0]; c.check != nil && !c.check(e) {
				t.Errorf("the desk got %+v", e)
			}
		})
	}
}

func TestEventsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"{", "hello", `"text"`, "[]", "17", event() + "x", `{"a":1,}`} {
		h := open(t)
		got := h.do(t, "", "POST", "/v2/enqueue", body).threeFields(400, "Unrecognized object", "Event object format is unrecognized")
		if len(got.Errors) != 1 || got.Errors[0] != "JSON parse error" {
			t.Errorf("%q: errors %q", body, got.Errors)
		}
	}
	h := open(t)
	// go-pagerduty retries with an empty body: a 400 would end in a lost page.
	for _, body := range []string{"", " ", "\r\n", "\uFEFF"} {
		h.do(t, "", "POST", "/v2/enqueue", body).threeFields(503, "unavailable", "The event was not accepted; send it again")
		h.do(t, "", "POST", "/v2/change/enqueue", body).threeFields(503, "unavailable", "The event was not accepted; send it again")
	}
	h.do(t, "", "POST", "/v2/enqueue", event("custom_details", `"`+strings.Repeat("x", maxEvent)+`"`)).threeFields(413, "payload too large", "Event object is too large")
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
		a := h.do(t, "", method, "/v2/enqueue", "")
		if a.threeFields(405, "method not allowed", "Events are sent with POST"); a.Header().Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", method, a.Header().Get("Allow"))
		}
	}
	if len(h.intake.events) != 0 {
		t.Errorf("%d of them reached the desk", len(h.intake.events))
	}
}

func TestEventsOfAllSizesUpToTheLimit(t *testing.T) {
	t.Parallel()
	h := open(t)
	bare := len(event("custom_details", `""`))
	h.do(t, "", "POST", "/v2/enqueue", event("custom_details", `"`+strings.Repeat("x", maxEvent-bare)+`"`)).into(202, nil)
}

func TestEventAddresses(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, path := range []string{"/v2/enqueue", "/v2/enqueue/", "//v2/enqueue", "/v2//enqueue//"} {
		h.do(t, "", "POST", path, event()).into(202, nil)
	}
	other := strings.Repeat("f", 32)
	h.do(t, "", "POST", "/integration/"+other+"/enqueue", event("routing_key", "")).into(202, nil)
	h.do(t, "", "POST", "/integration/"+other+"/enqueue/", event()).into(202, nil)
	for i, e := range h.intake.events {
		if want := map[bool]string{true: routingKey, false: other}[i < 4]; e.RoutingKey != want {
			t.Errorf("event %d has routing key %s, want %s", i, e.RoutingKey, want)
		}
	}
	h.do(t, "", "POST", "/integration/short/enqueue", event()).threeFields(400, "invalid event", "Event object is invalid")
	for _, path := range []string{"/v2/enqueued", "/v2", "/integration/a/b/enqueue", "/v2/change"} {
		h.do(t, "", "POST", path, event()).problem(404, "no_such_path", "")
	}
}

func TestChangeEvents(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.do(t, "", "POST", "/v2/change/enqueue/", `{"routing_key":"`+routingKey+`","payload":{"summary":"Deployed 1.4","timestamp":1774750440,"custom_details":{"sha":"abc"}},"links":[{"href":"https://ci.example.com"}]}`)
	a.into(202, nil)
	if got := a.Body.String(); got != `{"status":"success","message":"Change event processed"}` {
		t.Errorf("answered %s", got)
	}
	c := h.intake.changes[0]
	if c.RoutingKey != routingKey || c.Summary != "Deployed 1.4" || !c.At.Equal(night) || strings.Contains(string(c.Payload), routingKey) || !strings.Contains(string(c.Payload), "abc") {
		t.Errorf("the desk got %+v, %s", c, c.Payload)
	}
	got := h.do(t, "", "POST", "/v2/change/enqueue", `{"payload":{}}`).threeFields(400, "invalid event", "Event object is invalid")
	if strings.Join(got.Errors, "|") != "'routing_key' is missing or blank|'payload.summary' is missing or blank" {
		t.Errorf("errors %q", got.Errors)
	}
	h.do(t, "", "POST", "/v2/change/enqueue", `[`).threeFields(400, "Unrecognized object", "Event object format is unrecognized")
}

// What the desk says decides what the sender does next: 400 gives up, 5xx
// comes again, and 429 must never be said.
func TestEventTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		word   string
		says   string
	}{
		"unknown key": {fault.Field("routing_key", "unknown_routing_key", "routing_key belongs to no integration here; copy it"), 400, "invalid event", "belongs to no integration"},
		"bad event":   {fault.New(fault.Invalid, "bad", "that cannot be; change it"), 400, "invalid event", "cannot be"},
		"overloaded":  {fault.New(fault.Unavailable, "overloaded", "too much at once; try again"), 503, "unavailable", "too much"},
		"too many":    {fault.New(fault.TooMany, "slow_down", "slow down"), 503, "unavailable", "slow down"},
		"too slow":    {context.DeadlineExceeded, 503, "unavailable", "not confirmed in time"},
		"a bug":       {errors.New("nil map at 0xdeadbeef"), 500, "internal error", "went wrong"},
		"a fault":     {fault.New(fault.Internal, "x", "pq: secret"), 500, "internal error", "went wrong"},
	} {
		h := open(t)
		h.intake.err = c.err
		a := h.do(t, "", "POST", "/v2/enqueue", event())
		message := "The event was not accepted; send it again"
		if c.status == 400 {
			message = "Event object is invalid"
		}
		got := a.threeFields(c.status, c.word, message)
		if !strings.Contains(got.Errors[0], c.says) || strings.Contains(a.Body.String(), "0xdead") || strings.Contains(a.Body.String(), "pq:") {
			t.Errorf("%s: errors %q", name, got.Errors)
		}
		if !strings.Contains(h.log.String(), "an event was refused") {
			t.Errorf("%s: not in the log: %s", name, h.log)
		}
	}
}

type cutReader struct{ io.Reader }

func (c cutReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// A body that ended too early may be half an event: come again.
func TestEventCutShort(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v2/enqueue", cutReader{strings.NewReader(event())})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer{w, t}.threeFields(503, "unavailable", "The event was not accepted; send it again")
	if len(h.intake.events) != 0 {
		t.Error("half an event reached the desk")
	}
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.do(t, "", "POST", "/v2/enqueue", event())
	h.do(t, "", "POST", "/v2/enqueue", event("event_action", `"resolve"`))
	h.do(t, "", "POST", "/v2/enqueue", event("severity", `"odd"`))
	h.do(t, "", "POST", "/v2/enqueue", "{")
	h.do(t, "", "POST", "/v2/enqueue", event("event_action", `"`+strings.Repeat("x", 50)+`"`))
	h.intake.err = fault.Field("routing_key", "unknown_routing_key", "no")
	h.do(t, "", "POST", "/v2/enqueue", event())
	w := httptest.NewRecorder()
	h.meter.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`nightbell_events_total{action="trigger",result="accepted"} 1`, `nightbell_events_total{action="resolve",result="accepted"} 1`,
		`nightbell_events_total{action="trigger",result="invalid"} 1`, `nightbell_events_total{action="unknown",result="unrecognized"} 1`,
		`nightbell_events_total{action="unknown",result="invalid"} 1`, `nightbell_events_total{action="trigger",result="unknown_key"} 1`,
		`nightbell_http_requests_total{route="/v2/enqueue",status="202"} 2`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestMoments(t *testing.T) {
	t.Parallel()
	for text, want := range map[text]time.Time{
		"2026-03-29T02:14:00Z": night, "2026-03-29T04:14:00+02:00": night, "2026-03-29T02:14:00.000+0000": night,
		"2026-03-29 02:14:00Z": night, "2026-03-29T02:14:00": night, "2026-03-29 02:14:00": night, " 2026-03-29T02:14:00Z ": night,
		"Sun, 29 Mar 2026 02:14:00 UTC": night, "1774750440": night, "1774750440000": night, "1774750440.0": night,
		"": {}, "soon": {}, "-5": {}, "NaN": {}, "1e300": {}, "Inf": {}, "0001-01-01T00:00:00Z": {}, "1e13": time.UnixMilli(1e13).UTC(),
	} {
		if got := moment(text); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add("", []byte(event()))
	f.Add("k", []byte(event("event_action", `"resolve"`, "payload", "")))
	f.Add("", []byte(event("images", `[{"src":"https://x.example.com"}]`, "links", `[{"href":"https://x"},3,null]`)))
	f.Add("", []byte(event("summary", `"\ud800\u0000\\u0000"`, "timestamp", "1e9")))
	f.Add("", []byte("{\"payload\":{\"summary\":[[[[]]]]}}\xff"))
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		e, wrong := decodeEvent(key, body)
		if wrong != nil {
			if wrong.status != 400 || len(wrong.errs) == 0 || knownAction(respond.EventAction(wrong.action)) != wrong.action {
				t.Errorf("refused with %+v", wrong)
			}
			return
		}
		if e.DedupKey == "" || utf8.RuneCountInString(e.DedupKey) > maxDedupKey || len(e.RoutingKey) != routingKeyLen || knownAction(e.Action) == "" {
			t.Errorf("accepted %+v", e)
		}
		if e.Action == respond.EventTrigger && (isBlank(e.Summary) || isBlank(e.Source) || !knownSeverity(e.Severity)) {
			t.Errorf("triggered %+v", e)
		}
		for _, s := range []string{e.DedupKey, e.Summary, e.Source, e.Component, e.Group, e.Class, e.Client, e.ClientURL} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("%q cannot be kept as text", s)
			}
		}
		if !json.Valid(e.Payload) || !utf8.Valid(e.Payload) {
			t.Errorf("kept %q", e.Payload)
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	h := open(b)
	server := h.Handler.(*server)
	server.Log, server.events.log = discard(), discard()
	server.events.intake = nothing{}
	body := `{"routing_key":"` + routingKey + `","event_action":"trigger","dedup_key":"db-1/disk","client":"Alertmanager","client_url":"https://am.example.com/#/alerts",
		"payload":{"summary":"[FIRING:1] DiskFull db-1 (critical)","source":"db-1.example.com","severity":"critical","component":"postgres","custom_details":{"firing":"Labels:\n - alertname = DiskFull\n - instance = db-1\n","num_firing":"1","num_resolved":"0"}}}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), "POST", "/v2/enqueue", strings.NewReader(body))
		w := &blank{header: http.Header{}}
		if server.ServeHTTP(w, r); w.status != 202 {
			b.Fatal(w.status)
		}
	}
}
