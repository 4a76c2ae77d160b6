package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// phoneOf stores an active phone of the user.
func phoneOf(t *testing.T, db *models.DB, userID string) push.Device {
	t.Helper()
	d := aPhone(userID, id.New(id.Device))
	d.State, d.StateReason, d.StateAt = push.DeviceActive, "", time.Time{}
	if err := db.PutDevice(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// ringing opens an incident, and pages the phones at noon, with a lease of the
// node for half a minute if one is named.
func ringing(t *testing.T, db *models.DB, node string, phones ...push.Device) (c respond.Case, sent []push.Delivery) {
	t.Helper()
	c = open(t, db, aCase(id.New(id.Alert)))
	for _, dev := range phones {
		d := aPage(c, dev)
		if node != "" {
			d.LeaseNode, d.LeaseUntil = node, noon.Add(30*time.Second)
		}
		sent = append(sent, d)
	}
	write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries(sent) })
	return c, sent
}

func claimPages(t *testing.T, db *models.DB, now time.Time, n int) []push.Job {
	t.Helper()
	jobs, err := db.Deliveries().Claim(t.Context(), now, n, now.Add(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func record(t *testing.T, db *models.DB, outcomes ...push.Outcome) {
	t.Helper()
	if err := db.Deliveries().Record(t.Context(), outcomes); err != nil {
		t.Fatal(err)
	}
}

func accepted(j push.Job) push.Outcome {
	return push.Outcome{
		Job: j, SentAt: noon.Add(time.Second), DoneAt: noon.Add(2 * time.Second), Final: push.Accepted,
		Result: push.Result{Class: push.ClassAccepted, Status: 200, ProviderID: "p1"},
	}
}

// words are the timeline's notification entries, in order.
func words(t *testing.T, db *models.DB) string {
	t.Helper()
	var all []string
	for _, e := range entries(t, db) {
		if word, ok := strings.CutPrefix(string(e.Type), "notification."); ok {
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}

// The connection breaks between the claim and the loading of what was claimed.
func TestPagesClaimedInVainAreGivenBackAtOnce(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "node-a")
		_, sent := ringing(t, db, "", phoneOf(t, db, settled(t, db).Users[0].ID))
		rename := func(from, to string) {
			if err := db.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("devices", "elsewhere")
		if jobs, err := db.Deliveries().Claim(t.Context(), noon, 10, noon.Add(30*time.Second)); err == nil {
			t.Fatalf("it claimed %v without any devices", jobs)
		}
		rename("elsewhere", "devices")
		if jobs := claimPages(t, db, noon, 10); len(jobs) != 1 || jobs[0].Delivery.ID != sent[0].ID {
			t.Errorf("claimed %v, want the page that was claimed in vain", jobs)
		}
	})
}

func TestFirstPageIsTheNodesOwnUntilItDies(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		a, b := p.Open(t, "node-a"), p.Open(t, "node-b")
		people := settled(t, a)
		phone := phoneOf(t, a, people.Users[0].ID)
		c, sent := ringing(t, a, "node-a", phone)
		if jobs := claimPages(t, b, noon.Add(29*time.Second), 10); len(jobs) != 0 {
			t.Errorf("taken from a living node: %+v", jobs)
		}
		next, ok, err := b.Deliveries().NextDue(t.Context())
		if err != nil || !ok || !next.Equal(noon.Add(30*time.Second)) {
			t.Errorf("next due %s, %v, %v", next, ok, err)
		}
		if _, err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		jobs := claimPages(t, b, noon.Add(30*time.Second), 10)
		if len(jobs) != 1 {
			t.Fatalf("node b took %+v", jobs)
		}
		want := push.Job{Held: true, Delivery: sent[0], Device: phone, Content: push.Content{
			Number: c.Incident.Number, Revision: 1, Title: c.Incident.Title, ServiceName: "Checkout", Severity: incident.Critical,
			Urgency: incident.High, Status: incident.Triggered, ChangedAt: c.Incident.UpdatedAt,
			StaleAt: c.Incident.Timers.EscalateAt, Locale: "pt", TimeZone: "Europe/Lisbon",
		}}
		want.Delivery.LeaseNode, want.Delivery.LeaseUntil = "node-b", noon.Add(time.Minute)
		if diff := cmp.Diff(want, jobs[0]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPagesAreClaimedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		_, pages := ringing(t, db, "", phone)
		settle, update := pages[0], pages[0]
		settle.ID, settle.Kind, settle.DueAt = id.New(id.Delivery), push.Settle, noon.Add(-time.Hour)
		update.ID, update.Kind, update.DueAt = id.New(id.Delivery), push.Update, noon.Add(-2*time.Hour)
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{settle, update}) })
		for _, want := range []string{pages[0].ID, update.ID, settle.ID} {
			if jobs := claimPages(t, db, noon, 1); len(jobs) != 1 || jobs[0].Delivery.ID != want {
				t.Fatalf("claimed %+v, want %s", jobs, want)
			}
		}
		if jobs := claimPages(t, db, noon, 1); len(jobs) != 0 {
			t.Errorf("claimed twice: %+v", jobs)
		}
	})
}

