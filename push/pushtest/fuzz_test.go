package pushtest

import (
	"encoding/json"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// FuzzSendRequest: whatever is sent to FCM is either a message within the
// limits, or a refusal in Google's form.
func FuzzSendRequest(f *testing.F) {
	for _, seed := range []string{
		`{"message":{"token":"x","data":{"a":"b"},"android":{"ttl":"3.5s","priority":"HIGH","collapseKey":"k"}}}`,
		`{"validate_only":true,"message":{"fid":"x","apns":{"headers":{"apns-priority":"5"},"payload":{"aps":{}}}}}`,
		`{"message":{"token":"x","notification":{"title":null}}}`, `{"message":[]}`, `[]`, `null`, `{`,
	} {
		f.Add([]byte(seed))
	}
	header := []hpack.HeaderField{field("content-type", "application/json")}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, no := readMessage(&call{fields: header, body: body})
		if no != nil {
			if a := no.answer(); !json.Valid(a.body) || a.status < 400 {
				t.Fatalf("refusal %d %s", a.status, a.body)
			}
			return
		}
		size := 0
		for k, v := range m.data {
			size += len(k) + len(v)
		}
		if m.target == "" || size > fcmPayloadLimit {
			t.Fatalf("accepted %+v with %d bytes", m, size)
		}
	})
}

// FuzzAPNsRequest: whatever is sent to APNs is either a push with all it
// needs, or a refusal in Apple's form.
func FuzzAPNsRequest(f *testing.F) {
	f.Add("/3/device/00ff", "alert", "10", "0", "nb-1", `{"aps":{"alert":"x"}}`)
	f.Add("/3/device/00ff", "background", "5", "1772331000", "", `{"aps":{"content-available":1}}`)
	f.Add("/3/device/", "voip", "x", "-1", "\x00", `null`)
	f.Fuzz(func(t *testing.T, path, pushType, priority, expiration, collapse, body string) {
		c := &call{method: "POST", path: path, body: []byte(body), fields: []hpack.HeaderField{
			field("apns-topic", "a.b"), field("apns-push-type", pushType), field("apns-priority", priority),
			field("apns-expiration", expiration), field("apns-collapse-id", collapse),
		}}
		token, no := checkPath(c)
		p := &apnsPush{token: token}
		if no == nil {
			no = p.checkHeaders(c)
		}
		if no == nil {
			no = p.checkPayload(c)
		}
		if no != nil {
			if a := no.answer(""); !json.Valid(a.body) || a.status < 400 {
				t.Fatalf("refusal %d %s", a.status, a.body)
			}
			return
		}
		if !isHex(token) || token == "" || len(p.collapseID) > 64 || !json.Valid(p.payload) || len(p.payload) > 5120 {
			t.Fatalf("accepted %+v", p)
		}
		// What was accepted can be shown without trouble.
		_, _ = Push{PushType: p.pushType, Payload: p.payload}.iphone()
	})
}

// FuzzFault: a fault that is read can be written and read again.
func FuzzFault(f *testing.F) {
	f.Add([]byte(`{"provider":"apns","times":2,"latency":"50ms","status":410,"reason":"Unregistered","since":"2026-01-02T03:04:05Z"}`))
	f.Add([]byte(`{"oauth":true,"hang":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var one, two Fault
		if json.Unmarshal(body, &one) != nil {
			return
		}
		out, err := json.Marshal(one)
		if err != nil {
			return // a time out of JSON's range
		}
		if err := json.Unmarshal(out, &two); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if !one.Since.Equal(two.Since) {
			t.Fatalf("%v became %v", one.Since, two.Since)
		}
	})
}
