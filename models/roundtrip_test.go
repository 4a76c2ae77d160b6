package models_test

import (
	"reflect"
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

var ana = incident.Actor{Kind: incident.ActorUser, ID: "usr_ana", Name: "Ana", Via: "notification", DeviceID: "dev_1"}

// threeLives are a case in each status: no one of them may fill every field.
func threeLives() []respond.Case {
	acked, resolved := aCase("acked"), aCase("resolved")
	acked.Incident.Status, acked.Incident.AcknowledgedBy, acked.Incident.AcknowledgedAt = incident.Acknowledged, ana, noon.Add(time.Minute)
	acked.Incident.Timers = incident.Timers{AckTimeoutAt: noon.Add(2 * time.Hour), SnoozeEndsAt: noon.Add(3 * time.Hour), AutoResolveAt: noon.Add(4 * time.Hour)}
	resolved.Incident.Status, resolved.Incident.ResolvedBy, resolved.Incident.ResolvedAt = incident.Resolved, ana, noon.Add(time.Hour)
	resolved.Incident.Timers, resolved.NextRungAt = incident.Timers{}, time.Time{}
	resolved.Incident.Severity, resolved.Incident.Urgency = incident.Info, incident.Low
	return []respond.Case{aCase("triggered"), acked, resolved}
}

// filledTogether fails when a field is zero in all of the values.
func filledTogether[T any](t *testing.T, values ...T) {
	t.Helper()
	r := reflect.TypeFor[T]()
fields:
	for i := range r.NumField() {
		for _, v := range values {
			if !reflect.ValueOf(v).Field(i).IsZero() {
				continue fields
			}
		}
		t.Errorf("%s.%s is empty in all of this test's values; fill it", r, r.Field(i).Name)
	}
}

func TestCasesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		var incidents []incident.Incident
		var timers []incident.Timers
		lives := threeLives()
		for i := range lives {
			write(t, db, "k", func(tx respond.Tx) error { return tx.Open(&lives[i]) })
			got := load(t, db, lives[i].Incident.ID)
			if diff := cmp.Diff(lives[i], got); diff != "" {
				t.Errorf("opened and loaded (-want +got):\n%s", diff)
			}
			full(t, got.Plan)
			full(t, got.Position)
			incidents, timers = append(incidents, got.Incident), append(timers, got.Incident.Timers)
		}
		filledTogether(t, lives...)
		filledTogether(t, incidents...)
		filledTogether(t, timers...)
		// Saving writes the same fields in another way: turn each case into the next.
		for i, c := range lives {
			next := lives[(i+1)%len(lives)]
			next.Incident.ID, next.Incident.Number, next.Incident.DedupKey = c.Incident.ID, c.Incident.Number, c.Incident.DedupKey
			next.Incident.Title, next.Incident.Revision, next.Incident.Assignees = "renamed", 7, []string{}
			next.Incident.UpdatedAt, next.Incident.AckTimeout, next.Incident.AutoResolve = noon.Add(5*time.Hour), time.Minute, time.Second
			next.Plan.Loops, next.Position.Level, next.Position.Loop, next.Position.Exhausted = 9, 3, 4, false
			write(t, db, "k", func(tx respond.Tx) error { return tx.Save(next) })
			if diff := cmp.Diff(next, load(t, db, c.Incident.ID)); diff != "" {
				t.Errorf("saved and loaded (-want +got):\n%s", diff)
			}
		}
	})
}

func TestAlertsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("k"))
		want := anAlert(c)
		want.DedupKey, want.Count, want.LastAt, want.ResolvedAt = "other", 3, noon.Add(time.Minute), noon.Add(time.Hour)
		full(t, want)
		write(t, db, "k", func(tx respond.Tx) error { return tx.AddAlert(want) })
		got, err := db.Incidents().Alerts(t.Context(), c.Incident.ID, 10)
		if err != nil || len(got) != 2 {
			t.Fatalf("%v, %+v", err, got)
		}
		if diff := cmp.Diff(want, got[1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestNotificationsAndDeliveriesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c := open(t, db, aCase("k"))
		n := aNotification(c)
		n.State, n.DeviceID = respond.NotificationScheduled, "dev_1"
		n.WaitsFor, n.FixedAt, n.DisplayedWithin = "ntf_0", noon.Add(2*time.Minute), 20*time.Second
		page := aPage(c, aPhone("usr_ana", "ab"))
		page.LeaseUntil, page.LeaseNode, page.Attempt = noon.Add(time.Minute), "node-b", 2
		page.Dedup, page.About = "k", &push.About{
			Topic: "shift_starts", Loud: true, Event: "start", Who: "Ana", What: "Primary", At: noon, Count: 2, Lines: []string{"a", "b"},
		}
		full(t, *page.About)
		full(t, n)
		full(t, page)
		write(t, db, "k", func(tx respond.Tx) error {
			if err := tx.AddNotifications([]respond.Notification{n}); err != nil {
				return err
			}
			if err := tx.AddDeliveries(pages(page)); err != nil {
				return err
			}
			waiting, unsent, err := tx.CancelPages(c.Incident.ID, noon)
			if diff := cmp.Diff([]respond.Notification{n}, waiting); diff != "" {
				t.Errorf("notification (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(pages(page), unsent); diff != "" {
				t.Errorf("delivery (-want +got):\n%s", diff)
			}
			return err
		})
	})
}

func TestTimelineEntriesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		until := noon.Add(time.Minute)
		want := incident.Entry{
			Seq: 1, IncidentID: id.New(id.Incident), Revision: 4, Type: incident.EntryAccepted, At: noon, Actor: ana,
			Incident: threeLives()[1].Incident.Snapshot(),
			Detail: incident.Detail{
				Reason: "timeout", Text: "text", Level: 1, Loop: 2, Users: []string{"usr_ana"}, Until: &until, AlertID: "alr_1",
				Summary: "s", Severity: incident.Critical, NotificationID: "ntf_1", DeliveryID: "dlv_1", Kind: "page", UserID: "usr_ana",
				DeviceID: "dev_1", Method: "push", Provider: "apns", ProviderID: "p1", Class: "accepted", Attempt: 3, LatencyMS: 12, KnockLevel: "active", Downgrade: "critical not granted",
				DeviceAt: &until, ClockOff: true,
			},
		}
		full(t, want)
		full(t, want.Actor)
		full(t, want.Detail)
		if err := db.Write(t.Context(), "k", func(tx *models.Tx) error { tx.Append(want); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]incident.Entry{want}, entries(t, db)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
