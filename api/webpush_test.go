package api

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/webpush"
)

// browsers is the real sender: it only checks here, and connects to nobody.
func browsers(t testing.TB) *webpush.Sender {
	t.Helper()
	key, err := webpush.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := webpush.New(webpush.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const endpoint = "https://fcm.googleapis.com/fcm/send/dQw4w9WgXcQ:APA91b"

// subscription gives keys as PushSubscription.toJSON() does.
func subscription(t *testing.T) (p256dh, auth string) {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString([]byte("sixteen of bytes"))
}

func TestBrowserSubscribesRegistersAndRotates(t *testing.T) {
	t.Parallel()
	h := open(t)
	var key WebPushKey
	h.do(t, "eve", "GET", "/v1/push/webpush", "").into(200, &key)
	if point, err := base64.RawURLEncoding.DecodeString(key.PublicKey); err != nil || len(point) != 65 || point[0] != 4 {
		t.Errorf("%q is no applicationServerKey: %v", key.PublicKey, err)
	}
	h.do(t, "", "GET", "/v1/push/webpush", "").problem(401, "token_missing", "")

	p256dh, auth := subscription(t)
	body := fmt.Sprintf(`{"platform":"web","provider":"webpush","token":%q,"keys":{"p256dh":%q,"auth":%q}}`,
		strings.Replace(endpoint, "fcm.googleapis.com", "FCM.googleapis.com:443", 1), p256dh, auth)
	var d Device
	a := h.do(t, "ana", "POST", "/v1/devices", body)
	a.into(201, &d)
	stored, err := h.phones.Device(t.Context(), h.ana.ID, d.Id)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Token != endpoint || stored.Keys != (push.Keys{P256DH: p256dh, Auth: auth}) || stored.App != "web" ||
		stored.TargetKind != push.EndpointTarget || d.TokenKind != push.EndpointTarget {
		t.Errorf("stored %+v, answered %+v", stored, d)
	}
	if strings.Contains(a.Body.String(), auth) || strings.Contains(a.Body.String(), "dQw4w9WgXcQ") {
		t.Error("the answer shows the subscription's secrets")
	}

	next, _ := subscription(t)
	at := "/v1/devices/" + d.Id
	h.do(t, "ana", "PATCH", at, fmt.Sprintf(`{"token":%q}`, endpoint+"2")).problem(400, "missing_field", "keys")
	h.do(t, "ana", "PATCH", at, fmt.Sprintf(`{"keys":{"p256dh":%q,"auth":%q}}`, next, auth)).problem(400, "missing_field", "keys")
	h.do(t, "ana", "PATCH", at, fmt.Sprintf(`{"token":%q,"keys":{"p256dh":%q,"auth":%q}}`, endpoint+"2", next, auth)).into(200, &d)
	stored, err = h.phones.Device(t.Context(), h.ana.ID, d.Id)
	if err != nil || stored.Token != endpoint+"2" || stored.Keys.P256DH != next || stored.TargetKind != push.EndpointTarget || !stored.RegisteredAt.Equal(night.Add(time.Hour)) {
		t.Errorf("%v: rotated to %+v", err, stored)
	}
}

func TestBrowsersRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	p256dh, auth := subscription(t)
	keys := fmt.Sprintf(`,"keys":{"p256dh":%q,"auth":%q}`, p256dh, auth)
	p384 := base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 96)...))
	offCurve := base64.RawURLEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))
	for _, c := range []struct{ name, rest, code, field string }{
		{"an address at home", `"platform":"web","provider":"webpush","token":"https://192.168.0.1/push"` + keys, "bad_endpoint", "token"},
		{"somebody else's host", `"platform":"web","provider":"webpush","token":"https://127.0.0.1:8080/a.apple.com/"` + keys, "bad_endpoint", "token"},
		{"no TLS", `"platform":"web","provider":"webpush","token":"http://fcm.googleapis.com/x"` + keys, "bad_endpoint", "token"},
		{"a user in it", `"platform":"web","provider":"webpush","token":"https://a:b@fcm.googleapis.com/x"` + keys, "bad_endpoint", "token"},
		{"no keys", `"platform":"web","provider":"webpush","token":"` + endpoint + `"`, "missing_field", "keys"},
		{"half a key pair", `"platform":"web","provider":"webpush","token":"` + endpoint + `","keys":{"p256dh":"` + p256dh + `"}`, "missing_field", "keys.auth"},
		{"another curve", `"platform":"web","provider":"webpush","token":"` + endpoint + `","keys":{"p256dh":"` + p384 + `","auth":"` + auth + `"}`, "bad_value", "keys.p256dh"},
		{"off the curve", `"platform":"web","provider":"webpush","token":"` + endpoint + `","keys":{"p256dh":"` + offCurve + `","auth":"` + auth + `"}`, "bad_keys", "keys.p256dh"},
		{"a short secret", `"platform":"web","provider":"webpush","token":"` + endpoint + `","keys":{"p256dh":"` + p256dh + `","auth":"YWJj"}`, "bad_keys", "keys.auth"},
		{"a phone", `"platform":"ios","provider":"webpush","token":"` + endpoint + `"` + keys, "bad_platform", "platform"},
		{"Apple's own push", `"platform":"web","provider":"apns","token":"` + appleToken + `"`, "bad_platform", "platform"},
		{"a token", `"platform":"web","provider":"webpush","token_kind":"token","token":"` + endpoint + `"` + keys, "bad_token", "token_kind"},
		{"an endpoint for FCM", `"platform":"android","provider":"fcm","app":"pager","token_kind":"endpoint","token":"x"`, "bad_token", "token_kind"},
		{"keys for FCM", `"platform":"android","provider":"fcm","app":"pager","token":"x"` + keys, "bad_keys", "keys"},
		{"a sandbox", `"platform":"web","provider":"webpush","environment":"sandbox","token":"` + endpoint + `"` + keys, "bad_environment", "environment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.do(t, "ana", "POST", "/v1/devices", "{"+c.rest+"}").problem(400, c.code, c.field)
		})
	}
}

func TestWebPushSwitchedOff(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.Handler.(*server)
	s.WebPush, s.Apps = nil, func(push.Provider) []string { return nil }
	h.do(t, "ana", "GET", "/v1/push/webpush", "").problem(404, "provider_not_configured", "")
	p256dh, auth := subscription(t)
	h.do(t, "ana", "POST", "/v1/devices", fmt.Sprintf(`{"platform":"web","provider":"webpush","token":%q,"keys":{"p256dh":%q,"auth":%q}}`, endpoint, p256dh, auth)).
		problem(400, "provider_not_configured", "provider")
}
