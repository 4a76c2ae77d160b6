package models_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// aPerson is a user with every field filled.
func aPerson(email string) auth.User {
	return auth.User{
		ID: id.New(id.User), Email: email, Name: "Ana Lima", Role: auth.Admin, TimeZone: "Europe/Lisbon", Locale: "pt",
		PasswordHash: "$argon2id$…", Disabled: true, CreatedAt: noon,
	}
}

// aPhone is a device with every field filled.
func aPhone(userID, token string) push.Device {
	return push.Device{
		ID: id.New(id.Device), UserID: userID, Name: "Ana's phone", Platform: push.IOS, Provider: push.APNs, App: "nightbell",
		Environment: "sandbox", TargetKind: push.TokenTarget, Token: token, RegisteredAt: noon, State: push.DeviceSuspect,
		StateReason: "BadTopic", StateAt: noon.Add(time.Minute), Capabilities: push.Capabilities{Alerts: true, Critical: true, TimeSensitive: true},
		AppVersion: "1.2", OSVersion: "19.1", Locale: "pt", CreatedAt: noon.Add(-time.Hour), LastSeenAt: noon.Add(time.Second),
		Keys:          push.Keys{P256DH: "cA", Auth: "YQ", Seal: "cw", Secret: "eA", Former: "eQ", FormerUntil: noon.Add(time.Hour)},
		LiveActivity:  push.LiveActivity{StartToken: "ab", Frequent: true},
		LastReceiptAt: noon.Add(2 * time.Second), VerifiedAt: noon.Add(3 * time.Second),
		Evidence: push.Evidence{
			Class: push.ClassTokenSuspect, Reason: "BadDeviceToken", Status: 400, At: noon.Add(time.Minute), DeliveryID: "dlv_1",
			Refusals: 2, FirstAt: noon, Home: "production",
		},
	}
}

// aSession is a session with every field filled.
func aSession(userID string) auth.Session {
	return auth.Session{
		ID: id.New(id.Session), UserID: userID, Label: "Ana's phone", CreatedAt: noon, ExpiresAt: noon.Add(720 * time.Hour),
		RevokedAt: noon.Add(time.Hour), RevokedWhy: "signed_out",
	}
}

// company is a configuration with every field of everything filled.
func company() setup.Changes {
	ana, ben := aPerson("ana@example.com"), aPerson("ben@example.com")
	ben.Disabled = false
	schedule := oncall.Schedule{ID: id.New(id.Schedule), Name: "Primary", TimeZone: "Europe/Lisbon", Layers: []oncall.Layer{{
		ID: id.New(id.Layer), Name: "Rotation", Users: []string{ana.ID, ben.ID}, Start: noon, Until: noon.AddDate(1, 0, 0), Turn: 1, Unit: oncall.Weeks,
		Restrictions: []oncall.Restriction{{Cycle: oncall.Weekly, Day: time.Friday, Start: 18 * time.Hour, Length: 62 * time.Hour}},
	}}}
	policy := oncall.Policy{ID: id.New(id.Policy), Name: "Default", Loops: 2, Levels: []oncall.Level{
		{Delay: 5 * time.Minute, Targets: []oncall.Target{{Kind: oncall.ScheduleTarget, ID: schedule.ID}, {Kind: oncall.UserTarget, ID: ben.ID}}, Assignment: oncall.RoundRobin},
	}}
	service := respond.Service{
		ID: id.New(id.Service), Name: "Checkout", PolicyID: policy.ID, Urgency: respond.BySeverity, AckTimeout: 30 * time.Minute, AutoResolve: time.Hour,
	}
	return setup.Changes{
		Version: 1,
		Users:   []auth.User{ana, ben},
		Rules: map[string][]oncall.Rule{ana.ID: {
			{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, Delay: 2 * time.Minute, DeviceID: "dev_1", DisplayedWithin: 20 * time.Second},
			{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, Delay: time.Minute, DeviceID: "dev_1"},
		}},
		Schedules:    []oncall.Schedule{schedule},
		Policies:     []oncall.Policy{policy},
		Services:     []respond.Service{service},
		Integrations: []respond.Integration{{ID: id.New(id.Integration), ServiceID: service.ID, Name: "Prometheus", RoutingKey: "0123456789abcdefghijklmnopqrstuv"}},
		Contacts:     []push.Device{anAddress(ben.ID, "ben.ode@example.com")},
	}
}

// settled stores the company and gives it back.
func settled(t *testing.T, db *models.DB) setup.Changes {
	t.Helper()
	c := company()
	if err := db.Setup().Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// full fails when any field of the value is zero: a round trip proves nothing
// about a field that nobody has filled, but for those that are not stored.
func full(t *testing.T, v any, unstored ...string) {
	t.Helper()
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		if name := r.Type().Field(i).Name; r.Field(i).IsZero() && !slices.Contains(unstored, name) {
			t.Errorf("%s.%s is empty in this test; fill it", r.Type(), name)
		}
	}
}
