package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/nightbell/nightbell"
	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

var night = time.Date(2026, 3, 29, 2, 14, 0, 0, time.UTC)

// house is the API in front of rooms in memory.
type house struct {
	http.Handler
	people *people
	desk   *desk
	phones *phones
	intake *intake
	book   *book
	apps   *apps
	meter  *meter.Meter
	log    *bytes.Buffer

	ana, eve, oda auth.User // a responder, a stakeholder, an admin
	phone         push.Device
	inc           incident.Incident
	watch         *watch
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{
		ana:    auth.User{ID: id.New(id.User), Email: "ana@example.com", Name: "Ana", Role: auth.Responder, TimeZone: "Europe/Madrid", Locale: "es-ES"},
		eve:    auth.User{ID: id.New(id.User), Email: "eve@example.com", Name: "Eve", Role: auth.Stakeholder},
		oda:    auth.User{ID: id.New(id.User), Email: "oda@example.com", Name: "Oda", Role: auth.Admin},
		desk:   &desk{answers: map[string]respond.Answer{}},
		phones: &phones{}, intake: &intake{}, book: newBook(), apps: &apps{}, meter: meter.New(), log: &bytes.Buffer{},
	}
	manager := auth.User{ID: id.New(id.User), Email: "max@example.com", Name: "Max", Role: auth.Manager}
	h.watch = &watch{}
	h.people = &people{
		users: map[string]auth.User{h.ana.ID: h.ana, h.eve.ID: h.eve, h.oda.ID: h.oda, manager.ID: manager},
		sessions: map[string]auth.Principal{
			"ana": {UserID: h.ana.ID, Name: "Ana", Role: auth.Responder, SessionID: id.New(id.Session)},
			"eve": {UserID: h.eve.ID, Name: "Eve", Role: auth.Stakeholder, SessionID: id.New(id.Session)},
			"ada": {UserID: id.New(id.User), Name: "Ada", Role: auth.Admin, SessionID: id.New(id.Session)},
			"max": {UserID: manager.ID, Name: "Max", Role: auth.Manager, SessionID: id.New(id.Session)},
			"oda": {UserID: h.oda.ID, Name: "Oda", Role: auth.Admin, SessionID: id.New(id.Session)},
		},
		buttons: map[string]auth.ActionClaims{},
	}
	h.inc = h.trigger("Disk full on db-1", night)
	h.phone = push.Device{
		ID: id.New(id.Device), UserID: h.ana.ID, Platform: push.IOS, Provider: push.APNs, App: "pager", Environment: "production",
		TargetKind: push.TokenTarget, Token: strings.Repeat("ab", 32), State: push.DeviceActive, RegisteredAt: night, CreatedAt: night,
	}
	h.phones.known, h.desk.phones = []push.Device{h.phone}, h.phones
	h.desk.onCall = []respond.ServiceOnCall{
		{Service: respond.Service{ID: id.New(id.Service), Name: "Payments"}, Policy: oncall.Policy{ID: id.New(id.Policy), Name: "Default"},
			Levels: []respond.LevelOnCall{{Level: 1, Delay: 5 * time.Minute, People: []respond.Person{{ID: h.ana.ID, Name: "Ana"}}}, {Level: 2, Delay: time.Minute}}},
		{Service: respond.Service{ID: id.New(id.Service), Name: "Search"}},
	}
	h.desk.alerts = []respond.Alert{{ID: id.New(id.Alert), IncidentID: h.inc.ID, Severity: incident.Critical, Summary: "Disk full", Source: "db-1", Payload: []byte(`{"a":1}`), Count: 2, FirstAt: night, LastAt: night}}
	contract, err := ready()
	if err != nil {
		t.Fatal(err)
	}
	h.Handler = newServer(Config{
		Auth: h.people, Desk: h.desk, Intake: h.intake, Incidents: h.desk, Devices: h.phones, Holds: h.phones, Deliveries: h.desk,
		Contacts: h.book, Carriers: h.book, CodeKey: []byte("key"), Watch: h.watch,
		Apps: func(p push.Provider) []string {
			return map[push.Provider][]string{push.APNs: {"pager"}, push.FCM: {"pager", "beta"}, push.WebPush: {"web"}}[p]
		},
		PushApps: h.apps, WebPush: browsers(t),
		Now: func() time.Time { return night.Add(time.Hour) }, Meter: h.meter,
		Log: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, contract)
	return h
}

// ready is the contract, compiled once for all tests.
var ready = sync.OnceValues(readContract)

// trigger puts one more incident before the others.
func (h *house) trigger(title string, at time.Time) incident.Incident {
	ch := incident.Open(incident.Opening{
		ID: id.New(id.Incident), ServiceID: id.New(id.Service), ServiceName: "Payments", DedupKey: "db-1/disk", Title: title,
		Severity: incident.Critical, Urgency: incident.High, At: at, By: incident.Actor{Kind: incident.ActorIntegration, Name: "Prometheus"},
	})
	h.desk.incidents = append([]incident.Incident{ch.Incident}, h.desk.incidents...)
	h.desk.timeline = append(h.desk.timeline, ch.Entries...)
	return ch.Incident
}

// answer is what came back, checked against the contract.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// do sends a request as Ana ("ana"), Eve ("eve"), Ada, an admin ("ada"), Max, a
// manager ("max"), or nobody (""), and holds the
// answer, and what was sent if it was taken, against openapi.yaml.
func (h *house) do(t testing.TB, who, method, target, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{w, t}
	a.neverHTML()
	a.keepsTheContract(r, body)
	return a
}

func (a answer) neverHTML() {
	a.t.Helper()
	if strings.Contains(a.Body.String(), "<") || a.Code >= 300 && a.Code < 400 && a.Code != http.StatusNotModified {
		a.t.Errorf("status %d, location %q, body %q: HTML or a redirect", a.Code, a.Header().Get("Location"), a.Body)
	}
}

// document is the contract as kin-openapi reads it, our second opinion.
var document = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(nightbell.OpenAPI()))
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // any address is ours
	return legacy.NewRouter(doc)
})

