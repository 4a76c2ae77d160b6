package api

import (
	"crypto/ecdh"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/respond"
)

func TestALiveActivitysTokenReachesTheDesk(t *testing.T) {
	t.Parallel()
	h := open(t)
	incidentID := id.New(id.Incident)
	at := "/v1/devices/" + h.phone.ID + "/activities/" + incidentID
	h.do(t, "ana", "PUT", at, `{"token":"AB12"}`).into(204, nil)
	h.do(t, "ana", "DELETE", at, "").into(204, nil)
	want := []respond.ActivityReport{
		{UserID: h.ana.ID, DeviceID: h.phone.ID, IncidentID: incidentID, Token: "ab12"},
		{UserID: h.ana.ID, DeviceID: h.phone.ID, IncidentID: incidentID, Ended: true},
	}
	if diff := cmp.Diff(want, h.desk.activities); diff != "" {
		t.Error(diff)
	}
	h.do(t, "ana", "PUT", at, `{"token":"not hexadecimal"}`).problem(400, "bad_token", "token")
	h.do(t, "ana", "PUT", at, `{}`).problem(400, "missing_field", "token")
	h.do(t, "ana", "PUT", "/v1/devices/"+h.phone.ID+"/activities/"+id.New(id.Service), `{"token":"ab"}`).problem(400, "wrong_id", "")
	h.do(t, "", "PUT", at, `{"token":"ab"}`).problem(401, "token_missing", "")
}

// The key that texts are sealed to, and how the phone takes Live Activities.
func TestSealingKeyAndLiveActivities(t *testing.T) {
	t.Parallel()
	h := open(t)
	pub, err := ecdh.X25519().NewPublicKey([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	key := base64.RawURLEncoding.EncodeToString(pub.Bytes())
	var d Device
	h.do(t, "ana", "POST", "/v1/devices", `{"platform":"ios","provider":"apns","token":"`+appleToken+`","seal_key":"`+key+`",
		"live_activity":{"start_token":"5AA5","frequent":true}}`).into(201, &d)
	stored, err := h.phones.Device(t.Context(), h.ana.ID, d.Id)
	if err != nil || stored.Keys.Seal != key || stored.LiveActivity.StartToken != "5aa5" || !stored.LiveActivity.Frequent {
		t.Errorf("stored %+v %+v, %v", stored.Keys, stored.LiveActivity, err)
	}
	if *d.SealKey != key || !*d.LiveActivities {
		t.Errorf("shown as %+v", d)
	}
	at := "/v1/devices/" + d.Id
	var changed Device
	h.do(t, "ana", "PATCH", at, `{"live_activity":{}}`).into(200, &changed)
	if changed.LiveActivities != nil || changed.SealKey == nil {
		t.Errorf("taking Live Activities back left %+v", changed)
	}
	for what, bad := range map[string]string{
		"not base64url":        strings.Repeat("!", 43),
		"a point of low order": base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
	} {
		if a := h.do(t, "ana", "PATCH", at, `{"seal_key":"`+bad+`"}`); a.Code != 400 || !strings.Contains(a.Body.String(), "bad_seal_key") {
			t.Errorf("%s: %d %s", what, a.Code, a.Body)
		}
	}
	h.do(t, "ana", "PATCH", at, `{"seal_key":"short"}`).problem(400, "bad_value", "seal_key")
	h.do(t, "ana", "PATCH", at, `{"live_activity":{"start_token":"xyz"}}`).problem(400, "bad_token", "live_activity.start_token")
	h.do(t, "ana", "POST", "/v1/devices", `{"platform":"android","provider":"fcm","app":"beta","token":"`+strings.Repeat("t", 30)+`",
		"live_activity":{"start_token":"5aa5"}}`).problem(400, "bad_platform", "live_activity")
}