func TestReleasedPageIsDueAtOnceForAnyone(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		a, b := p.Open(t, "node-a"), p.Open(t, "node-b")
		phone := phoneOf(t, a, settled(t, a).Users[0].ID)
		_, sent := ringing(t, a, "node-a", phone)
		if err := b.Deliveries().Release(t.Context(), []string{sent[0].ID}); err != nil {
			t.Fatal(err)
		}
		if jobs := claimPages(t, b, noon, 10); len(jobs) != 0 {
			t.Error("node b gave back what was not its own")
		}
		if err := a.Deliveries().Release(t.Context(), []string{sent[0].ID}); err != nil {
			t.Fatal(err)
		}
		if jobs := claimPages(t, b, noon, 10); len(jobs) != 1 || jobs[0].Delivery.Attempt != 0 {
			t.Errorf("node b took %+v", jobs)
		}
	})
}

func TestOutcomesAreWrittenWithTheirStory(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user := settled(t, db).Users[0].ID
		one, two := phoneOf(t, db, user), phoneOf(t, db, user)
		c, _ := ringing(t, db, "", one, two)
		jobs := claimPages(t, db, noon, 10)
		retry := push.Outcome{
			Job: jobs[1], SentAt: noon.Add(time.Second), DoneAt: noon.Add(2 * time.Second), Final: push.Scheduled,
			RetryAt: noon.Add(time.Minute), Result: push.Result{Class: push.ClassRetry, Status: 503},
		}
		record(t, db, accepted(jobs[0]), retry)
		if got := words(t, db); got != "sent accepted retrying" {
			t.Errorf("the timeline says %q", got)
		}
		if jobs := claimPages(t, db, noon.Add(59*time.Second), 10); len(jobs) != 0 {
			t.Errorf("claimed before its time: %+v", jobs)
		}
		again := claimPages(t, db, noon.Add(time.Minute), 10)
		if len(again) != 1 || again[0].Delivery.ID != jobs[1].Delivery.ID || again[0].Delivery.Attempt != 1 {
			t.Fatalf("claimed %+v", again)
		}
		record(t, db, accepted(again[0]))
		write(t, db, "k", func(tx respond.Tx) error {
			devices, err := tx.PagedDevices(c.Incident.ID)
			if len(devices) != 2 {
				t.Errorf("paged devices: %+v", devices)
			}
			return err
		})
		if next, ok, err := db.Deliveries().NextDue(t.Context()); ok || err != nil {
			t.Errorf("all done, but due at %s, %v", next, err)
		}
	})
}

