package setup

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func parsed(t *testing.T, text string) File {
	t.Helper()
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func planned(t *testing.T, text string, s State) Diff {
	t.Helper()
	d, err := Plan(parsed(t, text), s, now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// after is the state that a store has once it applied the changes.
func after(s State, c Changes) State {
	put := func(s State) State { return s }(s)
	put.Rules = maps.Clone(s.Rules)
	if put.Rules == nil {
		put.Rules = map[string][]oncall.Rule{}
	}
	maps.Copy(put.Rules, c.Rules)
	put.Users = merged(s.Users, c.Users, func(u auth.User) string { return u.ID })
	put.Schedules = merged(s.Schedules, c.Schedules, func(s oncall.Schedule) string { return s.ID })
	put.Policies = merged(s.Policies, c.Policies, func(p oncall.Policy) string { return p.ID })
	put.Services = merged(s.Services, c.Services, func(s respond.Service) string { return s.ID })
	put.Integrations = merged(s.Integrations, c.Integrations, func(i respond.Integration) string { return i.ID })
	put.Contacts = merged(s.Contacts, c.Contacts, func(d push.Device) string { return d.ID })
	put.Version++
	return put
}

func merged[T any](old, changed []T, id func(T) string) []T {
	out := slices.Clone(old)
	for _, c := range changed {
		if i := slices.IndexFunc(out, func(o T) bool { return id(o) == id(c) }); i >= 0 {
			out[i] = c
		} else {
			out = append(out, c)
		}
	}
	return out
}

const base = `
users:
  - {name: Ana, email: Ana@Example.com, role: admin, time_zone: Europe/Lisbon, locale: pt, rules: [{urgency: high, method: push}, {urgency: high, method: push, delay: 2m}]}
  - {name: Ben, email: ben@example.com}
schedules:
  - name: Primary
    time_zone: Europe/Lisbon
    rotation: {start: 2026-11-02 09:00, turn: 1 week, users: [ana@example.com, ben@example.com]}
policies:
  - name: Default
    loops: 2
    levels:
      - {delay: 5m, targets: [{schedule: Primary}]}
      - {delay: 10m, targets: [{user: ben@example.com}]}
services:
  - {name: Checkout, policy: default, urgency: severity, ack_timeout: 30m, auto_resolve: 24h}
integrations:
  - {name: Prometheus, service: checkout}
`

func TestAFirstImportMakesEverything(t *testing.T) {
	t.Parallel()
	d := planned(t, base, State{Version: 7})
	want := `+ user ana@example.com (Ana, admin)
+ user ben@example.com (Ben, responder)
+ schedule Primary (2 people, turns of 1 week from 2026-11-02 09:00 WET)
+ policy Default (2 levels)
+ service Checkout (policy Default, urgency severity)
+ integration Checkout / Prometheus (a routing key will be made)
6 added, 0 changed, 0 unchanged`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
	c := d.Changes
	ana, ben := c.Users[0], c.Users[1]
	if c.Version != 7 || ana.CreatedAt != now || ben.Role != auth.Responder || ben.TimeZone != "UTC" || ben.Locale != "en" {
		t.Errorf("got version %d, %+v, %+v", c.Version, ana, ben)
	}
	if rules := c.Rules[ben.ID]; len(rules) != 2 || rules[0].Urgency != "high" || rules[1].Urgency != "low" {
		t.Errorf("a new person without rules got %+v", rules)
	}
	layer := c.Schedules[0].Layers[0]
	if diff := cmp.Diff(oncall.Layer{
		ID: layer.ID, Name: "Rotation", Users: []string{ana.ID, ben.ID},
		Start: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Turn: 1, Unit: oncall.Weeks,
	}, layer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]oncall.Level{
		{Delay: 5 * time.Minute, Targets: []oncall.Target{{Kind: oncall.ScheduleTarget, ID: c.Schedules[0].ID}}},
		{Delay: 10 * time.Minute, Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: ben.ID}}},
	}, c.Policies[0].Levels); diff != "" {
		t.Error(diff)
	}
	service := respond.Service{ID: c.Services[0].ID, Name: "Checkout", PolicyID: c.Policies[0].ID, Urgency: respond.BySeverity, AckTimeout: 30 * time.Minute, AutoResolve: 24 * time.Hour}
	if diff := cmp.Diff(service, c.Services[0]); diff != "" {
		t.Error(diff)
	}
	key := c.Integrations[0].RoutingKey
	if diff := cmp.Diff([]NewKey{{"Checkout", "Prometheus", key}}, d.Keys); diff != "" || !routingKeyForm.MatchString(key) {
		t.Errorf("key %q: %s", key, diff)
	}
	for prefix, made := range map[string]string{
		id.User: ana.ID, id.Schedule: c.Schedules[0].ID, id.Layer: layer.ID, id.Policy: c.Policies[0].ID,
		id.Service: service.ID, id.Integration: c.Integrations[0].ID, id.Rule: c.Rules[ana.ID][0].ID,
	} {
		if err := id.Check(prefix, made); err != nil {
			t.Error(err)
		}
	}
}

