package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/respond"
)

func none(what string) error {
	return fault.New(fault.NotFound, "not_found", "there is no such %s", what)
}

// people is auth in memory: a token is whatever the test says it is.
type people struct {
	mu       sync.Mutex
	users    map[string]auth.User
	sessions map[string]auth.Principal    // by access token
	buttons  map[string]auth.ActionClaims // by action token
	logins   []auth.Login
	err      error // what SignIn fails with
}

func (p *people) SignIn(_ context.Context, l auth.Login) (auth.Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins = append(p.logins, l)
	if p.err != nil {
		return auth.Tokens{}, p.err
	}
	for _, u := range p.users {
		if u.Email == l.Email && l.Password == "correct horse" {
			return p.open(u), nil
		}
	}
	return auth.Tokens{}, fault.New(fault.Unauthenticated, "bad_credentials", "email or password is wrong")
}

func (p *people) open(u auth.User) auth.Tokens {
	ses := id.New(id.Session)
	p.sessions["access-"+ses] = auth.Principal{UserID: u.ID, Name: u.Name, Role: u.Role, SessionID: ses}
	return auth.Tokens{Access: "access-" + ses, Refresh: "refresh-" + u.ID, SessionID: ses, User: u, AccessExpiresAt: night, RefreshExpiresAt: night}
}

func (p *people) Refresh(_ context.Context, refresh string) (auth.Tokens, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, ok := p.users[refresh[min(len("refresh-"), len(refresh)):]]; ok {
		return p.open(u), nil
	}
	return auth.Tokens{}, fault.New(fault.Unauthenticated, "refresh_invalid", "this refresh token is not known; sign in again")
}

func (p *people) SignOut(_ context.Context, sessionID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, "access-"+sessionID)
	return nil
}

func (p *people) Authenticate(_ context.Context, token string) (auth.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token == "" {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_missing", "send the access token")
	}
	if who, ok := p.sessions[token]; ok {
		return who, nil
	}
	return auth.Principal{}, fault.New(fault.Unauthenticated, "token_invalid", "this is not a valid token")
}

func (p *people) VerifyAction(_ context.Context, token string) (auth.ActionClaims, auth.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.buttons[token]
	if !ok {
		return auth.ActionClaims{}, auth.Principal{}, fault.New(fault.Unauthenticated, "token_invalid", "this is not a valid token")
	}
	u := p.users[a.UserID]
	return a, auth.Principal{UserID: u.ID, Name: u.Name, Role: u.Role}, nil
}

func (p *people) User(_ context.Context, userID string) (auth.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u, ok := p.users[userID]; ok {
		return u, nil
	}
	return auth.User{}, none("user")
}

func (p *people) ReceiptKey(userID, deviceID string) string { return "key-of-" + userID + deviceID }

func (p *people) VerifyReceiptKey(ctx context.Context, userID, deviceID, key string) (auth.Principal, error) {
	if key != p.ReceiptKey(userID, deviceID) {
		return auth.Principal{}, auth.ErrReceiptKey()
	}
	u, err := p.User(ctx, userID)
	return auth.Principal{UserID: u.ID, Name: u.Name, Role: u.Role}, err
}

func (p *people) JWKS() []byte {
	return []byte(`{"keys":[{"crv":"Ed25519","kty":"OKP","x":"AA","alg":"EdDSA","use":"sig","kid":"k1"}]}`)
}

// desk is respond and its store in memory, on the real incident machine.
type desk struct {
	activities []respond.ActivityReport
	mu         sync.Mutex
	incidents  []incident.Incident // newest first
	timeline   []incident.Entry
	alerts     []respond.Alert
	commands   []respond.Command
	phones     *phones // whose buttons are good
	answers    map[string]respond.Answer
	onCall     []respond.ServiceOnCall
	asked      time.Time // the moment OnCall was asked about
	filter     respond.IncidentFilter
	reports    []respond.Report
	returned   []string                // "user device"
	log        []respond.DeliveryStory // newest first
	logFilter  respond.DeliveryFilter
	err        error // what everything fails with
	panics     bool
}

