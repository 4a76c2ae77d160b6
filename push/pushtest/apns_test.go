package pushtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

func TestAPNsAcceptsAGoodPush(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.apns(b.good())
	if r.status != 200 || r.body != "" || r.header.Get("apns-id") != "123e4567-e89b-12d3-a456-426655440000" {
		t.Fatalf("%+v", r)
	}
	bare := b.good()
	bare.header.Del("Apns-Id")
	bare.header.Del("Apns-Priority")
	bare.header.Del("Apns-Expiration")
	bare.path = "/3/device/" + strings.ToUpper(b.phone.Token)
	if r := b.apns(bare); r.status != 200 || len(r.header.Get("apns-id")) != 36 {
		t.Errorf("without the optional headers: %+v", r)
	}
	if n := len(b.em.Received(b.phone.Token)); n != 2 {
		t.Errorf("the phone got %d", n)
	}
}

// TestAPNsRefusals makes every answer there is but 200.
func TestAPNsRefusals(t *testing.T) {
	t.Parallel()
	big := `{"aps":{"alert":"` + strings.Repeat("x", 4096) + `"}}`
	background := func(r *request) {
		r.header.Set("apns-push-type", "background")
		r.header.Set("apns-priority", "5")
		r.body = `{"aps":{"content-available":1}}`
	}
	tests := []struct {
		name   string
		change func(*bench, *request)
		status int
		reason string
	}{
		{"GET", func(_ *bench, r *request) { r.method = "GET" }, 405, "MethodNotAllowed"},
		{"another path", func(_ *bench, r *request) { r.path = "/4/device/00" }, 404, "BadPath"},
		{"a path below the token", func(_ *bench, r *request) { r.path += "/x" }, 404, "BadPath"},
		{"no token", func(_ *bench, r *request) { r.path = "/3/device/" }, 400, "MissingDeviceToken"},
		{"a token that is not hex", func(_ *bench, r *request) { r.path = "/3/device/xyz0" }, 400, "BadDeviceToken"},
		{"an unknown token", func(_ *bench, r *request) { r.path = "/3/device/00ff" }, 400, "BadDeviceToken"},
		{"the other environment's token", func(_ *bench, r *request) { r.environment = pushtest.Sandbox }, 400, "BadDeviceToken"},
		{"no authorization", func(_ *bench, r *request) { r.header.Del("authorization") }, 403, "MissingProviderToken"},
		{"basic authorization", func(_ *bench, r *request) { r.header.Set("authorization", "basic eA==") }, 403, "MissingProviderToken"},
		{"no JWT", func(_ *bench, r *request) { r.header.Set("authorization", "bearer x") }, 403, "InvalidProviderToken"},
		{"unsigned", func(b *bench, r *request) { r.header.Set("authorization", "bearer "+unsigned(b)) }, 403, "InvalidProviderToken"},
		{"an unknown key", tokenWith(func(t *jwt.Token, _ jwt.MapClaims) { t.Header["kid"] = "ABCDEFGHIJ" }), 403, "InvalidProviderToken"},
		{"another team", tokenWith(func(_ *jwt.Token, c jwt.MapClaims) { c["iss"] = "OTHERTEAM1" }), 403, "InvalidProviderToken"},
		{"no iat", tokenWith(func(_ *jwt.Token, c jwt.MapClaims) { delete(c, "iat") }), 403, "InvalidProviderToken"},
		{"iat tomorrow", aged(-24 * time.Hour), 403, "InvalidProviderToken"},
		{"iat an hour and a second ago", aged(time.Hour + time.Second), 403, "ExpiredProviderToken"},
		{"a key for the sandbox only", func(b *bench, r *request) {
			key, err := b.em.NewAPNsKey(pushtest.Sandbox)
			if err != nil {
				b.t.Fatal(err)
			}
			r.header.Set("authorization", "bearer "+b.jwt(key, nil))
		}, 403, "BadEnvironmentKeyIdInToken"},
		{"a header twice", func(_ *bench, r *request) { r.header.Add("apns-topic", bundle) }, 400, "DuplicateHeaders"},
		{"a header there is not", func(_ *bench, r *request) { r.header.Set("apns-prioritty", "10") }, 400, pushtest.ReasonStrict},
		{"an id in capitals", func(_ *bench, r *request) { r.header.Set("apns-id", "123E4567-e89b-12d3-a456-426655440000") }, 400, "BadMessageId"},
		{"an id that is none", func(_ *bench, r *request) { r.header.Set("apns-id", "dlv_1") }, 400, "BadMessageId"},
		{"no push type", func(_ *bench, r *request) { r.header.Del("apns-push-type") }, 400, "InvalidPushType"},
		{"a push type there is not", func(_ *bench, r *request) { r.header.Set("apns-push-type", "loud") }, 400, "InvalidPushType"},
		{"no topic", func(_ *bench, r *request) { r.header.Del("apns-topic") }, 400, "MissingTopic"},
		{"an unknown topic", func(_ *bench, r *request) { r.header.Set("apns-topic", "com.example") }, 400, "BadTopic"},
		{"another team's topic", func(b *bench, r *request) {
			if _, err := b.em.NewAPNsTeam("com.other"); err != nil {
				b.t.Fatal(err)
			}
			r.header.Set("apns-topic", "com.other")
		}, 400, "TopicDisallowed"},
		{"voip without its suffix", func(_ *bench, r *request) { r.header.Set("apns-push-type", "voip") }, 400, "BadTopic"},
		{"another app's token", func(b *bench, r *request) {
			b.em.NewAPNsApp("com.other")
			r.header.Set("apns-topic", "com.other")
		}, 400, "DeviceTokenNotForTopic"},
		{"priority 11", func(_ *bench, r *request) { r.header.Set("apns-priority", "11") }, 400, "BadPriority"},
		{"an expiration in words", func(_ *bench, r *request) { r.header.Set("apns-expiration", "soon") }, 400, "BadExpirationDate"},
		{"an expiration in milliseconds", func(_ *bench, r *request) { r.header.Set("apns-expiration", "1772331000000") }, 400, "BadExpirationDate"},
		{"a collapse id of 65 bytes", func(_ *bench, r *request) { r.header.Set("apns-collapse-id", strings.Repeat("x", 65)) }, 400, "BadCollapseId"},
		{"no payload", func(_ *bench, r *request) { r.body = "" }, 400, "PayloadEmpty"},
		{"4097 bytes", func(_ *bench, r *request) { r.body = big[len(big)-4096-1:] }, 413, "PayloadTooLarge"},
		{"more than is read", func(_ *bench, r *request) { r.body = strings.Repeat("x", 100<<10) }, 413, "PayloadTooLarge"},
		{"no JSON", func(_ *bench, r *request) { r.body = "hello" }, 400, pushtest.ReasonStrict},
		{"no aps", func(_ *bench, r *request) { r.body = `{"alert":"x"}` }, 400, pushtest.ReasonStrict},
		{"alert without an alert", func(_ *bench, r *request) { r.body = `{"aps":{"sound":"x"}}` }, 400, pushtest.ReasonStrict},
		{"background, priority 10", func(_ *bench, r *request) { background(r); r.header.Set("apns-priority", "10") }, 400, "BadPriority"},
		{"background without content-available", func(_ *bench, r *request) { background(r); r.body = `{"aps":{}}` }, 400, pushtest.ReasonStrict},
		{"background with an alert", func(_ *bench, r *request) { background(r); r.body = `{"aps":{"content-available":1,"alert":"x"}}` }, 400, pushtest.ReasonStrict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.good()
			tt.change(b, r)
			got := b.apns(r)
			if got.status != tt.status || got.reason() != tt.reason {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.reason)
			}
			if got.header.Get("emulator-why") == "" {
				t.Error("it does not say why")
			}
			if n := b.em.Accepted(push.APNs); n != 0 || len(b.em.Refusals()) != 1 {
				t.Errorf("%d delivered, refusals %+v", n, b.em.Refusals())
			}
		})
	}
}