// kin-openapi is slow with 3.1 documents and not made for many at once.
var oneAtATime sync.Mutex

func (a answer) keepsTheContract(r *http.Request, body string) {
	a.t.Helper()
	oneAtATime.Lock()
	defer oneAtATime.Unlock()
	router, err := document()
	if err != nil {
		a.t.Fatal(err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		return // not in the contract: a 404 or 405 of ours
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if a.Code < 400 && !strings.HasPrefix(r.URL.Path, "/v2") {
		if err := openapi3filter.ValidateRequest(a.t.Context(), in); err != nil {
			a.t.Errorf("%s %s was taken, but is not what the contract describes: %v", r.Method, r.URL, err)
		}
	}
	err = openapi3filter.ValidateResponse(a.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: a.Code, Header: a.Header(), Body: io.NopCloser(bytes.NewReader(a.Body.Bytes())),
		Options: in.Options,
	})
	if err != nil {
		a.t.Errorf("%s %s: the answer %d %s is not what the contract describes: %v", r.Method, r.URL, a.Code, a.Body, err)
	}
}

// into reads a good answer.
func (a answer) into(status int, v any) {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	if v != nil {
		if err := json.Unmarshal(a.Body.Bytes(), v); err != nil {
			a.t.Fatalf("reading %s: %v", a.Body, err)
		}
	}
}

// problem reads a refusal and checks its status, code and field.
func (a answer) problem(status int, code, field string) Problem {
	a.t.Helper()
	var p Problem
	if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil {
		a.t.Fatalf("status %d: %q is no problem: %v", a.Code, a.Body, err)
	}
	got := ""
	if p.Field != nil {
		got = *p.Field
	}
	if a.Code != status || p.Status != status || p.Code != code || got != field {
		a.t.Errorf("got %d %s (field %q): %s; want %d %s (field %q)", a.Code, p.Code, got, p.Detail, status, code, field)
	}
	if ct := a.Header().Get("Content-Type"); ct != "application/problem+json" {
		a.t.Errorf("a refusal of type %q", ct)
	}
	if p.Code != "some_code" && !listedCodes(a.t)[p.Code] {
		a.t.Errorf("code %s was said, but openapi.yaml does not list it", p.Code)
	}
	if p.Detail == "" || p.Type != "about:blank" || p.Title == "" || p.RequestId == nil || *p.RequestId != a.Header().Get("X-Request-Id") {
		a.t.Errorf("the problem %s lacks something", a.Body)
	}
	return p
}
