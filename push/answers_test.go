package push

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// row is one answer of a provider and what follows from it: its class, what
// becomes of the device, of the delivery, and of the lane, after the first such
// answer and after five phones in a row have got it.
type row struct {
	name   string
	from   Provider
	status int
	reason string
	// bare: the body was not the provider's own; somebody between us answered.
	bare bool
	// since is the moment of a 410, before (negative) or after the registration.
	since time.Duration
	wish  time.Duration // Retry-After
	// proven: a message of ours was accepted before.
	proven bool

	class    Class
	device   DeviceState
	delivery DeliveryState
	again    time.Duration // until the next attempt, with the dice in the middle
	sends    int           // 0 is one
	counts   bool          // it costs an attempt
	lane     gateState     // after one
	five     gateState     // after five phones
}

const (
	anHour = time.Hour
	probed = 30 * time.Second
)

// appleSays is every row of Apple's table (reference, 2.5).
var appleSays = []row{
	{name: "accepted", status: 200, class: ClassAccepted, delivery: Accepted, counts: true},
	{status: 400, reason: "BadDeviceToken", class: ClassTokenSuspect, device: DeviceSuspect, delivery: Failed, counts: true},
	{status: 400, reason: "DeviceTokenNotForTopic", class: ClassTokenSuspect, device: DeviceSuspect, delivery: Failed, counts: true},
	{status: 400, reason: "BadTopic", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 400, reason: "MissingTopic", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 400, reason: "TopicDisallowed", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 400, reason: "BadCollapseId", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "BadExpirationDate", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "BadMessageId", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "BadPriority", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "DuplicateHeaders", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "InvalidPushType", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "MissingDeviceToken", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "PayloadEmpty", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 400, reason: "IdleTimeout", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{status: 403, reason: "ExpiredProviderToken", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{status: 403, reason: "InvalidProviderToken", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "MissingProviderToken", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "BadCertificate", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "BadCertificateEnvironment", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "BadEnvironmentKeyIdInToken", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "UnrelatedKeyIdInToken", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{status: 403, reason: "Forbidden", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 404, reason: "BadPath", class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 405, reason: "MethodNotAllowed", class: ClassPayloadBug, delivery: Failed, counts: true},
	{name: "410 after the registration", status: 410, reason: "Unregistered", since: anHour / 2, class: ClassTokenDead, device: DeviceDead, delivery: Failed, counts: true},
	{name: "410 before a re-registration", status: 410, reason: "Unregistered", since: -anHour, class: ClassTokenDead, delivery: Scheduled, again: time.Second, counts: true},
	{name: "410 without its moment", status: 410, reason: "Unregistered", class: ClassTokenDead, device: DeviceDead, delivery: Failed, counts: true},
	{name: "ExpiredToken after the registration", status: 410, reason: "ExpiredToken", since: anHour / 2, class: ClassTokenDead, device: DeviceDead, delivery: Failed, counts: true},
	{name: "ExpiredToken before a re-registration", status: 410, reason: "ExpiredToken", since: -anHour, class: ClassTokenDead, delivery: Scheduled, again: time.Second, counts: true},
	{status: 413, reason: "PayloadTooLarge", class: ClassTooLarge, delivery: Failed, sends: 2, counts: true},
	{name: "429 of one phone", status: 429, reason: "TooManyRequests", class: ClassDeviceThrottled, delivery: Scheduled, again: 30 * time.Second, counts: true},
	{name: "429 of the provider token", status: 429, reason: "TooManyProviderTokenUpdates", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "429 of somebody between", status: 429, bare: true, class: ClassProviderDown, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{status: 500, reason: "InternalServerError", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{status: 503, reason: "ServiceUnavailable", class: ClassProviderDown, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "503 with a wish", status: 503, reason: "ServiceUnavailable", wish: 20 * time.Second, class: ClassProviderDown, delivery: Scheduled, again: 21 * time.Second, counts: true, five: gateBackoff},
	{status: 503, reason: "Shutdown", class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},

	{name: "a proxy's 404", status: 404, bare: true, class: ClassProviderDown, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "a proxy's 410", status: 410, bare: true, class: ClassProviderDown, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "a proxy's 502", status: 502, bare: true, class: ClassProviderDown, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "a proxy's 407", status: 407, bare: true, class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{name: "no answer", status: 0, class: ClassRetry, delivery: Scheduled, again: time.Second, counts: true, five: gateBackoff},
	{name: "a 410 with a new word", status: 410, reason: "SomethingNew", class: ClassTokenSuspect, device: DeviceSuspect, delivery: Failed, counts: true},
}

// googleSays is every row of FCM's table (reference, 3.3). The first retry
// comes after ten seconds at the earliest.
var googleSays = []row{
	{name: "accepted", status: 200, class: ClassAccepted, delivery: Accepted, counts: true},
	{status: 404, reason: "UNREGISTERED", class: ClassTokenDead, device: DeviceDead, delivery: Failed, counts: true},
	{name: "UNREGISTERED without FCM's detail", status: 404, reason: "UNREGISTERED", bare: true, class: ClassProviderDown, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{name: "a proxy's 404", status: 404, bare: true, class: ClassProviderDown, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{name: "INVALID_ARGUMENT, and nothing of ours was ever taken", status: 400, reason: "INVALID_ARGUMENT", class: ClassPayloadBug, delivery: Failed, counts: true},
	{name: "INVALID_ARGUMENT, and the same form works elsewhere", status: 400, reason: "INVALID_ARGUMENT", proven: true, class: ClassTokenSuspect, device: DeviceSuspect, delivery: Failed, counts: true},
	{name: "INVALID_ARGUMENT without FCM's detail", status: 400, reason: "INVALID_ARGUMENT", bare: true, proven: true, class: ClassPayloadBug, delivery: Failed, counts: true},
	{status: 403, reason: "SENDER_ID_MISMATCH", class: ClassTokenSuspect, device: DeviceSuspect, delivery: Failed, counts: true},
	{status: 401, reason: "THIRD_PARTY_AUTH_ERROR", class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 401, reason: "UNAUTHENTICATED", bare: true, class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{status: 403, reason: "PERMISSION_DENIED", bare: true, class: ClassConfigBroken, delivery: Scheduled, again: probed, lane: gatePaused, five: gatePaused},
	{name: "429 of the project, with a wish", status: 429, reason: "QUOTA_EXCEEDED", wish: 2 * time.Minute, class: ClassProviderDown, delivery: Scheduled, again: 126 * time.Second, counts: true, lane: gateBackoff, five: gateBackoff},
	{name: "429 of the project, without", status: 429, reason: "QUOTA_EXCEEDED", class: ClassProviderDown, delivery: Scheduled, again: 75 * time.Second, counts: true, five: gateBackoff},
	{name: "429 in Google's words", status: 429, reason: "RESOURCE_EXHAUSTED", bare: true, class: ClassProviderDown, delivery: Scheduled, again: 75 * time.Second, counts: true, five: gateBackoff},
	{name: "429 of somebody between", status: 429, bare: true, class: ClassProviderDown, delivery: Scheduled, again: 75 * time.Second, counts: true, five: gateBackoff},
	{status: 503, reason: "UNAVAILABLE", class: ClassProviderDown, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{name: "UNAVAILABLE with a wish", status: 503, reason: "UNAVAILABLE", wish: 40 * time.Second, class: ClassProviderDown, delivery: Scheduled, again: 42 * time.Second, counts: true, five: gateBackoff},
	{status: 500, reason: "INTERNAL", class: ClassRetry, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{status: 400, reason: "UNSPECIFIED_ERROR", class: ClassRetry, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{status: 504, reason: "DEADLINE_EXCEEDED", bare: true, class: ClassRetry, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
	{name: "too large", status: 413, bare: true, class: ClassTooLarge, delivery: Failed, sends: 2, counts: true},
	{name: "no answer", status: 0, class: ClassRetry, delivery: Scheduled, again: fcmFirst, counts: true, five: gateBackoff},
}

const fcmFirst = 12500 * time.Millisecond

// TestEachAnswerHasItsEffect holds each row against the whole pipeline.
func TestEachAnswerHasItsEffect(t *testing.T) {
	t.Parallel()
	for from, table := range map[Provider][]row{APNs: appleSays, FCM: googleSays} {
		seen := map[string]bool{}
		for _, r := range table {
			r.from = from
			if r.name == "" {
				r.name = r.reason
			}
			if seen[r.name] {
				t.Errorf("%s has two rows %q", from, r.name)
			}
			seen[r.name] = true
			t.Run(string(from)+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, r.follow)
			})
		}
	}
}

// answer is what the provider's sender makes of it.
func (r row) answer(registered time.Time) Result {
	o := Result{Status: r.status, Reason: r.reason, RetryAfter: r.wish}
	if r.from == APNs {
		o.Class = ClassifyAPNs(r.status, r.reason)
	} else {
		o.Class = ClassifyFCM(r.status, r.reason, r.reason != "" && !r.bare)
	}
	if r.since != 0 {
		o.Since = registered.Add(r.since)
	}
	if o.Reason == "" {
		o.Reason = "http_" + strconv.Itoa(r.status)
	}
	return o
}

func (r row) follow(t *testing.T) {
	db := newRows()
	s := set(db, "a", nil)
	ana := db.device("ana", r.from)
	good := r.proven
	answer := func(_ context.Context, _ Message) Result {
		if good {
			return yes
		}
		return r.answer(ana.RegisteredAt)
	}
	s.apns.answer, s.fcm.answer = answer, answer
	s.run(t)
	defer s.end(t)
	if r.proven {
		s.Submit([]Job{db.page("dlv_0", "inc_0", db.device("cleo", r.from), "a")})
		synctest.Wait()
		good = false
	}
	s.Submit([]Job{db.page("dlv_1", "inc_1", ana, "a")})
	synctest.Wait()
	r.check(t, s)
	r.checkLane(t, s, r.lane, "one")
	for i := range 4 {
		s.Submit([]Job{db.page(fmt.Sprint("dlv_more", i), "inc_1", db.device(fmt.Sprint("more", i), r.from), "a")})
		synctest.Wait()
	}
	r.checkLane(t, s, r.five, "five")
	if other := s.lanes.find(Lane{"nightbell", otherProvider(r.from), "production"}); other.gate.state != gateOpen {
		t.Errorf("the other provider's lane is %s", other.gate.state)
	}
}

func (r row) check(t *testing.T, s *stage) {
	t.Helper()
	d := s.db.delivery("dlv_1")
	if d.State != r.delivery {
		t.Errorf("the delivery is %s, want %s", d.State, r.delivery)
	}
	if wait := d.DueAt.Sub(storyStart); d.State == Scheduled && wait != r.again {
		t.Errorf("it is tried again after %s, want %s", wait, r.again)
	}
	if cost := d.Attempt == 1; cost != r.counts {
		t.Errorf("it has cost %d attempts, want %v", d.Attempt, r.counts)
	}
	if sends := len(s.apns.got()) + len(s.fcm.got()); sends-boolInt(r.proven) != max(r.sends, 1) {
		t.Errorf("it was sent %d times, want %d", sends, max(r.sends, 1))
	}
	want := r.device
	if want == "" {
		want = DeviceActive
	}
	s.db.mu.Lock()
	dev := *s.db.devices["ana"]
	class := ""
	for _, e := range s.db.entries {
		if e.Detail.DeliveryID == "dlv_1" && e.Detail.Class != "" {
			class = e.Detail.Class
		}
	}
	s.db.mu.Unlock()
	if dev.State != want {
		t.Errorf("the device is %s (%s), want %s", dev.State, dev.StateReason, want)
	}
	if class != string(r.class) {
		t.Errorf("the timeline calls it %q, want %q", class, r.class)
	}
}

func (r row) checkLane(t *testing.T, s *stage, want gateState, after string) {
	t.Helper()
	l := s.lanes.find(s.db.devices["ana"].Lane())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate.state != want {
		t.Errorf("after %s the lane is %s, want %s", after, l.gate.state, want)
	}
}

func otherProvider(p Provider) Provider {
	if p == APNs {
		return FCM
	}
	return APNs
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