func (d *desk) Act(_ context.Context, cmd respond.Command) (respond.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.panics {
		panic("the desk fell over")
	}
	d.commands = append(d.commands, cmd)
	if a, ok := d.answers[cmd.Principal+cmd.Key]; ok && cmd.Key != "" {
		return a, nil
	}
	i := slices.IndexFunc(d.incidents, func(i incident.Incident) bool { return i.ID == cmd.IncidentID })
	if d.err != nil {
		return respond.Answer{}, d.err
	}
	if cmd.Tap != nil && d.phones.find(cmd.Actor.ID, cmd.Actor.DeviceID) < 0 {
		return respond.Answer{}, fault.New(fault.Forbidden, "device_removed", "the device is no longer registered")
	}
	if i < 0 {
		return respond.Answer{}, none("incident")
	}
	ch, err := decide(d.incidents[i], cmd)
	if err != nil {
		return respond.Answer{}, err
	}
	d.incidents[i] = ch.Incident
	d.timeline = append(d.timeline, ch.Entries...)
	a := respond.Answer{Incident: *ch.Incident.Snapshot(), Changed: ch.Changed}
	d.answers[cmd.Principal+cmd.Key] = a
	return a, nil
}

func decide(in incident.Incident, cmd respond.Command) (incident.Change, error) {
	at := night.Add(time.Minute)
	switch cmd.Name {
	case respond.Acknowledge:
		return in.Acknowledge(cmd.Actor, at)
	case respond.Unacknowledge:
		return in.Unacknowledge(cmd.Actor, at)
	case respond.Resolve:
		return in.Resolve(cmd.Actor, at)
	case respond.Snooze:
		return in.Snooze(cmd.Actor, at, cmd.Until)
	case respond.Note:
		return in.Annotate(cmd.Actor, at, cmd.Note)
	case respond.Reassign:
		return in.Reassign(cmd.Actor, at, incident.Reassignment{Users: cmd.Users, PolicyID: cmd.PolicyID})
	default:
		in.Revision++
		return incident.Change{Incident: in, Changed: true}, nil
	}
}

func (d *desk) OnCall(at time.Time) []respond.ServiceOnCall {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = at
	return slices.Clone(d.onCall)
}

func (d *desk) ReportActivity(_ context.Context, r respond.ActivityReport) error {
	if d.phones.find(r.UserID, r.DeviceID) < 0 {
		return none("device")
	}
	d.activities = append(d.activities, r)
	return nil
}

// Report makes of receipts what their ids say: only the desk knows deliveries.
func (d *desk) Report(_ context.Context, r respond.Report) ([]respond.Hearing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reports = append(d.reports, r)
	heard := make([]respond.Hearing, len(r.Receipts))
	for i, receipt := range r.Receipts {
		heard[i] = respond.UnknownDelivery
		for _, s := range d.log {
			if s.Delivery.ID == receipt.DeliveryID {
				heard[i] = respond.Recorded
			}
		}
	}
	return heard, d.err
}

func (d *desk) Returned(_ context.Context, userID, deviceID string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.returned = append(d.returned, userID+" "+deviceID)
	return d.err
}

func (d *desk) ListDeliveries(_ context.Context, f respond.DeliveryFilter) ([]respond.DeliveryStory, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logFilter = f
	var found []respond.DeliveryStory
	for _, s := range d.log {
		if f.BeforeID == "" || s.Delivery.ID < f.BeforeID {
			found = append(found, s)
		}
	}
	return found[:min(f.Limit, len(found))], len(found) > f.Limit, d.err
}

func (d *desk) ListIncidents(_ context.Context, f IncidentFilter) ([]incident.Incident, bool, realtime.Head, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.filter = f
	var found []incident.Incident
	for _, i := range d.incidents {
		fits := (len(f.Statuses) == 0 || slices.Contains(f.Statuses, i.Status)) &&
			(f.AfterAt.IsZero() || i.CreatedAt.Before(f.AfterAt) || i.CreatedAt.Equal(f.AfterAt) && cmp.Less(i.ID, f.AfterID))
		if fits {
			found = append(found, i)
		}
	}
	more := len(found) > f.Limit
	return found[:min(f.Limit, len(found))], more, realtime.Head{Epoch: "k3", Seq: 811}, d.err
}

func (d *desk) Incident(_ context.Context, incidentID string) (incident.Incident, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, i := range d.incidents {
		if i.ID == incidentID {
			return i, nil
		}
	}
	return incident.Incident{}, none("incident")
}

func (d *desk) Alerts(_ context.Context, _ string, limit int) ([]respond.Alert, error) {
	return d.alerts[:min(limit, len(d.alerts))], nil
}

