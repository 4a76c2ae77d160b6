package api

import (
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

func TestWillItRing(t *testing.T) {
	t.Parallel()
	h := open(t)
	at := "/v1/devices/" + h.phone.ID + "/test"
	var d DeviceTested
	h.do(t, "ana", "POST", at, `{"loud":true}`, "Idempotency-Key", "k-1").into(201, &d)
	if id.Check(id.Delivery, d.DeliveryId) != nil || d.DeviceId != h.phone.ID || !d.Loud || !d.ExpiresAt.After(d.CreatedAt) {
		t.Errorf("%+v", d)
	}
	if want := (respond.Trial{UserID: h.ana.ID, DeviceID: h.phone.ID, Loud: true, Key: "k-1"}); h.watch.trials[0] != want {
		t.Errorf("asked for %+v", h.watch.trials[0])
	}
	h.do(t, "ana", "POST", at, `{"loud":false}`).into(201, &d)
	if d.Loud || h.watch.trials[1].Loud {
		t.Error("a quiet test is loud")
	}
	h.do(t, "ana", "POST", at, `{}`).problem(400, "missing_field", "loud")
	h.do(t, "ana", "POST", at, `{"loud":true,"volume":11}`).problem(400, "unknown_field", "volume")
	h.do(t, "ana", "POST", "/v1/devices/"+h.inc.ID+"/test", `{"loud":true}`).problem(400, "wrong_id", "")
	for _, who := range []string{"oda", "eve"} { // nobody's but one's own
		h.do(t, who, "POST", at, `{"loud":true}`).problem(404, "not_found", "")
	}
	h.watch.err = fault.New(fault.TooMany, "too_many_tests", "wait a minute")
	h.do(t, "ana", "POST", at, `{"loud":true}`).problem(429, "too_many_tests", "")
	if len(h.watch.trials) != 3 {
		t.Errorf("%d tests were asked for", len(h.watch.trials))
	}
}

func TestWhomAPageWouldWake(t *testing.T) {
	t.Parallel()
	h := open(t)
	off := push.Ring{Outlook: push.WillNotRing, Obstacles: []push.Obstacle{
		{Code: "notifications_off", Text: "notifications off", Blocks: true, DeviceID: h.phone.ID},
		{Code: "no_receipt", Text: "no receipt in 9 days", Blocks: true, DeviceID: h.phone.ID},
	}}
	h.watch.judged = []respond.Reachability{
		{Person: respond.Person{ID: h.ana.ID, Name: "Ana"}, OnCall: true, Ring: off},
		{Person: respond.Person{ID: h.eve.ID, Name: "Eve"}, Ring: push.Ring{Outlook: push.WillRing}},
		{Person: respond.Person{ID: h.oda.ID, Name: "Oda"}, OnCall: true, Ring: push.Ring{Outlook: push.MayRing, Obstacles: []push.Obstacle{{Code: "no_rule", Text: "no rule"}}}},
	}
	var p Pageability
	h.do(t, "ana", "GET", "/v1/me/pageability", "").into(200, &p)
	if p.Pageable || p.Outlook != PageabilityOutlookWillNotRing || p.Summary != "Ana: notifications off; no receipt in 9 days" || !p.OnCall || len(p.Obstacles) != 2 {
		t.Errorf("%+v", p)
	}
	if o := p.Obstacles[0]; o.Code != "notifications_off" || !o.Blocks || o.DeviceId == nil || *o.DeviceId != h.phone.ID {
		t.Errorf("%+v", o)
	}
	anas := "/v1/users/" + h.ana.ID + "/pageability"
	p = Pageability{}
	h.do(t, "oda", "GET", anas, "").into(200, &p)
	if p.User.Id != h.ana.ID {
		t.Errorf("%+v", p)
	}
	h.do(t, "ana", "GET", anas, "").into(200, nil)
	h.do(t, "eve", "GET", anas, "").problem(404, "not_found", "")
	h.do(t, "oda", "GET", "/v1/users/"+id.New(id.User)+"/pageability", "").problem(404, "not_found", "")
	h.do(t, "oda", "GET", "/v1/users/usr_1/pageability", "").problem(400, "bad_id", "")

	var page PageabilityPage
	h.do(t, "oda", "GET", "/v1/pageability?on_call=true&limit=1", "").into(200, &page)
	if len(page.Items) != 1 || page.Items[0].User.Name != "Ana" || page.NextCursor.IsNull() {
		t.Fatalf("%+v", page)
	}
	next := page.NextCursor.MustGet()
	page = PageabilityPage{}
	h.do(t, "oda", "GET", "/v1/pageability?on_call=true&limit=1&cursor="+next, "").into(200, &page)
	if len(page.Items) != 1 || page.Items[0].User.Name != "Oda" || !page.NextCursor.IsNull() {
		t.Errorf("%+v", page)
	}
	h.do(t, "oda", "GET", "/v1/pageability?on_call=false&cursor="+next, "").problem(400, "bad_cursor", "cursor")
	page = PageabilityPage{}
	h.do(t, "oda", "GET", "/v1/pageability?on_call=false", "").into(200, &page)
	if len(page.Items) != 1 || page.Items[0].User.Name != "Eve" || !page.Items[0].Pageable {
		t.Errorf("%+v", page)
	}
	h.do(t, "ana", "GET", "/v1/pageability", "").problem(403, "role_too_low", "")
	h.do(t, "oda", "GET", "/v1/pageability?on_call=maybe", "").problem(400, "bad_value", "on_call")
}
