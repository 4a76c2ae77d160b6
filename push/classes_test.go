package push

import "testing"

// Every row of Apple's table of reasons, and what falls beside it.
func TestClassifyAPNs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		reason string
		want   Class
	}{
		{200, "", ClassAccepted},
		{400, "BadDeviceToken", ClassTokenSuspect},
		{400, "DeviceTokenNotForTopic", ClassTokenSuspect},
		{400, "BadTopic", ClassConfigBroken},
		{400, "MissingTopic", ClassConfigBroken},
		{400, "TopicDisallowed", ClassConfigBroken},
		{400, "BadCollapseId", ClassPayloadBug},
		{400, "BadExpirationDate", ClassPayloadBug},
		{400, "BadMessageId", ClassPayloadBug},
		{400, "BadPriority", ClassPayloadBug},
		{400, "DuplicateHeaders", ClassPayloadBug},
		{400, "InvalidPushType", ClassPayloadBug},
		{400, "MissingDeviceToken", ClassPayloadBug},
		{400, "PayloadEmpty", ClassPayloadBug},
		{400, "IdleTimeout", ClassRetry},
		{403, "ExpiredProviderToken", ClassRetry},
		{403, "InvalidProviderToken", ClassConfigBroken},
		{403, "MissingProviderToken", ClassConfigBroken},
		{403, "BadCertificate", ClassConfigBroken},
		{403, "BadCertificateEnvironment", ClassConfigBroken},
		{403, "BadEnvironmentKeyIdInToken", ClassConfigBroken},
		{403, "UnrelatedKeyIdInToken", ClassRetry},
		{403, "Forbidden", ClassConfigBroken},
		{404, "BadPath", ClassPayloadBug},
		{405, "MethodNotAllowed", ClassPayloadBug},
		{410, "Unregistered", ClassTokenDead},
		{410, "ExpiredToken", ClassTokenDead},
		{413, "PayloadTooLarge", ClassTooLarge},
		{429, "TooManyRequests", ClassDeviceThrottled},
		{429, "TooManyProviderTokenUpdates", ClassRetry},
		{500, "InternalServerError", ClassRetry},
		{503, "ServiceUnavailable", ClassProviderDown},
		{503, "Shutdown", ClassRetry},

		{0, "timeout", ClassRetry},
		{0, "", ClassRetry},
		{404, "", ClassProviderDown}, // a proxy's page
		{410, "", ClassProviderDown}, // not Apple's words: no proof
		{410, "SomethingNew", ClassTokenSuspect},
		{400, "SomethingNew", ClassPayloadBug},
		{400, "", ClassProviderDown},
		{403, "SomethingNew", ClassConfigBroken},
		{407, "", ClassConfigBroken},
		{429, "", ClassProviderDown},
		{502, "", ClassProviderDown},
		{504, "", ClassRetry},
		{302, "", ClassProviderDown},
		// A reason under a status that is not its own proves nothing.
		{400, "Unregistered", ClassPayloadBug},
		{500, "Unregistered", ClassRetry},
	} {
		if got := ClassifyAPNs(c.status, c.reason); got != c.want {
			t.Errorf("ClassifyAPNs(%d, %q) = %s, want %s", c.status, c.reason, got, c.want)
		}
	}
}

// Every FCM v1 error code, with and without the detail that proves it is FCM's.
func TestClassifyFCM(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		fcm    bool
		want   Class
	}{
		{200, "", false, ClassAccepted},
		{404, "UNREGISTERED", true, ClassTokenDead},
		{404, "UNREGISTERED", false, ClassProviderDown},
		{404, "NOT_FOUND", false, ClassProviderDown},
		{404, "", false, ClassProviderDown},
		{400, "INVALID_ARGUMENT", true, ClassTokenSuspect},
		{400, "INVALID_ARGUMENT", false, ClassPayloadBug},
		{400, "", false, ClassProviderDown},
		{403, "SENDER_ID_MISMATCH", true, ClassTokenSuspect},
		{401, "THIRD_PARTY_AUTH_ERROR", true, ClassConfigBroken},
		{401, "UNAUTHENTICATED", false, ClassConfigBroken},
		{403, "PERMISSION_DENIED", false, ClassConfigBroken},
		{429, "QUOTA_EXCEEDED", true, ClassProviderDown},
		{429, "RESOURCE_EXHAUSTED", false, ClassProviderDown},
		{429, "", false, ClassProviderDown},
		{503, "UNAVAILABLE", true, ClassProviderDown},
		{503, "", false, ClassProviderDown},
		{500, "INTERNAL", true, ClassRetry},
		{500, "", false, ClassRetry},
		{504, "DEADLINE_EXCEEDED", false, ClassRetry},
		{0, "timeout", false, ClassRetry},
		{400, "UNSPECIFIED_ERROR", true, ClassRetry},
		{413, "", false, ClassTooLarge},
		{410, "", false, ClassProviderDown},
		{400, "UNREGISTERED", true, ClassPayloadBug}, // not where FCM says it
	} {
		if got := ClassifyFCM(c.status, c.code, c.fcm); got != c.want {
			t.Errorf("ClassifyFCM(%d, %q, %v) = %s, want %s", c.status, c.code, c.fcm, got, c.want)
		}
	}
}