func (d *desk) Timeline(_ context.Context, incidentID string, after int64, limit int) (found []incident.Entry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, e := range d.timeline {
		e.Seq = int64(n + 1)
		if e.IncidentID == incidentID && e.Seq > after && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

// phones is the registry of devices in memory.
type phones struct {
	mu    sync.Mutex
	known []push.Device
	held  []push.Hold
}

func (p *phones) Holds(context.Context, time.Time) ([]push.Hold, error) { return p.held, nil }

func (p *phones) Release(_ context.Context, by push.Provider, app string, _ time.Time) error {
	i := slices.IndexFunc(p.held, func(h push.Hold) bool { return h.Provider == by && h.App == app })
	if i < 0 {
		return none("hold")
	}
	p.held = slices.Delete(p.held, i, i+1)
	return nil
}

func (p *phones) RegisterDevice(_ context.Context, d push.Device) (push.Device, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range p.known {
		if k.Provider == d.Provider && k.Token == d.Token {
			d.ID, d.CreatedAt = k.ID, k.CreatedAt
			p.known[i] = d
			return d, nil
		}
	}
	p.known = append(p.known, d)
	return d, nil
}

func (p *phones) find(userID, deviceID string) int {
	return slices.IndexFunc(p.known, func(d push.Device) bool { return d.UserID == userID && d.ID == deviceID })
}

func (p *phones) UpdateDevice(_ context.Context, d push.Device) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(d.UserID, d.ID)
	if i < 0 {
		return none("device")
	}
	p.known[i] = d
	return nil
}

func (p *phones) Device(_ context.Context, userID, deviceID string) (push.Device, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.find(userID, deviceID); i >= 0 {
		return p.known[i], nil
	}
	return push.Device{}, none("device")
}

func (p *phones) DeviceOwner(_ context.Context, deviceID string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.known {
		if d.ID == deviceID {
			return d.UserID, nil
		}
	}
	return "", none("device")
}

func (p *phones) Devices(_ context.Context, userID string) (found []push.Device, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.known {
		if d.UserID == userID {
			found = append(found, d)
		}
	}
	return found, nil
}

func (p *phones) RemoveDevice(_ context.Context, userID, deviceID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.find(userID, deviceID)
	if i < 0 {
		return none("device")
	}
	p.known = slices.Delete(p.known, i, i+1)
	return nil
}

// watch answers what it was told to.
type watch struct {
	mu     sync.Mutex
	trials []respond.Trial
	judged []respond.Reachability
	err    error
}

func (w *watch) Test(_ context.Context, t respond.Trial) (push.Delivery, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trials = append(w.trials, t)
	return push.Delivery{
		ID: id.New(id.Delivery), Kind: push.Test, UserID: t.UserID, DeviceID: t.DeviceID, About: &push.About{Loud: t.Loud},
		CreatedAt: night, ExpiresAt: night.Add(10 * time.Minute),
	}, w.err
}

func (w *watch) Pageability(_ context.Context, userIDs ...string) (out []respond.Reachability, err error) {
	for _, r := range w.judged {
		if len(userIDs) == 0 || slices.Contains(userIDs, r.Person.ID) {
			out = append(out, r)
		}
	}
	return out, w.err
}

// intake takes events and remembers them.
type intake struct {
	mu      sync.Mutex
	events  []respond.Event
	changes []respond.Change
	err     error
}

func (i *intake) Ingest(_ context.Context, e respond.Event) (respond.Receipt, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return respond.Receipt{}, fmt.Errorf("ingesting: %w", i.err)
	}
	i.events = append(i.events, e)
	return respond.Receipt{DedupKey: e.DedupKey}, nil
}

func (i *intake) IngestChange(_ context.Context, c respond.Change) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.changes = append(i.changes, c)
	return i.err
}

// nothing takes events and forgets them.
type nothing struct{}

func (nothing) Ingest(_ context.Context, e respond.Event) (respond.Receipt, error) {
	return respond.Receipt{DedupKey: e.DedupKey}, nil
}

func (nothing) IngestChange(context.Context, respond.Change) error { return nil }

// blank is an answer nobody reads.
type blank struct {
	header http.Header
	status int
}

func (b *blank) Header() http.Header         { return b.header }
func (b *blank) WriteHeader(status int)      { b.status = status }
func (b *blank) Write(p []byte) (int, error) { return len(p), nil }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
