package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

// ladder is one person with a page now, five seconds to show it, and another
// page long after.
const ladder = `
users:
  - name: Ana
    email: ana@example.com
    role: admin
    password: %q
    rules:
      - {urgency: high, method: push, displayed_within: 5s}
      - {urgency: high, method: push, delay: 30m}
policies:
  - {name: Default, levels: [{delay: 1h, targets: [{user: ana@example.com}]}]}
services:
  - {name: Checkout, policy: Default, urgency: high}
integrations:
  - {name: Prometheus, service: Checkout, routing_key: %s}
`

// receiptKey registers the person's phone once more, as apps do at each start,
// and gives what its extension reports with.
func receiptKey(t *testing.T, s *stage.Stage, person string) string {
	t.Helper()
	var d struct {
		ID  string `json:"id"`
		Key string `json:"receipt_key"`
	}
	s.Call("POST", "/v1/devices", s.Token(person), map[string]any{
		"platform": "ios", "provider": "apns", "app": "ios", "environment": "production", "token": s.Phones[person].Token,
		"capabilities": map[string]bool{"alerts": true, "critical": true, "time_sensitive": true},
	}, &d)
	return d.ID + "." + d.Key
}

// extension reports without any session.
func extension(t *testing.T, s *stage.Stage, key string, delivery string, events ...push.ReceiptEvent) {
	t.Helper()
	var list []map[string]any
	for _, e := range events {
		list = append(list, map[string]any{"delivery_id": delivery, "event": e, "at": time.Now().UTC()})
	}
	body, err := json.Marshal(map[string]any{"receipts": list})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(soon(t), http.MethodPost, s.URL+"/v1/receipts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Nightbell-Receipt-Key", key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Items []struct{ Result string } `json:"items"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK || len(answer.Items) != len(events) {
		t.Fatalf("the report was answered %d, %+v, %v", res.StatusCode, answer, err)
	}
	for _, i := range answer.Items {
		if i.Result != "recorded" {
			t.Errorf("a receipt was %s", i.Result)
		}
	}
}

// TestAPageThatNobodySawComesAgain: no receipt says displayed, so the next rule
// does not wait its half hour. That page is seen and answered, and the delivery
// log tells all of it.
func TestAPageThatNobodySawComesAgain(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{Setup: fmt.Sprintf(ladder, stage.Password, stage.RoutingKey)})
		s.Start("")
		s.Phone("ana", push.APNs)
		key := receiptKey(t, s, "ana")
		s.Trigger("db-1", "db-1 is down")
		first := rings(t, s, "ana")
		extension(t, s, key, first.DeliveryID, push.Received)
		second := shows(t, s, "ana", "the next rule's page", func(n pushtest.Notification) bool {
			return n.Rings && n.DeliveryID != first.DeliveryID
		})
		extension(t, s, key, second.DeliveryID, push.Received, push.Displayed)
		id := incidents(s)[0].ID
		waitTold(t, s, id, "notification.accepted", 2)
		if pressed, err := s.Emulator.Press(soon(t), s.Phones["ana"].Token, "acknowledge"); err != nil || pressed.Status != 200 {
			t.Fatalf("the button answered %+v, %v", pressed, err)
		}
		hurried := 0
		for _, e := range timeline(s, id) {
			if e.Detail.Reason == incident.ReasonNotDisplayed {
				hurried++
			}
		}
		if hurried != 1 {
			t.Errorf("the timeline says not_displayed %d times, want once", hurried)
		}
		tellsInOrder(t, s, id, "notification.received", "notification.scheduled", "notification.displayed", "notification.acted", "incident.acknowledged")

		var log struct {
			Items []struct {
				ID       string `json:"id"`
				Attempts []struct {
					Class string `json:"class"`
					Level string `json:"level"`
				} `json:"attempts"`
				Receipts []struct {
					Event push.ReceiptEvent `json:"event"`
				} `json:"receipts"`
			} `json:"items"`
		}
		s.Call("GET", "/v1/deliveries?kind=page", s.Token("ana"), nil, &log)
		if len(log.Items) != 2 || log.Items[0].ID != second.DeliveryID || log.Items[1].ID != first.DeliveryID {
			t.Fatalf("the delivery log reads %+v", log)
		}
		for i, events := range []int{3, 1} {
			if d := log.Items[i]; len(d.Attempts) != 1 || d.Attempts[0].Class != "accepted" || d.Attempts[0].Level != "critical" || len(d.Receipts) != events {
				t.Errorf("delivery %d reads %+v, want one accepted attempt at full volume and %d receipts", i, d, events)
			}
		}
	})
}