func TestASecondImportChangesNothing(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"base": base, "example": string(Example()), "demo": string(demo)} {
		state := after(State{}, planned(t, text, State{}).Changes)
		d := planned(t, text, state)
		if !d.Empty() || len(d.Lines) != 0 || d.Unchanged == 0 || len(d.Keys) != 0 {
			t.Errorf("%s: the second import says %s", name, d)
		}
	}
}

func TestWhatTheFileLeavesOutStays(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, base, State{}).Changes)
	d := planned(t, `
users: [{name: Ana, email: ana@example.com}]
schedules: [{name: primary}]
policies: [{name: Default}]
services: [{name: Checkout}]
integrations: [{name: Prometheus, service: Checkout}]
`, state)
	// A name in other letters is the same thing, renamed.
	want := "~ schedule primary: name Primary → primary\n0 added, 1 changed, 4 unchanged"
	if d.String() != want {
		t.Errorf("got %s", d)
	}
}

func TestEveryChangeIsSaidAndKeepsItsIds(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, base, State{}).Changes)
	d := planned(t, `
users:
  - {name: Ana Lima, email: ana@example.com, role: owner, time_zone: UTC, locale: en, disabled: true, password: correct horse, rules: [{urgency: high, method: push, delay: 2m}]}
schedules:
  - name: Primary
    rotation: {start: 2026-11-02 10:00, turn: 12 hours, users: [ben@example.com]}
policies:
  - name: Default
    loops: 0
    levels:
      - {delay: 2m, targets: [{schedule: Primary}, {user: ana@example.com}]}
      - {delay: 10m, targets: [{user: ben@example.com}]}
      - {delay: 1h, targets: [{user: ana@example.com}]}
  - name: Night
    levels: [{targets: [{user: ben@example.com}]}]
services:
  - {name: Checkout, policy: Night, urgency: low, ack_timeout: off, auto_resolve: 2h30m}
integrations:
  - {name: Prometheus, service: Checkout, routing_key: 0123456789abcdefghijklmnopqrstuv}
`, state)
	want := `~ user ana@example.com: name Ana → Ana Lima, role admin → owner, time zone Europe/Lisbon → UTC, locale pt → en, disabled false → true, password changed, notification rules changed (2 → 1)
~ schedule Primary: start 2026-11-02 09:00 WET → 2026-11-02 10:00 WET, turn 1 week → 12 hours, users ana@example.com + ben@example.com → ben@example.com
~ policy Default: loops 2 → 0, level 1 delay 5m → 2m, level 1 targets schedule Primary → schedule Primary + user ana@example.com, level 3 added (user ana@example.com after 1h)
+ policy Night (1 level)
~ service Checkout: policy Default → Night, urgency severity → low, ack timeout 30m → off, auto resolve 24h → 2h30m
~ integration Checkout / Prometheus: routing key ` + state.Integrations[0].RoutingKey + ` → 0123456789abcdefghijklmnopqrstuv
1 added, 5 changed, 0 unchanged`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
	next := after(state, d.Changes)
	if next.Users[0].ID != state.Users[0].ID || next.Schedules[0].Layers[0].ID != state.Schedules[0].Layers[0].ID ||
		next.Policies[0].ID != state.Policies[0].ID || next.Services[0].ID != state.Services[0].ID || len(next.Users) != 2 {
		t.Error("something got a new id, or was made twice")
	}
	kept, was := next.Rules[next.Users[0].ID], state.Rules[state.Users[0].ID]
	if len(kept) != 1 || kept[0] != was[1] {
		t.Errorf("the rule that stays has become %+v, was %+v", kept, was[1])
	}
	back := planned(t, base, next)
	for _, line := range []string{"level 3 removed", "layers", "end "} {
		if got := strings.Contains(back.String(), line); got != (line == "level 3 removed") {
			t.Errorf("going back says %s", back)
		}
	}
}

func TestReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	_, err := Plan(parsed(t, `
schedules:
  - {name: S, rotation: {start: 2026-01-01 00:00, turn: 1 day, users: [zoe@example.com]}}
policies:
  - name: P
    levels: [{targets: [{user: yan@example.com}, {schedule: Nights}]}]
services:
  - {name: checkout, policy: x}
  - {name: other, policy: P}
  - {name: lonely}
integrations:
  - {name: I, service: Unknown}
`), State{}, now)
	want := []string{
		"line 3, schedules[0].rotation.users[0]: schedule 'S' names user 'zoe@example.com', which is not in this file or the database",
		"line 6, policies[0].levels[0].targets[0].user: policy 'P' names user 'yan@example.com', which is not in this file or the database",
		"line 6, policies[0].levels[0].targets[1].schedule: policy 'P' names schedule 'Nights', which is not in this file or the database",
		"line 8, services[0].policy: service 'checkout' names policy 'x', which is not in this file or the database",
		"line 10, services[2]: service 'lonely' is new and names no policy; add \"policy: …\"",
		"line 12, integrations[0].service: integration 'I' names service 'Unknown', which is not in this file or the database",
	}
	if diff := cmp.Diff(want, problemLines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestNewThingsNeedTheirCore(t *testing.T) {
	t.Parallel()
	_, err := Plan(parsed(t, "schedules: [{name: S}]\npolicies: [{name: P}, {name: Q, levels: [{targets: [{user: a@b.c}, {user: A@b.c}]}]}]\nusers: [{name: A, email: a@b.c, password: short}]"), State{}, now)
	want := []string{
		"line 1, schedules[0]: schedule 'S' is new and has no rotation; add one",
		"line 2, policies[0]: policy 'P' is new and has no levels; add at least one",
		"line 2, policies[1].levels[0].targets[1]: level 1 of policy 'Q' names user 'a@b.c' twice; remove one",
		"line 3, users[0]: the password of user a@b.c: the password needs at least 8 characters; choose a longer one",
	}
	got := problemLines(t, err)
	for i := range got {
		got[i] = strings.Replace(got[i], "targets[1].user:", "targets[1]:", 1)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARoutingKeyHasOneOwner(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, base, State{}).Changes)
	key := state.Integrations[0].RoutingKey
	_, err := Plan(parsed(t, "integrations: [{name: Other, service: Checkout, routing_key: "+key+"}]"), state, now)
	want := "line 1, integrations[0]: routing key " + key + " of integration 'Other' belongs to integration 'Prometheus' of service 'Checkout'; every integration needs its own"
	if diff := cmp.Diff([]string{want}, problemLines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestIntegrationsOfDifferentServicesMayShareAName(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, base, State{}).Changes)
	d := planned(t, "services: [{name: Billing, policy: Default}]\nintegrations: [{name: Prometheus, service: Billing}]", state)
	if d.Added != 2 || d.Changed != 0 {
		t.Errorf("got %s", d)
	}
}

func TestPasswordsChangeOnlyWhenTheyDiffer(t *testing.T) {
	t.Parallel()
	file := func(line string) string { return "users: [{name: A, email: a@b.c, " + line + "}]" }
	state := after(State{}, planned(t, file("password: correct horse"), State{}).Changes)
	stored := state.Users[0].PasswordHash
	if ok, err := auth.VerifyPassword(stored, "correct horse"); err != nil || !ok {
		t.Fatalf("the stored hash does not open: %v", err)
	}
	if d := planned(t, file("password: correct horse"), state); !d.Empty() {
		t.Errorf("the same password: %s", d)
	}
	if d := planned(t, file("password_hash: '"+stored+"'"), state); !d.Empty() {
		t.Errorf("the same hash: %s", d)
	}
	d := planned(t, file("password: battery staple"), state)
	if want := "~ user a@b.c: password changed\n0 added, 1 changed, 0 unchanged"; d.String() != want {
		t.Errorf("another password: %s", d)
	}
	for _, bad := range []string{"plain", "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNo"} {
		_, err := Plan(parsed(t, file("password_hash: '"+bad+"'")), state, now)
		if lines := problemLines(t, err); len(lines) != 1 || !strings.Contains(lines[0], "no argon2id hash we can use") {
			t.Errorf("hash %s: got %q", bad, lines)
		}
	}
}

func TestLocalStartsFollowTheZoneOfTheSchedule(t *testing.T) {
	t.Parallel()
	d := planned(t, "users: [{name: A, email: a@b.c}]\nschedules: [{name: S, time_zone: America/New_York, rotation: {start: 2026-07-01 09:00, turn: 1 day, users: [a@b.c]}}]", State{})
	if got, want := d.Changes.Schedules[0].Layers[0].Start, time.Date(2026, 7, 1, 13, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Files made in code do not pass through Parse; Plan still refuses what oncall
// could not work with.
func TestPlanRefusesWhatOncallCouldNotUse(t *testing.T) {
	t.Parallel()
	f := File{Policies: []Policy{{Name: "P", Levels: []Level{{Delay: time.Minute}}}}}
	_, err := Plan(f, State{}, now)
	if lines := problemLines(t, err); len(lines) != 1 || !strings.HasPrefix(lines[0], "policy 'P': Level 1:") {
		t.Errorf("got %q", lines)
	}
}

func TestTheDemoPutsAnaOnCallFirst(t *testing.T) {
	t.Parallel()
	f, err := Demo(now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Plan(f, State{}, now)
	if err != nil {
		t.Fatal(err)
	}
	onCall := map[string]string{}
	for _, s := range d.Changes.Schedules {
		for _, shift := range s.OnCall(now) {
			for _, u := range d.Changes.Users {
				if u.ID == shift.UserID {
					onCall[s.Name] = u.Name
				}
			}
		}
	}
	if diff := cmp.Diff(map[string]string{"Primary": "Ana Lima", "Backup": "Ben Ode"}, onCall); diff != "" {
		t.Error(diff)
	}
	if d.Changes.Integrations[0].RoutingKey != DemoRoutingKey {
		t.Errorf("the demo's key is %s", d.Changes.Integrations[0].RoutingKey)
	}
	if ok, err := auth.VerifyPassword(d.Changes.Users[0].PasswordHash, DemoPassword); err != nil || !ok {
		t.Errorf("the demo's password does not open: %v", err)
	}
}
