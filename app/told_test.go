package app

import (
	"strings"
	"testing"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
)

// What a phone is told by a running node: in its language, no more than its
// app may say, and with the right number on its icon, also after a restart.
func TestWhatThePhoneIsTold(t *testing.T) {
	t.Parallel()
	modelstest.EachPlace(t, func(t *testing.T, place modelstest.Place) {
		h := adminOn(t, place, nil)
		for _, project := range []string{"open", "closed"} {
			account, err := h.em.NewServiceAccount(project)
			if err != nil {
				t.Fatal(err)
			}
			app := map[string]any{"provider": "fcm", "name": project, "service_account": string(account)}
			if project == "closed" {
				app["privacy"], app["unlock"] = "id_only", []string{"resolve"}
			}
			h.call("POST", "/v1/push/apps", app, 201, nil)
		}
		open, closed := h.em.NewDevice(push.FCM, "open"), h.em.NewDevice(push.FCM, "closed")
		for name, token := range map[string]string{"open": open.Token, "closed": closed.Token} {
			h.call("POST", "/v1/devices", map[string]any{"platform": "android", "provider": "fcm", "app": name, "token": token, "locale": "de-AT"}, 201, nil)
		}
		h.trigger("db-1")
		h.rings(1, open, closed)
		told := h.em.Received(open.Token)[0].Data
		if told["title"] != "db-1" || told["subtitle"] != "Checkout" || !strings.Contains(told["body"], "kritisch · ausgelöst") || told["badge"] != "1" || told["unlock"] != "" {
			t.Errorf("the open app is told %v", told)
		}
		told = h.em.Received(closed.Token)[0].Data
		if told["title"] != "Neuer Vorfall" || told["privacy"] != "id_only" || told["category"] != "NIGHTBELL_INCIDENT_RESOLVE_LOCKED" || told["unlock"] != "resolve" {
			t.Errorf("the closed app is told %v", told)
		}
		for key, value := range told {
			if strings.HasPrefix(key, "action_") {
				continue // a token's letters may spell anything
			}
			if strings.Contains(value, "db-1") || strings.Contains(value, "Checkout") {
				t.Errorf("Google can read %s: %q", key, value)
			}
		}

		stopApp(t, h.node)
		h.node, h.log = h.start("again")
		h.trigger("db-2")
		h.rings(2, open, closed)
		if told := h.em.Received(open.Token)[1].Data; told["badge"] != "2" {
			t.Errorf("after a restart the icon shows %q, want 2", told["badge"])
		}
	})
}
