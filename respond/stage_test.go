package respond_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// stage is a desk over a real database, with a clock that the test moves and
// a pager that remembers instead of sending.
type stage struct {
	t    *testing.T
	db   *models.DB
	desk *respond.Desk
	page *pager
	mu   sync.Mutex
	at   time.Time

	ana, ben   string // user ids
	svc        string
	policy     string
	anas, bens push.Device
}

const routingKey = "abcdefghijklmnopqrstuvwxyz012345"

var monday = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// each runs the story on every database.
func each(t *testing.T, story func(*stage)) {
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		s := &stage{t: t, db: db, page: &pager{}, at: monday}
		s.desk = respond.New(respond.Config{Store: db.Desk(), Pager: s.page, Node: "node-a", Now: s.now})
		s.furnish()
		story(s)
	})
}

// furnish sets up two people with a phone each, a policy of two levels (five
// minutes each, no loop) and a service whose urgency follows the severity.
func (s *stage) furnish() {
	s.ana, s.ben, s.svc, s.policy = id.New(id.User), id.New(id.User), id.New(id.Service), id.New(id.Policy)
	rule := func(urgency string, delay time.Duration) oncall.Rule {
		return oncall.Rule{ID: id.New(id.Rule), Urgency: urgency, Method: oncall.Push, Delay: delay}
	}
	both := []oncall.Rule{rule("high", 0), rule("low", 2*time.Minute)}
	s.apply(setup.Changes{
		Users: []auth.User{
			{ID: s.ana, Email: "ana@example.com", Name: "Ana", Role: auth.Responder, TimeZone: "UTC", Locale: "en", CreatedAt: s.at},
			{ID: s.ben, Email: "ben@example.com", Name: "Ben", Role: auth.Responder, TimeZone: "UTC", Locale: "en", CreatedAt: s.at},
		},
		Rules: map[string][]oncall.Rule{s.ana: both, s.ben: {rule("high", 0), rule("low", 0)}},
		Policies: []oncall.Policy{{ID: s.policy, Name: "Default", Levels: []oncall.Level{
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ana}}, Delay: 5 * time.Minute},
			{Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: s.ben}}, Delay: 5 * time.Minute},
		}}},
		Services:     []respond.Service{{ID: s.svc, Name: "Checkout", PolicyID: s.policy, Urgency: respond.BySeverity, AckTimeout: 30 * time.Minute, AutoResolve: 24 * time.Hour}},
		Integrations: []respond.Integration{{ID: id.New(id.Integration), ServiceID: s.svc, Name: "Prometheus", RoutingKey: routingKey}},
	})
	s.anas = s.phone(s.ana, push.IOS, push.APNs, "aa11")
	s.bens = s.phone(s.ben, push.Android, push.FCM, "bens-token")
}

