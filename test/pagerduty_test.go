package test

import (
	"testing"

	"github.com/PagerDuty/go-pagerduty"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/test/stage"
)

// TestPagerDutysOwnClientNeedsOnlyAnotherAddress sends events and a change
// event with go-pagerduty as it is.
func TestPagerDutysOwnClientNeedsOnlyAnotherAddress(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s := stage.New(t, place, stage.Options{})
		s.Start("")
		s.Phone("ana", push.APNs)
		client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint(s.URL))
		event := pagerduty.V2Event{
			RoutingKey: stage.RoutingKey, Action: "trigger", DedupKey: "from-go-pagerduty", Client: "story",
			Payload: &pagerduty.V2Payload{Summary: "Sent by go-pagerduty", Source: "story", Severity: "error", Details: map[string]any{"rows": []int{1, 2}}},
		}
		res, err := client.ManageEventWithContext(t.Context(), &event)
		if err != nil || res.Status != "success" || res.DedupKey != event.DedupKey {
			t.Fatalf("trigger: %+v, %v", res, err)
		}
		rings(t, s, "ana")
		for _, step := range []struct {
			action string
			want   incident.Status
		}{{"acknowledge", incident.Acknowledged}, {"resolve", incident.Resolved}} {
			event.Action, event.Payload = step.action, nil
			if _, err := client.ManageEventWithContext(t.Context(), &event); err != nil {
				t.Fatalf("%s: %v", step.action, err)
			}
			if got := incidents(s)[0].Status; got != step.want {
				t.Errorf("after %s the incident is %s, want %s", step.action, got, step.want)
			}
		}
		change := pagerduty.ChangeEvent{RoutingKey: stage.RoutingKey, Payload: pagerduty.ChangeEventPayload{Summary: "Deployed 4.2", Source: "story"}}
		if res, err := client.CreateChangeEventWithContext(t.Context(), change); err != nil || res.Status != "success" {
			t.Errorf("change event: %+v, %v", res, err)
		}
		event.RoutingKey, event.Action, event.Payload = "00000000000000000000000000000000", "resolve", nil
		if _, err := client.ManageEventWithContext(t.Context(), &event); err == nil {
			t.Error("an unknown routing key was accepted")
		}
	})
}
