package models_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// registered registers the device and gives it as stored.
func registered(t *testing.T, db *models.DB, d push.Device) push.Device {
	t.Helper()
	stored, err := db.Devices().RegisterDevice(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// names gives the tokens of a person's devices, in order.
func tokens(t *testing.T, db *models.DB, userID string) []string {
	t.Helper()
	devices, err := db.Devices().Devices(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, d := range devices {
		list = append(list, d.Token)
	}
	return list
}

func TestDevicesComeBackWhole(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		want := aPhone(settled(t, db).Users[0].ID, "aa")
		full(t, want)
		if err := db.PutDevice(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, err := db.Devices().Device(t.Context(), want.UserID, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := db.Devices().Device(t.Context(), "usr_other", want.ID); err == nil || fault.KindOf(err) != fault.NotFound {
			t.Errorf("somebody else's device: %v", err)
		}
	})
}

func TestRegisteringAgainRevivesAndKeepsTheID(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		dead := aPhone(settled(t, db).Users[0].ID, "aa")
		dead.State = push.DeviceDead
		if err := db.PutDevice(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		again := dead
		again.ID, again.CreatedAt, again.RegisteredAt, again.Name = id.New(id.Device), noon.Add(time.Hour), noon.Add(time.Hour), "Ana's new phone"
		want := again
		want.ID, want.CreatedAt = dead.ID, dead.CreatedAt
		want.State, want.StateReason, want.StateAt = push.DeviceActive, "", again.RegisteredAt
		want.Evidence = push.Evidence{Home: "production"} // the environment that was found for the token stays
		if diff := cmp.Diff(want, registered(t, db, again)); diff != "" {
			t.Error(diff)
		}
		got, err := db.Devices().Devices(t.Context(), dead.UserID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]push.Device{want}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// rung opens an incident and sends one page of it to each device.
func rung(t *testing.T, db *models.DB, devices ...push.Device) (respond.Case, []push.Delivery) {
	t.Helper()
	c := aCase(id.New(id.Alert))
	var pages []push.Delivery
	for _, d := range devices {
		pages = append(pages, aPage(c, d))
	}
	err := db.Write(t.Context(), c.Incident.ID, func(tx *models.Tx) error {
		fresh := c
		if err := tx.Open(&fresh); err != nil {
			return err
		}
		return tx.AddDeliveries(pages)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, pages
}

// cancelled gives what the incident's timeline says about cancelled deliveries.
func cancelled(t *testing.T, db *models.DB, incidentID string) map[string]string {
	t.Helper()
	entries, err := db.Incidents().Timeline(t.Context(), incidentID, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for _, e := range entries {
		if e.Type == incident.EntryCancelled {
			said[e.Detail.DeliveryID] = e.Detail.Reason
		}
	}
	return said
}

// claimable gives the deliveries that a pipeline would still get.
func claimable(t *testing.T, db *models.DB) []string {
	t.Helper()
	jobs, err := db.Deliveries().Claim(t.Context(), noon.Add(time.Hour), 100, noon.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, j := range jobs {
		ids = append(ids, j.Delivery.ID)
	}
	return ids
}

func TestARemovedDeviceIsNotRungAnyMore(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ana := settled(t, db).Users[0].ID
		lost, kept := registered(t, db, aPhone(ana, "aa")), registered(t, db, aPhone(ana, "bb"))
		c, pages := rung(t, db, lost, kept)
		if err := db.Devices().RemoveDevice(t.Context(), ana, lost.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{pages[0].ID: "device_removed"}, cancelled(t, db, c.Incident.ID)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{pages[1].ID}, claimable(t, db)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"bb"}, tokens(t, db, ana)); diff != "" {
			t.Error(diff)
		}
		for _, err := range []error{
			db.Devices().RemoveDevice(t.Context(), ana, lost.ID),
			db.Devices().RemoveDevice(t.Context(), "usr_other", kept.ID),
			db.Devices().UpdateDevice(t.Context(), lost),
		} {
			if err == nil || fault.KindOf(err) != fault.NotFound {
				t.Errorf("got %v", err)
			}
		}
		if again := registered(t, db, aPhone(ana, "aa")); again.ID == lost.ID {
			t.Error("a removed device came back under its old id")
		}
	})
}

func TestATokenThatChangesHandsTakesNoPagesAlong(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		people := settled(t, db).Users
		ana, ben := people[0].ID, people[1].ID
		phone := registered(t, db, aPhone(ana, "aa"))
		c, pages := rung(t, db, phone)
		moved := registered(t, db, aPhone(ben, "aa"))
		if moved.ID != phone.ID || moved.UserID != ben || len(tokens(t, db, ana)) != 0 {
			t.Errorf("the phone did not change hands: %+v", moved)
		}
		if diff := cmp.Diff(map[string]string{pages[0].ID: "device_moved"}, cancelled(t, db, c.Incident.ID)); diff != "" {
			t.Error(diff)
		}
		if left := claimable(t, db); len(left) != 0 {
			t.Errorf("Ana's page would ring Ben: %v", left)
		}
	})
}

func TestUpdatingADevice(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		people := settled(t, db).Users
		ana, ben := people[0].ID, people[1].ID
		phone := aPhone(ana, "aa")
		if err := db.PutDevice(t.Context(), phone); err != nil {
			t.Fatal(err)
		}
		other := registered(t, db, aPhone(ben, "bb"))
		c, pages := rung(t, db, other)

		// Without a newer RegisteredAt nothing is known of the token: its doubtful
		// state stays, whatever the caller has in hand.
		change := phone
		change.Name, change.State, change.CreatedAt = "Pocket", push.DeviceActive, noon.Add(time.Hour)
		want := phone
		want.Name = "Pocket"
		update := func(change, want push.Device) {
			t.Helper()
			if err := db.Devices().UpdateDevice(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			got, err := db.Devices().Device(t.Context(), ana, phone.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		update(change, want)

		// A new token, presented now, that another row still has.
		change.Token, change.RegisteredAt = "bb", noon.Add(time.Hour)
		want.Token, want.RegisteredAt = "bb", noon.Add(time.Hour)
		want.State, want.StateReason, want.StateAt = push.DeviceActive, "", noon.Add(time.Hour)
		want.Evidence = push.Evidence{}
		update(change, want)
		if left := tokens(t, db, ben); len(left) != 0 {
			t.Errorf("one token leads to two devices: %v", left)
		}
		if diff := cmp.Diff(map[string]string{pages[0].ID: "device_replaced"}, cancelled(t, db, c.Incident.ID)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDevicesAreLimitedButTheDeadGiveWay(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		people := settled(t, db).Users
		ana, ben := people[0].ID, people[1].ID
		dead := aPhone(ana, "dead")
		dead.State = push.DeviceDead
		if err := db.PutDevice(t.Context(), dead); err != nil {
			t.Fatal(err)
		}
		for i := range models.DeviceLimit {
			registered(t, db, aPhone(ana, fmt.Sprintf("t%02d", i)))
		}
		if left := tokens(t, db, ana); len(left) != models.DeviceLimit || left[0] == "dead" {
			t.Errorf("the dead one did not give way: %v", left)
		}
		registered(t, db, aPhone(ben, "ben's"))
		for _, token := range []string{"one too many", "ben's"} {
			if _, err := db.Devices().RegisterDevice(t.Context(), aPhone(ana, token)); !fault.Is(err, "too_many_devices") {
				t.Errorf("%s: got %v", token, err)
			}
		}
		registered(t, db, aPhone(ana, "t03")) // known already
		if _, err := db.Devices().RegisterDevice(t.Context(), aPhone("usr_nobody", "zz")); err == nil || fault.KindOf(err) != fault.NotFound {
			t.Errorf("nobody's phone: %v", err)
		}
	})
}

func TestOneTokenRegisteredEverywhereAtOnceIsOneDevice(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "node-a")}
		if p.Engine == "postgres" {
			nodes = append(nodes, p.Open(t, "node-b"))
		}
		people := settled(t, nodes[0]).Users
		ids := make([]string, 12)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				d, err := nodes[i%len(nodes)].Devices().RegisterDevice(context.Background(), aPhone(people[i/2%2].ID, "aa"))
				if err != nil {
					t.Error(err)
				}
				ids[i] = d.ID
			})
		}
		all.Wait()
		for _, got := range ids {
			if got != ids[0] {
				t.Errorf("the token has several devices: %v", ids)
				break
			}
		}
		if n := len(tokens(t, nodes[0], people[0].ID)) + len(tokens(t, nodes[0], people[1].ID)); n != 1 {
			t.Errorf("%d devices in the end", n)
		}
	})
}

func TestTheCatalogueFollowsDevices(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ana := settled(t, db).Users[0].ID
		known := func() []push.Device { return db.Catalog().Devices[ana] }
		phone := registered(t, db, aPhone(ana, "aa"))
		if diff := cmp.Diff([]push.Device{phone}, known()); diff != "" {
			t.Error(diff)
		}
		// An app registers at each start; that alone must not make every node
		// load everything anew.
		before := db.Catalog().Version
		again := phone
		again.RegisteredAt, again.LastSeenAt = noon.Add(time.Hour), noon.Add(time.Hour)
		registered(t, db, again)
		if now := db.Catalog().Version; now != before {
			t.Errorf("the catalogue went from version %d to %d for a registration that changed nothing", before, now)
		}
		again.Capabilities.Critical = false
		registered(t, db, again)
		if got := known(); len(got) != 1 || got[0].Capabilities.Critical || !got[0].RegisteredAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("the catalogue did not follow: %+v", got)
		}
		if err := db.Devices().RemoveDevice(t.Context(), ana, phone.ID); err != nil {
			t.Fatal(err)
		}
		if got := known(); len(got) != 0 {
			t.Errorf("a removed device is still in the catalogue: %+v", got)
		}
	})
}