func tokenWith(change func(*jwt.Token, jwt.MapClaims)) func(*bench, *request) {
	return func(b *bench, r *request) { r.header.Set("authorization", "bearer "+b.jwt(b.app, change)) }
}

func aged(age time.Duration) func(*bench, *request) {
	return func(b *bench, r *request) {
		tokenWith(func(_ *jwt.Token, c jwt.MapClaims) { c["iat"] = b.now().Add(-age).Unix() })(b, r)
	}
}

func unsigned(b *bench) string {
	t := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": b.app.TeamID, "iat": b.now().Unix()})
	t.Header["kid"] = b.app.KeyID
	s, err := t.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func TestAPNsDeadToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.em.Kill(b.phone.Token, time.UnixMilli(1772331000123))
	if r := b.apns(b.good()); r.status != 410 || r.body != `{"reason":"Unregistered","timestamp":1772331000123}` {
		t.Errorf("%+v", r)
	}
	if err := b.em.AddDevice(b.phone); err != nil {
		t.Fatal(err)
	}
	if r := b.apns(b.good()); r.status != 200 {
		t.Errorf("after the app was installed again: %+v", r)
	}
}

func TestAPNsBindsAConnectionToItsKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apns(b.good())
	second, err := b.em.NewAPNsKey("")
	if err != nil {
		t.Fatal(err)
	}
	r := b.good()
	r.header.Set("authorization", "bearer "+b.jwt(second, nil))
	if got := b.apns(r); got.reason() != "UnrelatedKeyIdInToken" {
		t.Errorf("on the same connection: %+v", got)
	}
	b.client = b.newClient()
	if got := b.apns(r); got.status != 200 {
		t.Errorf("on its own connection: %+v", got)
	}
}

