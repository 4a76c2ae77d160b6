package api

import (
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// delivered puts a delivery to Ana's phone into the log.
func (h *house) delivered() push.Delivery {
	d := push.Delivery{
		ID: id.New(id.Delivery), Kind: push.Page, IncidentID: h.inc.ID, NotificationID: id.New(id.Notification), UserID: h.ana.ID,
		DeviceID: h.phone.ID, State: push.Accepted, CreatedAt: night, DueAt: night, ExpiresAt: night.Add(time.Minute),
	}
	h.desk.log = append([]respond.DeliveryStory{{Delivery: d}}, h.desk.log...)
	return d
}

func TestAPhoneReportsWhatBecameOfAPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	d := h.delivered()
	other := id.New(id.Delivery)
	var got ReceiptResults
	h.do(t, "ana", "POST", "/v1/receipts", `{"receipts":[
		{"delivery_id":"`+d.ID+`","event":"displayed","at":"2026-03-29T04:14:03.1200009+02:00","delivered_priority":"normal","original_priority":"high","detail":"doze"},
		{"delivery_id":"`+other+`","event":"opened"}]}`).into(200, &got)
	if len(got.Items) != 2 || got.Items[0].Result != "recorded" || got.Items[0].Reason != nil {
		t.Fatalf("the answer is %+v", got)
	}
	if r := got.Items[1]; r.Result != "refused" || *r.Reason != "unknown_delivery" || r.DeliveryId != other || r.Event != "opened" {
		t.Errorf("an unknown delivery's receipt is %+v", r)
	}
	want := push.Receipt{
		DeliveryID: d.ID, Event: push.Displayed, DeviceAt: time.Date(2026, 3, 29, 2, 14, 3, 120_000_000, time.UTC),
		DeliveredPriority: "normal", OriginalPriority: "high", Detail: "doze",
	}
	r := h.desk.reports[0]
	if r.Receipts[0] != want {
		t.Errorf("the desk got %+v\nwant %+v", r.Receipts[0], want)
	}
	if r.Actor != (incident.Actor{Kind: incident.ActorUser, ID: h.ana.ID, Name: "Ana", Via: "app"}) {
		t.Errorf("from %+v", r.Actor)
	}
}

// An extension has no living session, but its device's key, which registration
// gave it.
func TestAReceiptKeyOpensReceiptsAndNothingElse(t *testing.T) {
	t.Parallel()
	h := open(t)
	var phone Device
	register := `{"platform":"ios","provider":"apns","token":"` + appleToken + `"}`
	h.do(t, "ana", "POST", "/v1/devices", register).into(201, &phone)
	if phone.ReceiptKey == nil {
		t.Fatal("registration gave no key")
	}
	key := phone.Id + "." + *phone.ReceiptKey
	h.do(t, "ana", "POST", "/v1/devices", register).into(201, &phone)
	if again := phone.Id + "." + *phone.ReceiptKey; again != key {
		t.Errorf("registering again gave another key: %s, then %s", key, again)
	}
	h.do(t, "ana", "GET", "/v1/devices", "").into(200, nil)
	body := `{"receipts":[{"delivery_id":"` + h.delivered().ID + `","event":"received"}]}`
	for _, token := range []string{"", "an expired one"} {
		h.do(t, token, "POST", "/v1/receipts", body, "Nightbell-Receipt-Key", key).into(200, nil)
		if r := h.desk.reports[len(h.desk.reports)-1]; r.Actor.ID != h.ana.ID || r.Actor.DeviceID != phone.Id {
			t.Errorf("the report is from %+v", r.Actor)
		}
	}
	h.do(t, "ana", "POST", "/v1/receipts", body, "Nightbell-Receipt-Key", "worn out").into(200, nil)
	if r := h.desk.reports[len(h.desk.reports)-1]; r.Actor.DeviceID != "" {
		t.Errorf("by the session, but from device %s", r.Actor.DeviceID)
	}
	for _, wrong := range []string{
		key + "x", phone.Id, phone.Id + ".", h.phone.ID + "." + *phone.ReceiptKey, id.New(id.Device) + "." + *phone.ReceiptKey,
		h.inc.ID + "." + *phone.ReceiptKey, strings.Repeat("k", 5000),
	} {
		h.do(t, "", "POST", "/v1/receipts", body, "Nightbell-Receipt-Key", wrong).problem(401, "receipt_key_invalid", "")
	}
	h.do(t, "", "GET", "/v1/me", "", "Nightbell-Receipt-Key", key).problem(401, "token_missing", "")
	h.do(t, "", "POST", "/v1/incidents/"+h.inc.ID+"/acknowledge", "", "Nightbell-Receipt-Key", key).problem(401, "token_missing", "")
	h.do(t, "", "POST", "/v1/receipts", body).problem(401, "token_missing", "")
	h.do(t, "ana", "DELETE", "/v1/devices/"+phone.Id, "").into(204, nil)
	h.do(t, "", "POST", "/v1/receipts", body, "Nightbell-Receipt-Key", key).problem(401, "receipt_key_invalid", "")
}

func TestReceiptsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	one := `{"delivery_id":"` + id.New(id.Delivery) + `","event":"opened"}`
	for _, c := range []struct{ name, body, code, field string }{
		{"nothing", `{}`, "missing_field", "receipts"},
		{"an empty report", `{"receipts":[]}`, "bad_value", "receipts"},
		{"too many", `{"receipts":[` + strings.Repeat(one+",", 200) + one + `]}`, "bad_value", "receipts"},
		{"an event of its own", `{"receipts":[{"delivery_id":"x","event":"liked"}]}`, "bad_value", "receipts.0.event"},
		{"a time of no kind", `{"receipts":[{"delivery_id":"x","event":"opened","at":"yesterday"}]}`, "bad_value", "receipts.0.at"},
		{"a number for a time", `{"receipts":[{"delivery_id":"x","event":"opened","at":1774750443}]}`, "wrong_type", "receipts.0.at"},
		{"a field too many", `{"receipts":[{"delivery_id":"x","event":"opened","user_id":"y"}]}`, "unknown_field", "receipts.0.user_id"},
	} {
		t.Run(c.name, func(t *testing.T) { h.do(t, "ana", "POST", "/v1/receipts", c.body).problem(400, c.code, c.field) })
	}
	if len(h.desk.reports) != 0 {
		t.Errorf("the desk got %d reports", len(h.desk.reports))
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add(`{"receipts":[{"delivery_id":"dlv_01JQDVP3M2W8C5T0X4R7Y6Z1QA","event":"opened","at":"2026-03-29T02:14:03Z"}]}`, "dev_1.x")
	f.Add(`{"receipts":[{"delivery_id":"","event":"acted","at":"9999-12-31T23:59:60Z"}]}`, ".")
	f.Fuzz(func(t *testing.T, body, key string) {
		h := open(t)
		a := h.do(t, "ana", "POST", "/v1/receipts", body, "Nightbell-Receipt-Key", key)
		switch a.Code {
		case 200:
			if n := len(h.desk.reports[0].Receipts); n < 1 || n > respond.MaxReceipts {
				t.Errorf("%d receipts reached the desk", n)
			}
			for _, r := range h.desk.reports[0].Receipts {
				if r.DeviceAt.Location() != time.UTC {
					t.Errorf("a moment in %s reached the desk", r.DeviceAt.Location())
				}
			}
		case 400, 413:
		default:
			t.Errorf("%q gives %d: %s", body, a.Code, a.Body)
		}
	})
}