func TestPageThatLandsAfterTheAckIsSettled(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		c, _ := ringing(t, db, "", phone)
		jobs := claimPages(t, db, noon, 10)
		write(t, db, c.Incident.ID, func(tx respond.Tx) error {
			_, unsent, err := tx.CancelPages(c.Incident.ID, noon)
			if len(unsent) != 1 {
				t.Errorf("cancelled %+v", unsent)
			}
			return err
		})
		record(t, db, accepted(jobs[0]))
		follow := claimPages(t, db, noon.Add(time.Minute), 10)
		if len(follow) != 1 || follow[0].Delivery.Kind != push.Settle || follow[0].Device.ID != phone.ID {
			t.Fatalf("claimed %+v", follow)
		}
		if err := id.Check(id.Delivery, follow[0].Delivery.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestOnlyAnOldRegistrationDies is I8 in the database: the token dies, but not
// when the app has registered again after the provider's word.
func TestOnlyAnOldRegistrationDies(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user := settled(t, db).Users[0].ID
		gone, back := phoneOf(t, db, user), phoneOf(t, db, user)
		ringing(t, db, "", gone, back)
		jobs := claimPages(t, db, noon, 10)
		back.RegisteredAt = noon.Add(time.Minute)
		if err := db.PutDevice(t.Context(), back); err != nil {
			t.Fatal(err)
		}
		var outcomes []push.Outcome
		for _, j := range jobs {
			outcomes = append(outcomes, push.Outcome{
				Job: j, SentAt: noon.Add(time.Second), DoneAt: noon.Add(2 * time.Second), Final: push.Failed,
				Result: push.Result{Class: push.ClassTokenDead, Status: 410, Reason: "Unregistered", Since: noon.Add(30 * time.Second)},
			})
		}
		record(t, db, outcomes...)
		left := db.Catalog().Devices[user]
		if len(left) != 1 || left[0].ID != back.ID || left[0].State != push.DeviceActive {
			t.Errorf("phones left: %+v", left)
		}
	})
}

func TestEachChangeFindsEveryPhoneThatRang(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		user := settled(t, db).Users[0].ID
		rang, silent := phoneOf(t, db, user), phoneOf(t, db, user)
		c, sent := ringing(t, db, "", rang)
		unsent := aPage(c, silent)
		unsent.DueAt = noon.Add(time.Hour)
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{unsent}) })
		record(t, db, accepted(claimPages(t, db, noon, 10)[0]))
		paged := func() (ids []string) {
			write(t, db, "k", func(tx respond.Tx) error {
				devices, err := tx.PagedDevices(c.Incident.ID)
				for _, d := range devices {
					ids = append(ids, d.ID)
				}
				return err
			})
			return ids
		}
		if got := paged(); len(got) != 1 || got[0] != rang.ID {
			t.Errorf("to be settled: %v, want only %s", got, rang.ID)
		}
		settle := sent[0]
		settle.ID, settle.Kind, settle.CreatedAt = id.New(id.Delivery), push.Settle, noon.Add(time.Minute)
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{settle}) })
		if got := paged(); len(got) != 1 {
			t.Errorf("what a settled phone shows must follow the next change too: %v", got)
		}
		rung := aPage(c, rang)
		rung.CreatedAt, rung.State = noon.Add(2*time.Minute), push.Accepted
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{rung}) })
		if got := paged(); len(got) != 1 {
			t.Errorf("rung again, to be settled: %v", got)
		}
	})
}

// TestAPageOfADeadNodeMayHaveRung: the node that had the page ended between
// sending it and writing that down, and when another takes it over its time is
// up. The phone may ring all the same, so later changes settle it.
func TestAPageOfADeadNodeMayHaveRung(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		phone := phoneOf(t, db, settled(t, db).Users[0].ID)
		c, _ := ringing(t, db, "", phone)
		if first := claimPages(t, db, noon, 10); len(first) != 1 || first[0].Held {
			t.Fatalf("the first node claims %+v, want one page that nobody held", first)
		}
		later := noon.Add(time.Hour) // the first node is dead, its lease over
		taken := claimPages(t, db, later, 10)
		if len(taken) != 1 || !taken[0].Held {
			t.Fatalf("the second node claims %+v, want the page that was held", taken)
		}
		record(t, db, push.Outcome{Job: taken[0], SentAt: later, DoneAt: later, Final: push.Expired})
		write(t, db, "k", func(tx respond.Tx) error {
			devices, err := tx.PagedDevices(c.Incident.ID)
			if len(devices) != 1 {
				t.Errorf("phones that may have rung: %+v, want the one", devices)
			}
			return err
		})
	})
}
