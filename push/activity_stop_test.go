package push

import (
	"context"
	"testing"
	"testing/synctest"
)

// What Apple refuses of Live Activities, such as a key that was not made for
// their topic, closes the way of no page.
func TestARefusedActivityHoldsUpNoPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.apns.answer = func(_ context.Context, m Message) Result {
			if m.Kind == Activity {
				return Result{Class: ClassConfigBroken, Status: 400, Reason: "TopicDisallowed"}
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		dev := db.device("ana", APNs)
		s.Submit([]Job{
			db.page("dlv_1", "inc_1", dev, "a"),
			db.start("dlv_2", "inc_1", dev),
		})
		synctest.Wait()
		s.Submit([]Job{db.page("dlv_3", "inc_2", dev, "a")})
		synctest.Wait()
		wantState(t, db, "dlv_3", Accepted)
	})
}

// The start of a Live Activity shows itself like a page, so the acknowledgement
// stops it like one (I6).
func TestAnAcknowledgedIncidentStartsNoActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { c.MaxInFlight = 1 })
		hold := make(chan struct{})
		s.apns.answer = func(_ context.Context, m Message) Result {
			if m.DeliveryID == "dlv_1" {
				<-hold
			}
			return yes
		}
		s.run(t)
		defer s.end(t)
		dev := db.device("ana", APNs)
		s.Submit([]Job{
			db.page("dlv_1", "inc_1", dev, "a"),
			db.start("dlv_2", "inc_1", dev),
		})
		synctest.Wait()
		db.acknowledge("inc_1")
		s.Cancel("inc_1", 2)
		close(hold)
		synctest.Wait()
		for _, id := range s.apns.got() {
			if id == "dlv_2" {
				t.Error("the Live Activity started after the acknowledgement")
			}
		}
	})
}

// start is a Live Activity of somebody whom the incident concerns.
func (r *rows) start(id, incidentID string, dev Device) Job {
	j := r.add(Delivery{ID: id, Kind: Activity, IncidentID: incidentID, About: &About{Event: ActivityStart}}, dev, "a")
	j.Content.Theirs = true
	return j
}