// Whatever a provider or a proxy says, only its own words for "gone" kill.
func FuzzClassifyKillsOnlyOnProof(f *testing.F) {
	f.Add(410, "Unregistered", true)
	f.Add(404, "UNREGISTERED", false)
	f.Fuzz(func(t *testing.T, status int, reason string, fcm bool) {
		if ClassifyAPNs(status, reason) == ClassTokenDead &&
			(status != 410 || reason != "Unregistered" && reason != "ExpiredToken") {
			t.Errorf("APNs %d %q killed a token", status, reason)
		}
		if ClassifyFCM(status, reason, fcm) == ClassTokenDead &&
			(status != 404 || reason != "UNREGISTERED" || !fcm) {
			t.Errorf("FCM %d %q (detail %v) killed a token", status, reason, fcm)
		}
	})
}

// Every answer a push service gives (RFC 8030 and the services' own pages), and
// what falls beside it.
func TestClassifyWebPush(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		reason string
		want   Class
	}{
		{201, "", ClassAccepted},
		{200, "", ClassAccepted}, // WNS
		{202, "", ClassAccepted}, // asked to confirm, or stored for later
		{404, "", ClassTokenDead},
		{404, "errno_102", ClassTokenDead},
		{410, "", ClassTokenDead},
		{410, "errno_106", ClassTokenDead},
		{410, "Unregistered", ClassTokenDead},

		{400, "", ClassPayloadBug},
		{400, "errno_110", ClassPayloadBug},
		{400, "BadTopic", ClassPayloadBug},
		{405, "", ClassPayloadBug},
		{411, "", ClassPayloadBug},
		{415, "", ClassPayloadBug},
		{422, "", ClassPayloadBug},

		// Ours to mend: no subscription is ever to blame.
		{401, "", ClassConfigBroken},
		{401, "errno_109", ClassConfigBroken},
		{403, "", ClassConfigBroken},
		{403, "BadJwtToken", ClassConfigBroken},
		{403, "ExpiredJwtToken", ClassConfigBroken},
		{400, "BadJwtToken", ClassConfigBroken},
		{400, "ExpiredJwtToken", ClassConfigBroken},
		{407, "", ClassConfigBroken},

		// One browser subscribed with another server's key: it is doubted, and
		// the lane goes on.
		{400, VAPIDMismatch, ClassTokenSuspect},
		{401, VAPIDMismatch, ClassTokenSuspect},
		{403, VAPIDMismatch, ClassTokenSuspect},
		{400, "VapidPkHashMismatch", ClassTokenSuspect},
		{500, VAPIDMismatch, ClassRetry}, // a word in the wrong place proves nothing

		{413, "", ClassTooLarge},
		{413, "errno_104", ClassTooLarge},
		{429, "", ClassDeviceThrottled},
		{429, "TooManyRequests", ClassDeviceThrottled},
		{406, "", ClassDeviceThrottled}, // WNS

		{500, "", ClassRetry},
		{502, "", ClassProviderDown},
		{503, "", ClassProviderDown},
		{504, "", ClassRetry},
		{507, "", ClassProviderDown},
		{408, "", ClassRetry},

		// Never followed: whoever sends us elsewhere is not the push service.
		{301, "", ClassProviderDown},
		{302, "", ClassProviderDown},
		{307, "", ClassProviderDown},
		{308, "", ClassProviderDown},
		{204, "", ClassProviderDown},
		{0, "", ClassRetry},
		{0, "timeout", ClassRetry},
	} {
		if got := ClassifyWebPush(c.status, c.reason); got != c.want {
			t.Errorf("%d %q is %s, want %s", c.status, c.reason, got, c.want)
		}
	}
}

func TestEachPushServiceHasItsOwnLane(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://fcm.googleapis.com/fcm/send/x":                   "google",
		"https://updates.push.services.mozilla.com/wpush/v2/x":    "mozilla",
		"https://web.push.apple.com/Qx":                           "apple",
		"https://wns2-par02p.notify.windows.com/w/?token=x":       "microsoft",
		"https://push.example.com/x":                              "other",
		"https://push.apple.com/x":                                "other",
		"https://fcm.googleapis.com.example.com/":                 "other",
		"https://evilpush.services.mozilla.com.attacker.example/": "other",
		"https://notpush.apple.com/":                              "other",
		"%zz":                                                     "other",
	} {
		d := Device{App: "web", Provider: WebPush, Environment: "production", Token: endpoint}
		if got := d.Lane(); got != (Lane{"web", WebPush, want}) {
			t.Errorf("%s goes through %+v, want %s", endpoint, got, want)
		}
	}
}