func TestAPNsTokensMayNotChangeTooOften(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.good()
	b.apns(first)
	b.advance(19 * time.Minute)
	second := b.good()
	second.header.Set("authorization", "bearer "+b.jwt(b.app, nil))
	if got := b.apns(second); got.status != 429 || got.reason() != "TooManyProviderTokenUpdates" {
		t.Errorf("after 19 minutes: %+v", got)
	}
	if got := b.apns(first); got.status != 200 {
		t.Errorf("the old one is still good: %+v", got)
	}
	b.advance(time.Minute)
	if got := b.apns(second); got.status != 200 {
		t.Errorf("after 20 minutes: %+v", got)
	}
	if got := b.apns(first); got.status != 200 {
		t.Errorf("the older may still be in flight: %+v", got)
	}
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.em.Inject(pushtest.Fault{Provider: push.FCM, Status: 500, Reason: "INTERNAL"})
	b.em.Inject(pushtest.Fault{Token: "00", Status: 500, Reason: "InternalServerError"})
	b.em.Inject(pushtest.Fault{Environment: pushtest.Sandbox, Status: 500, Reason: "InternalServerError"})
	b.em.Inject(pushtest.Fault{Skip: 1, Times: 1, Status: 503, Reason: "Shutdown"})
	always := b.em.Inject(pushtest.Fault{Skip: 2, Status: 429, Reason: "TooManyRequests", RetryAfter: "7"})
	var got []string
	for range 5 {
		got = append(got, b.apns(b.good()).reason())
	}
	if want := " Shutdown  TooManyRequests TooManyRequests"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, " "), want)
	}
	b.em.Clear(always)
	if r := b.apns(b.good()); r.status != 200 {
		t.Errorf("after clearing: %+v", r)
	}
	if n := len(b.em.Faults()); n != 3 {
		t.Errorf("%d faults are left, want the three that match nothing here", n)
	}
}
