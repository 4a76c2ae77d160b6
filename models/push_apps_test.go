package models_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// aPushApp is an app with every field filled, as no real one is.
func aPushApp(name string) push.App {
	return push.App{
		Provider: push.APNs, Name: name, Sealed: []byte("sealed"), CreatedAt: noon, UpdatedAt: noon.Add(time.Minute), UpdatedBy: "usr_ana",
		Settings: push.AppSettings{
			BundleID: "com.example", TeamID: "A1B2C3D4E5", KeyID: "F6G7H8I9J0", Environments: []string{"sandbox"},
			ProjectID: "proj", Ambient: true, ClientEmail: "a@b.example", Fingerprint: "0123456789abcdef", PublicKey: "BP4z",
			AppOptions: push.AppOptions{Privacy: push.PrivacySealed, Unlock: []string{"resolve"}},
		},
	}
}

func pushApps(t *testing.T, db *models.DB) []push.App {
	t.Helper()
	all, err := db.PushApps().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPushAppsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		first := aPushApp("first")
		filledTogether(t, first)
		filledTogether(t, first.Settings)
		before := db.Catalog().Version
		if err := db.PushApps().Add(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]push.App{first}, pushApps(t, db)); diff != "" {
			t.Errorf("added and read (-want +got):\n%s", diff)
		}
		if c, err := db.Refresh(t.Context()); err != nil || c.Version <= before {
			t.Errorf("the configuration's version is %d, as before (%v)", c.Version, err)
		}
		if err := db.PushApps().Add(t.Context(), first); !fault.Is(err, "push_app_exists") {
			t.Errorf("a second of the name: %v", err)
		}

		want := first
		want.Settings.KeyID, want.Sealed, want.UpdatedAt = "K", nil, noon.Add(time.Hour)
		stored, err := db.PushApps().Change(t.Context(), push.APNs, "first", func(old push.App) (push.App, error) {
			old.Settings.KeyID, old.Sealed, old.UpdatedAt = want.Settings.KeyID, nil, want.UpdatedAt
			return old, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if stored.Sealed = nil; !cmp.Equal(want, stored) {
			t.Errorf("changed (-want +got):\n%s", cmp.Diff(want, stored))
		}
		refuse := func(push.App) (push.App, error) { return push.App{}, push.BadAppKey("key", "it is no key") }
		if _, err := db.PushApps().Change(t.Context(), push.APNs, "first", refuse); !fault.Is(err, "bad_push_key") {
			t.Errorf("a change that is refused: %v", err)
		}
		if _, err := db.PushApps().Change(t.Context(), push.APNs, "second", refuse); !fault.Is(err, "not_found") {
			t.Errorf("changing what is not there: %v", err)
		}
		if got := pushApps(t, db); len(got) != 1 || got[0].Settings.KeyID != "K" {
			t.Errorf("in the end there is %+v", got)
		}
	})
}

// Devices of an app keep it from being removed by mistake, and outlive it.
func TestAppWithDevicesIsRemovedOnlyByForce(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ana := settled(t, db).Users[0]
		phone := aPhone(ana.ID, "ab12")
		phone.App = "first"
		phone = registered(t, db, phone)
		if err := db.PushApps().Add(t.Context(), aPushApp("first")); err != nil {
			t.Fatal(err)
		}
		remove := func(force bool) error { return db.PushApps().Remove(t.Context(), push.APNs, "first", force) }
		if err := remove(false); !fault.Is(err, "push_app_in_use") {
			t.Errorf("removing an app with a device: %v", err)
		}
		if err := remove(true); err != nil {
			t.Error(err)
		}
		if err := remove(true); !fault.Is(err, "not_found") {
			t.Errorf("removing it again: %v", err)
		}
		if _, err := db.Devices().Device(t.Context(), ana.ID, phone.ID); err != nil {
			t.Errorf("its device: %v", err)
		}
	})
}

// Only what waits for this app, and is in nobody's hands, is hastened.
func TestMendedAppsPagesAreDueAtOnce(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		ana := settled(t, db).Users[0]
		phone, other := aPhone(ana.ID, "ab12"), aPhone(ana.ID, "cd34")
		phone.App, other.App = "mended", "other"
		phone, other = registered(t, db, phone), registered(t, db, other)
		c := aCase("k")
		waits, held, elsewhere, settle := aPage(c, phone), aPage(c, phone), aPage(c, other), aPage(c, phone)
		settle.Kind = push.Settle
		for _, d := range []*push.Delivery{&waits, &held, &elsewhere, &settle} {
			d.DueAt, d.ExpiresAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
		}
		held.LeaseNode, held.LeaseUntil = "node-b", noon.Add(time.Minute)
		write(t, db, "k", func(tx respond.Tx) error {
			if err := tx.Open(&c); err != nil {
				return err
			}
			return tx.AddDeliveries(pages(waits, held, elsewhere, settle))
		})
		if err := db.PushApps().Hasten(t.Context(), push.APNs, "mended", noon); err != nil {
			t.Fatal(err)
		}
		jobs, err := db.Deliveries().Claim(t.Context(), noon, 10, noon.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) != 1 || jobs[0].Delivery.ID != waits.ID {
			t.Errorf("due now: %+v, want only %s", jobs, waits.ID)
		}
	})
}
