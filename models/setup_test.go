package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// asChanges lets what is stored be compared with what was.
func asChanges(s setup.State) setup.Changes { return setup.Changes(s) }

func configured(t *testing.T, db *models.DB) setup.State {
	t.Helper()
	s, err := db.Setup().Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheConfigurationComesBackWhole(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		want := settled(t, db)
		full(t, want)
		full(t, want.Users[0])
		full(t, want.Rules[want.Users[0].ID][0])
		full(t, want.Schedules[0], "Rotations", "Overrides") // oncall reads them; no row holds them yet
		full(t, want.Schedules[0].Layers[0])
		full(t, want.Policies[0])
		full(t, want.Policies[0].Levels[0])
		full(t, want.Services[0])
		full(t, want.Integrations[0])
		want.Version = 2 // storing it made a new version
		if diff := cmp.Diff(want, asChanges(configured(t, db))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestChangesReplaceRowsByID(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		want := settled(t, db)
		ana, ben := want.Users[0].ID, want.Users[1].ID
		want.Users[0].Name, want.Users[0].Role, want.Users[0].Disabled = "Ana B. Lima", auth.Owner, false
		want.Schedules[0].Layers[0].Users = []string{ben}
		want.Policies[0].Loops = 0
		want.Services[0].AckTimeout = 0
		want.Integrations[0].RoutingKey = "vutsrqponmlkjihgfedcba9876543210"
		// The second rule becomes the first and the only one.
		want.Rules = map[string][]oncall.Rule{ana: want.Rules[ana][1:], ben: {{ID: id.New(id.Rule), Urgency: "low", Method: oncall.Push}}}
		want.Version = 2
		if err := db.Setup().Apply(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		want.Version = 3
		if diff := cmp.Diff(want, asChanges(configured(t, db))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestChangesPlannedOnAnOlderVersionAreRefused(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		settled(t, db)
		before := configured(t, db)
		late := setup.Changes{Version: 1, Users: []auth.User{aPerson("zoe@example.com")}}
		if err := db.Setup().Apply(t.Context(), late); !fault.Is(err, "configuration_moved") || fault.KindOf(err) != fault.Conflict {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(before, configured(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

// What the plan could not know is refused by the database, and nothing of the
// changes is kept.
func TestImpossibleChangesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		there := settled(t, db)
		before := configured(t, db)
		twin := func(change func(*setup.Changes)) setup.Changes {
			c := setup.Changes{Version: 2, Users: []auth.User{aPerson("new@example.com")}}
			change(&c)
			return c
		}
		for name, c := range map[string]setup.Changes{
			"e-mail taken":    twin(func(c *setup.Changes) { c.Users = append(c.Users, aPerson("ana@example.com")) }),
			"upper-case mail": twin(func(c *setup.Changes) { c.Users[0].Email = "New@example.com" }),
			"unknown role":    twin(func(c *setup.Changes) { c.Users[0].Role = "boss" }),
			"name taken": twin(func(c *setup.Changes) {
				c.Services = []respond.Service{{ID: "svc_x", Name: " CHECKOUT", PolicyID: there.Policies[0].ID, Urgency: respond.AlwaysHigh}}
			}),
			"key taken": twin(func(c *setup.Changes) {
				c.Integrations = []respond.Integration{{ID: "int_x", ServiceID: there.Services[0].ID, Name: "x", RoutingKey: there.Integrations[0].RoutingKey}}
			}),
			"no such policy": twin(func(c *setup.Changes) {
				c.Services = []respond.Service{{ID: "svc_x", Name: "x", PolicyID: "pol_none", Urgency: respond.AlwaysHigh}}
			}),
		} {
			if err := db.Setup().Apply(t.Context(), c); err == nil {
				t.Errorf("%s: accepted", name)
			}
			if diff := cmp.Diff(before, configured(t, db)); diff != "" {
				t.Errorf("%s: something was kept: %s", name, diff)
			}
		}
	})
}

func TestAFileIsImportedOnceAndChangesNothingTheSecondTime(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		f, err := setup.Parse(setup.Example())
		if err != nil {
			t.Fatal(err)
		}
		if d, err := setup.Apply(t.Context(), db.Setup(), f, noon); err != nil || d.Added != 7 {
			t.Fatalf("%s, %v", d, err)
		}
		before := configured(t, db)
		if d, err := setup.Apply(t.Context(), db.Setup(), f, noon.Add(time.Hour)); err != nil || !d.Empty() || d.Unchanged != 7 {
			t.Errorf("%s, %v", d, err)
		}
		if diff := cmp.Diff(before, configured(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheCatalogueHoldsAllThatPagingAsksFor(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "node-a")
		c := settled(t, db)
		ana := c.Users[0]
		old, young, dead := aPhone(ana.ID, "aa"), aPhone(ana.ID, "bb"), aPhone(ana.ID, "cc")
		young.CreatedAt, dead.State = old.CreatedAt.Add(time.Second), push.DeviceDead
		for _, d := range []push.Device{young, dead, old} {
			if err := db.PutDevice(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		person := func(u auth.User) respond.Person {
			return respond.Person{ID: u.ID, Name: u.Name, Email: u.Email, TimeZone: u.TimeZone, Locale: u.Locale, Role: string(u.Role), Disabled: u.Disabled, Rules: c.Rules[u.ID]}
		}
		full(t, person(ana))
		want := &respond.Catalog{
			Version:      5,
			Services:     map[string]respond.Service{c.Services[0].ID: c.Services[0]},
			Integrations: map[string]respond.Integration{c.Integrations[0].RoutingKey: c.Integrations[0]},
			Policies:     map[string]oncall.Policy{c.Policies[0].ID: c.Policies[0]},
			Schedules:    map[string]oncall.Schedule{c.Schedules[0].ID: c.Schedules[0]},
			People:       map[string]respond.Person{ana.ID: person(ana), c.Users[1].ID: person(c.Users[1])},
			Devices:      map[string][]push.Device{ana.ID: {old, young}, c.Users[1].ID: c.Contacts},
		}
		if diff := cmp.Diff(want, db.Catalog(), cmpopts.IgnoreUnexported(respond.Catalog{})); diff != "" {
			t.Error(diff)
		}
		if other := p.Open(t, "node-b").Catalog(); !cmp.Equal(want, other, cmpopts.IgnoreUnexported(respond.Catalog{})) {
			t.Error("another node knows another catalogue")
		}
	})
}
