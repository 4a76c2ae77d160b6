package models_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// fleet stores active phones of one app and gives a claimed page for each.
func fleet(t *testing.T, db *models.DB, userID, app string, n int) []push.Job {
	t.Helper()
	c := open(t, db, aCase(id.New(id.Alert)))
	jobs := make([]push.Job, n)
	pages := make([]push.Delivery, n)
	for i := range jobs {
		d := aPhone(userID, id.New(id.Device))
		d.App, d.Environment, d.State, d.StateReason, d.StateAt, d.Evidence = app, "production", push.DeviceActive, "", time.Time{}, push.Evidence{}
		if err := db.PutDevice(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		pages[i] = aPage(c, d)
		jobs[i] = push.Job{Delivery: pages[i], Device: d}
	}
	write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries(pages) })
	return jobs
}

// unregistered is Apple's word that the app is gone, at a moment of our clock.
func unregistered(j push.Job, when time.Time) push.Outcome {
	return push.Outcome{
		Job: j, SentAt: when, DoneAt: when, Final: push.Failed,
		Result: push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "Unregistered", Since: j.Device.RegisteredAt.Add(time.Hour)},
	}
}

func allUnregistered(jobs []push.Job, when time.Time) []push.Outcome {
	out := make([]push.Outcome, len(jobs))
	for i, j := range jobs {
		out[i] = unregistered(j, when)
	}
	return out
}

// dead counts an app's dead devices.
func dead(t *testing.T, db *models.DB, userID, app string) (n int) {
	t.Helper()
	all, err := db.Devices().Devices(t.Context(), userID)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.App == app && d.State == push.DeviceDead {
			n++
		}
	}
	return n
}

// A burst of 410s stops at a tenth; other apps and the pages themselves are
// not concerned; who has looked lets it go on.
func TestAMassPruneIsStopped(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user, now := settled(t, db).Users[0].ID, time.Now().UTC().Truncate(time.Microsecond)
		burst, other := fleet(t, db, user, "ios", 100), fleet(t, db, user, "beta", 3)
		for i := 0; i < 90; i += 7 { // in several transactions, as they come
			record(t, db, allUnregistered(burst[i:min(i+7, 90)], now)...)
		}
		record(t, db, allUnregistered(other, now)...)
		if got := dead(t, db, user, "ios"); got != 10 {
			t.Errorf("%d of 100 are dead, want 10", got)
		}
		if got := dead(t, db, user, "beta"); got != 3 {
			t.Errorf("%d of the other app's 3 are dead", got)
		}
		if left := len(db.Catalog().Devices[user]); left != 90 {
			t.Errorf("%d phones are left to be rung, want 90", left)
		}
		if left := claimable(t, db); len(left) != 10 {
			t.Errorf("%d pages wait, want the 10 that were never sent", len(left))
		}

		holds, err := db.Devices().Holds(t.Context(), now)
		if err != nil || len(holds) != 1 {
			t.Fatalf("held: %+v, %v", holds, err)
		}
		h := holds[0]
		if h.App != "ios" || h.Provider != push.APNs || h.Judged != 10 || h.Devices != 100 || h.Reason == "" || h.Until.Sub(h.Since) != push.GuardHold {
			t.Errorf("%+v", h)
		}
		// An acceptance still clears a suspicion.
		suspicious := burst[95].Device
		suspicious.State = push.DeviceSuspect
		if err := db.PutDevice(t.Context(), suspicious); err != nil {
			t.Fatal(err)
		}
		record(t, db, accepted(push.Job{Delivery: burst[95].Delivery, Device: suspicious}))
		if d, err := db.Devices().Device(t.Context(), user, suspicious.ID); err != nil || d.State != push.DeviceActive {
			t.Errorf("%+v, %v", d, err)
		}

		release := func() error { return db.Devices().Release(t.Context(), push.APNs, "ios", time.Now().UTC()) }
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if err := release(); err == nil || fault.KindOf(err) != fault.NotFound {
			t.Errorf("released twice: %v", err)
		}
		record(t, db, allUnregistered(burst[96:98], time.Now().UTC().Add(time.Second))...)
		if got := dead(t, db, user, "ios"); got != 12 {
			t.Errorf("after the release %d are dead, want 12", got)
		}
	})
}

// Many nodes judge as many as one may.
func TestNodesCountTheirVerdictsTogether(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		nodes := []*models.DB{p.Open(t, "node-a")}
		if p.Engine == "postgres" {
			nodes = append(nodes, p.Open(t, "node-b"))
		}
		user, now := settled(t, nodes[0]).Users[0].ID, time.Now().UTC()
		jobs := fleet(t, nodes[0], user, "ios", 60)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if err := nodes[i%len(nodes)].Deliveries().Record(t.Context(), allUnregistered(jobs[3*i:3*i+3], now)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := dead(t, nodes[0], user, "ios"); got != 6 {
			t.Errorf("%d of 60 are dead, want 6", got)
		}
	})
}

// What is judged slowly is no wave.
func TestOldVerdictsDoNotCount(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user, now := settled(t, db).Users[0].ID, time.Now().UTC()
		jobs := fleet(t, db, user, "ios", 20)
		for i := range jobs {
			record(t, db, unregistered(jobs[i], now.Add(time.Duration(i-20)*push.GuardWindow/4)))
		}
		if got := dead(t, db, user, "ios"); got != 20 {
			t.Errorf("%d of 20 are dead, one each 150 s", got)
		}
	})
}

// The environment that a trial found is stored, and the catalogue follows, so
// that the next page goes there at once.
func TestATrialIsStored(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user := settled(t, db).Users[0].ID
		jobs := fleet(t, db, user, "ios", 2)
		worked := jobs[1].Delivery
		worked.ID, worked.State, worked.CreatedAt = id.New(id.Delivery), push.Accepted, jobs[1].Device.RegisteredAt
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{worked}) })
		for _, j := range jobs {
			record(t, db, push.Outcome{
				Job: j, SentAt: noon.Add(time.Second), DoneAt: noon.Add(time.Second), Final: push.Failed, Elsewhere: "sandbox",
				Result: push.Result{Class: push.ClassTokenSuspect, Status: 400, Reason: "BadDeviceToken"},
			})
		}
		tried, stayed := db.Catalog().Devices[user][0], db.Catalog().Devices[user][1]
		if tried.ID != jobs[0].Device.ID {
			tried, stayed = stayed, tried
		}
		if tried.Environment != "sandbox" || tried.State != push.DeviceActive || !tried.Evidence.Trial {
			t.Errorf("never accepted, it is %+v", tried)
		}
		if stayed.Environment != "production" || stayed.State != push.DeviceSuspect {
			t.Errorf("accepted there before, it is %+v", stayed)
		}
		again := claimPages(t, db, noon.Add(2*time.Second), 10)
		if len(again) != 1 || again[0].Device.Environment != "sandbox" {
			t.Fatalf("claimed %+v, want the page again, to sandbox", again)
		}
		record(t, db, accepted(again[0]))
		got, err := db.Devices().Device(t.Context(), user, tried.ID)
		if err != nil || got.Environment != "sandbox" || got.Evidence != (push.Evidence{Home: "production"}) {
			t.Errorf("%+v, %v", got, err)
		}
		if told := words(t, db); told != "retrying failed sent accepted" && told != "failed retrying sent accepted" {
			t.Errorf("told: %s", told)
		}
	})
}