func (s *stage) apply(c setup.Changes) {
	s.t.Helper()
	now, err := s.db.Setup().Configuration(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	c.Version = now.Version
	if err := s.db.Setup().Apply(s.t.Context(), c); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) phone(user string, platform push.Platform, provider push.Provider, token string) push.Device {
	s.t.Helper()
	d, err := s.db.Devices().RegisterDevice(s.t.Context(), push.Device{
		ID: id.New(id.Device), UserID: user, Name: token, Platform: platform, Provider: provider, App: "app", Environment: "production",
		TargetKind: push.TokenTarget, Token: token, RegisteredAt: s.at, State: push.DeviceActive, CreatedAt: s.at, LastSeenAt: s.at,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// wait moves the clock on, and lets it knock at every due incident on its way.
func (s *stage) wait(d time.Duration) {
	s.t.Helper()
	until := s.now().Add(d)
	for range 100 {
		next, ok, err := s.db.Timers().NextDue(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok || next.After(until) {
			s.set(until)
			return
		}
		s.set(next)
		s.knock()
	}
	s.t.Fatal("the clock knocked a hundred times without coming to rest")
}

// knock claims what is due and takes it to the desk.
func (s *stage) knock() {
	s.t.Helper()
	now := s.now()
	ids, err := s.db.Timers().Claim(s.t.Context(), now, 100, now.Add(time.Minute))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, i := range ids {
		if err := s.desk.Due(s.t.Context(), i); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stage) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.at) {
		s.at = at
	}
}

func (s *stage) event(action respond.EventAction, dedup string, severity incident.Severity, summary string) {
	s.t.Helper()
	_, err := s.desk.Ingest(s.t.Context(), respond.Event{
		RoutingKey: routingKey, Action: action, DedupKey: dedup, Summary: summary, Source: "test", Severity: severity, Payload: []byte(`{}`),
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) trigger(dedup string) incident.Incident {
	s.t.Helper()
	s.event(respond.EventTrigger, dedup, incident.Critical, "Checkout is down")
	return s.newest()
}

func (s *stage) newest() incident.Incident {
	s.t.Helper()
	items, _, _, err := s.db.Incidents().ListIncidents(s.t.Context(), respond.IncidentFilter{Limit: 100})
	if err != nil || len(items) == 0 {
		s.t.Fatalf("listing incidents: %d, %v", len(items), err)
	}
	return items[0]
}

func (s *stage) get(incidentID string) incident.Incident {
	s.t.Helper()
	i, err := s.db.Incidents().Incident(s.t.Context(), incidentID)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func (s *stage) as(user string) incident.Actor {
	return incident.Actor{Kind: incident.ActorUser, ID: user, Name: map[string]string{s.ana: "Ana", s.ben: "Ben"}[user], Via: "api"}
}

func (s *stage) act(cmd respond.Command) respond.Answer {
	s.t.Helper()
	a, err := s.desk.Act(s.t.Context(), cmd)
	if err != nil {
		s.t.Fatalf("%s: %v", cmd.Name, err)
	}
	return a
}

// words gives the incident's timeline as its words, in order.
func (s *stage) words(incidentID string) []string {
	s.t.Helper()
	var out []string
	for _, e := range s.timeline(incidentID) {
		out = append(out, string(e.Type))
	}
	return out
}

func (s *stage) timeline(incidentID string) []incident.Entry {
	s.t.Helper()
	entries, err := s.db.Incidents().Timeline(s.t.Context(), incidentID, 0, 500)
	if err != nil {
		s.t.Fatal(err)
	}
	return entries
}

// accepted records that the provider took the jobs.
func (s *stage) accepted(jobs []push.Job) {
	s.t.Helper()
	var out []push.Outcome
	for _, j := range jobs {
		out = append(out, push.Outcome{Job: j, SentAt: s.now(), DoneAt: s.now(), Result: push.Result{Class: push.ClassAccepted, Status: 200}, Final: push.Accepted})
	}
	if err := s.db.Deliveries().Record(s.t.Context(), out); err != nil {
		s.t.Fatal(err)
	}
}

// pager remembers what the desk let out.
type pager struct {
	mu        sync.Mutex
	jobs      []push.Job
	cancelled []string
}

func (p *pager) Submit(jobs []push.Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobs = append(p.jobs, jobs...)
}

func (p *pager) Cancel(incidentID string, _ int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancelled = append(p.cancelled, incidentID)
}

// take gives what came since the last take.
func (p *pager) take() []push.Job {
	p.mu.Lock()
	defer p.mu.Unlock()
	jobs := p.jobs
	p.jobs = nil
	return jobs
}

// rang says what came since the last take, as "kind device", sorted.
func (s *stage) rang() []string {
	var out []string
	for _, j := range s.page.take() {
		out = append(out, string(j.Delivery.Kind)+" "+j.Device.Name)
	}
	slices.Sort(out)
	return out
}

// loop makes the policy go round n more times, so that escalating by hand
// does not run out of levels.
func (s *stage) loop(n int) {
	s.t.Helper()
	p := s.db.Catalog().Policies[s.policy]
	p.Loops = n
	s.apply(setup.Changes{Policies: []oncall.Policy{p}})
}
