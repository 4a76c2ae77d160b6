package api

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

func TestTheDeliveryLogTellsTheWholeWay(t *testing.T) {
	t.Parallel()
	h := open(t)
	d := h.delivered()
	h.desk.log[0].Attempts = []push.Attempt{
		{DeliveryID: d.ID, SentAt: night, DoneAt: night.Add(120 * time.Millisecond), Attempt: 1, Provider: push.APNs, App: "pager", Environment: "production",
			Class: push.ClassRetry, Status: 500, Reason: "InternalServerError"},
		{DeliveryID: d.ID, SentAt: night.Add(time.Second), DoneAt: night.Add(1050 * time.Millisecond), Attempt: 2, Provider: push.APNs, App: "pager", Environment: "production",
			Class: push.ClassAccepted, Status: 200, ProviderID: "uuid", Level: "time_sensitive", Downgrade: "no_critical"},
	}
	h.desk.log[0].Receipts = []push.Receipt{{DeliveryID: d.ID, Event: push.Opened, At: night.Add(time.Minute), DeviceAt: night.Add(-time.Hour), ClockOff: true}}
	var page DeliveryPage
	h.do(t, "eve", "GET", "/v1/incidents/"+h.inc.ID+"/deliveries", "").into(200, &page)
	if len(page.Items) != 1 || !page.NextCursor.IsNull() || h.desk.logFilter.IncidentID != h.inc.ID {
		t.Fatalf("the page is %+v", page)
	}
	got := page.Items[0]
	if got.Id != d.ID || *got.IncidentId != h.inc.ID || got.State != push.Accepted || len(got.Attempts) != 2 || len(got.Receipts) != 1 {
		t.Errorf("the delivery is %+v", got)
	}
	if a := got.Attempts[0]; a.LatencyMs != 120 || a.Status != 500 || *a.Reason != "InternalServerError" || a.Level != nil {
		t.Errorf("the first attempt is %+v", a)
	}
	if a := got.Attempts[1]; a.Class != "accepted" || *a.ProviderId != "uuid" || *a.Level != "time_sensitive" || *a.Downgrade != "no_critical" {
		t.Errorf("the second attempt is %+v", a)
	}
	if r := got.Receipts[0]; r.Event != push.Opened || !r.ClockOff || !r.DeviceAt.Equal(night.Add(-time.Hour)) || r.Detail != nil {
		t.Errorf("the receipt is %+v", r)
	}
	h.do(t, "ana", "GET", "/v1/incidents/"+id.New(id.Incident)+"/deliveries", "").problem(404, "not_found", "")
}

// Whoever manages sees everybody's deliveries, others see their own.
func TestTheDeliveryLogIsForThoseWhoManage(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.people.sessions["max"] = auth.Principal{UserID: id.New(id.User), Name: "Max", Role: auth.Manager}
	for range 3 {
		h.delivered()
	}
	h.do(t, "ana", "GET", "/v1/deliveries", "").problem(403, "role_too_low", "")
	h.do(t, "ana", "GET", "/v1/deliveries?user_id="+h.eve.ID, "").problem(403, "role_too_low", "")
	h.do(t, "ana", "GET", "/v1/deliveries?device_id="+h.phone.ID, "").problem(403, "role_too_low", "")
	h.do(t, "ana", "GET", "/v1/deliveries?user_id=you", "").problem(400, "bad_id", "user_id")
	h.do(t, "ana", "GET", "/v1/deliveries?user_id=me&kind=pager", "").problem(400, "bad_value", "kind.0")
	for _, c := range []struct{ who, query string }{{"ana", "user_id=me&"}, {"ana", "user_id=" + h.ana.ID + "&"}, {"max", "kind=page&kind=test&state=accepted&device_id=" + h.phone.ID + "&"}} {
		var page DeliveryPage
		h.do(t, c.who, "GET", "/v1/deliveries?"+c.query+"limit=2", "").into(200, &page)
		if len(page.Items) != 2 || page.NextCursor.IsNull() {
			t.Fatalf("the first page is %+v", page)
		}
		next := page.NextCursor.MustGet()
		h.do(t, c.who, "GET", "/v1/deliveries?"+c.query+"limit=2&cursor="+next, "").into(200, &page)
		if len(page.Items) != 1 || !page.NextCursor.IsNull() {
			t.Errorf("the second page is %+v", page)
		}
		h.do(t, "max", "GET", "/v1/deliveries?state=failed&cursor="+next, "").problem(400, "bad_cursor", "cursor")
	}
}
