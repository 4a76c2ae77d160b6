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
