package api

import (
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

const appleToken = "5A2D9F0C7E6B41D38A90B1C2D3E4F5061728394A5B6C7D8E9FA0B1C2D3E4F506"

func TestPhoneRegistersRotatesAndLeaves(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d Device
	h.do(t, "ana", "POST", "/v1/devices", `{"name":"iPhone","platform":"ios","provider":"apns","token":"`+appleToken+`",
		"environment":"sandbox","capabilities":{"alerts":true,"critical":true,"time_sensitive":false},"os_version":"19.1"}`).into(201, &d)
	stored, err := h.phones.Device(t.Context(), h.ana.ID, d.Id)
	if err != nil {
		t.Fatal(err)
	}
	want := push.Device{
		ID: d.Id, UserID: h.ana.ID, Name: "iPhone", Platform: push.IOS, Provider: push.APNs, App: "pager", Environment: "sandbox",
		TargetKind: push.TokenTarget, Token: strings.ToLower(appleToken), State: push.DeviceActive,
		Capabilities: push.Capabilities{Alerts: true, Critical: true}, OSVersion: "19.1",
	}
	now := night.Add(time.Hour)
	want.Capabilities.ReportedAt = now
	want.RegisteredAt, want.StateAt, want.CreatedAt, want.LastSeenAt = now, now, now, now
	if stored != want {
		t.Errorf("stored %+v\nwant   %+v", stored, want)
	}
	a := h.do(t, "ana", "GET", "/v1/devices", "")
	var list DeviceList
	if a.into(200, &list); len(list.Items) != 2 {
		t.Errorf("Ana has %d devices, want 2", len(list.Items))
	}
	if strings.Contains(strings.ToLower(a.Body.String()), strings.ToLower(appleToken)) {
		t.Error("the list shows the token")
	}

	again := strings.ToLower(appleToken)
	h.do(t, "ana", "POST", "/v1/devices", `{"platform":"ios","provider":"apns","token":"`+again+`"}`).into(201, &d)
	if d.Id != want.ID {
		t.Error("the same token in another spelling became another device")
	}

	h.do(t, "ana", "PATCH", "/v1/devices/"+d.Id, `{"name":"iPhone"}`).into(200, nil)
	if n := len(h.desk.returned); n != 3 || h.desk.returned[n-1] != h.ana.ID+" "+d.Id {
		t.Errorf("the desk was told of a phone that is there: %v, want one word for each registration and change", h.desk.returned)
	}

	h.do(t, "ana", "DELETE", "/v1/devices/"+d.Id, "").into(204, nil)
	h.do(t, "ana", "DELETE", "/v1/devices/"+d.Id, "").problem(404, "not_found", "")
}

// A dead device whose app presents its token again lives.
func TestTokenRevivesADevice(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.phones.known[0].State, h.phones.known[0].StateReason = push.DeviceDead, "Unregistered"
	at := "/v1/devices/" + h.phone.ID
	var d Device
	h.do(t, "ana", "PATCH", at, `{"name":"old phone"}`).into(200, &d)
	if d.State != push.DeviceDead || d.Name != "old phone" || *d.StateReason != "Unregistered" || !d.RegisteredAt.Equal(night) {
		t.Errorf("renaming made it %+v", d)
	}
	d = Device{}
	h.do(t, "ana", "PATCH", at, `{"token":"`+appleToken+`"}`).into(200, &d)
	if d.State != push.DeviceActive || d.StateReason != nil || !d.RegisteredAt.Equal(night.Add(time.Hour)) || d.Name != "old phone" {
		t.Errorf("a new token made it %+v", d)
	}
	if got := h.phones.known[0].Token; got != strings.ToLower(appleToken) {
		t.Errorf("the token is %s", got)
	}
}

func TestDevicesRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, c := range []struct{ name, body, code, field string }{
		{"no token", `{"platform":"ios","provider":"apns"}`, "missing_field", "token"},
		{"a platform we do not know", `{"platform":"nokia","provider":"apns","token":"x"}`, "bad_value", "platform"},
		{"an APNs token of words", `{"platform":"ios","provider":"apns","token":"hello"}`, "bad_token", "token"},
		{"an APNs token too short", `{"platform":"ios","provider":"apns","token":"abcd"}`, "bad_token", "token"},
		{"an installation id for APNs", `{"platform":"ios","provider":"apns","token_kind":"fid","token":"` + appleToken + `"}`, "bad_token", "token_kind"},
		{"an FCM token with a space", `{"platform":"android","provider":"fcm","app":"pager","token":"a b"}`, "bad_token", "token"},
		{"an FCM sandbox", `{"platform":"android","provider":"fcm","app":"pager","environment":"sandbox","token":"a"}`, "bad_environment", "environment"},
		{"which of two apps", `{"platform":"android","provider":"fcm","token":"a"}`, "missing_field", "app"},
		{"an app nobody configured", `{"platform":"android","provider":"fcm","app":"games","token":"a"}`, "unknown_app", "app"},
		{"half of the capabilities", `{"platform":"android","provider":"fcm","app":"pager","token":"a","capabilities":{"alerts":true}}`, "missing_field", "capabilities.critical"},
	} {
		t.Run(c.name, func(t *testing.T) { h.do(t, "ana", "POST", "/v1/devices", c.body).problem(400, c.code, c.field) })
	}
	h.do(t, "ana", "PATCH", "/v1/devices/"+h.phone.ID, `{}`).problem(400, "missing_field", "")
	h.do(t, "ana", "PATCH", "/v1/devices/"+h.phone.ID, `{"token_kind":"token"}`).problem(400, "missing_field", "token_kind")
	h.do(t, "ana", "PATCH", "/v1/devices/"+h.inc.ID, `{"name":"x"}`).problem(400, "wrong_id", "")
	h.do(t, "eve", "PATCH", "/v1/devices/"+h.phone.ID, `{"name":"x"}`).problem(404, "not_found", "")
	h.do(t, "ana", "DELETE", "/v1/devices/dev_1", "").problem(400, "bad_id", "")
	h.do(t, "ana", "PATCH", "/v1/devices/"+id.New(id.Device), `{"name":"x"}`).problem(404, "not_found", "")
	if len(h.phones.known) != 1 {
		t.Errorf("%d devices are stored, want Ana's one", len(h.phones.known))
	}
}

// What the phone reports of itself is judged, dated and shown again.
func TestPhoneReportsWhatItCan(t *testing.T) {
	t.Parallel()
	h := open(t)
	var d Device
	h.do(t, "ana", "POST", "/v1/devices", `{"platform":"android","provider":"fcm","app":"pager","token":"tok","capabilities":{
		"alerts":true,"critical":true,"time_sensitive":false,"permission":"granted","sound":true,"lock_screen":false,"channel_importance":"high",
		"bypass_dnd":true,"full_screen_intent":true,"battery_exempt":false,"background_restricted":false,"low_power":false,
		"original_priority":"high","delivered_priority":"normal","app_build":"4711"}}`).into(201, &d)
	want := push.Capabilities{
		Alerts: true, Critical: true, Permission: push.PermissionGranted, Sound: push.Yes, LockScreen: push.No,
		ChannelImportance: push.ImportanceHigh, BypassDND: push.Yes, FullScreenIntent: push.Yes, BatteryExempt: push.No,
		BackgroundRestricted: push.No, LowPower: push.No, OriginalPriority: push.PriorityHigh, DeliveredPriority: push.PriorityNormal,
		AppBuild: "4711", ReportedAt: night.Add(time.Hour),
	}
	if d.Capabilities != want {
		t.Errorf("shown %+v\nwant  %+v", d.Capabilities, want)
	}
	at := "/v1/devices/" + d.Id
	d = Device{}
	h.do(t, "ana", "PATCH", at, `{"capabilities":{"alerts":false,"critical":true,"time_sensitive":true,"permission":"denied"}}`).into(200, &d)
	if c := d.Capabilities; c.Alerts || c.Critical || c.TimeSensitive || c.Permission != push.PermissionDenied || c.BypassDND != push.Unsaid {
		t.Errorf("nothing is granted to an app that may not notify, but %+v", c)
	}
	for _, c := range []struct{ report, code, field string }{
		{`"channel_importance":"deafening"`, "bad_value", "capabilities.channel_importance"},
		{`"battery_exempt":"yes"`, "wrong_type", "capabilities.battery_exempt"},
		{`"volume":11`, "unknown_field", "capabilities.volume"},
		{`"permission":"denied"`, "bad_capabilities", "capabilities.alerts"},
		{`"live_activities":true`, "bad_capabilities", "capabilities.live_activities"},
		{`"reported_at":"2026-03-01T12:00:00Z"`, "bad_capabilities", "capabilities.reported_at"},
	} {
		h.do(t, "ana", "PATCH", at, `{"capabilities":{"alerts":true,"critical":false,"time_sensitive":false,`+c.report+`}}`).problem(400, c.code, c.field)
	}
}

// What the state of a token rests on can be seen.
func TestDevicesShowTheEvidence(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := &h.phones.known[0]
	k.State, k.StateReason, k.StateAt, k.Environment = push.DeviceSuspect, "DeviceTokenNotForTopic", night, "sandbox"
	k.Evidence = push.Evidence{
		Class: push.ClassTokenSuspect, Reason: "DeviceTokenNotForTopic", Status: 400, At: night.Add(time.Minute), DeliveryID: id.New(id.Delivery),
		Refusals: 2, FirstAt: night, Home: "production",
	}
	var list DeviceList
	h.do(t, "ana", "GET", "/v1/devices", "").into(200, &list)
	d := list.Items[0]
	if d.EnvironmentWas == nil || *d.EnvironmentWas != "production" || d.StateAt == nil || !d.StateAt.Equal(night) || d.Evidence == nil {
		t.Fatalf("%+v", d)
	}
	if e := *d.Evidence; e.Class != "token_suspect" || e.Refusals != 2 || e.Status != 400 || e.DeliveryId != k.Evidence.DeliveryID || !e.FirstAt.Equal(night) {
		t.Errorf("%+v", e)
	}
	d = Device{}
	h.do(t, "ana", "PATCH", "/v1/devices/"+h.phone.ID, `{"token":"`+appleToken+`"}`).into(200, &d)
	if d.Evidence != nil || d.EnvironmentWas != nil || d.Environment != "sandbox" {
		t.Errorf("a new token is held to the old one's evidence: %+v", d)
	}
}
