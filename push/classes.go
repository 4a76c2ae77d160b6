package push

import "net/http"

// answer is what a provider said: its status and its own word for it.
type answer struct {
	status int
	reason string
}

// apnsClasses is Apple's table of reasons ("Handling notification responses
// from APNs") sorted by what we must do. Only a 410 with one of Apple's own
// reasons can kill a token, and [Outcome.Apply] still weighs its timestamp.
var apnsClasses = map[answer]Class{
	{200, ""}: ClassAccepted,

	// Wrong environment, wrong app or a typo of ours look the same from here,
	// so the token is doubted, never killed.
	{400, "BadDeviceToken"}:         ClassTokenSuspect,
	{400, "DeviceTokenNotForTopic"}: ClassTokenSuspect,

	{400, "BadTopic"}:        ClassConfigBroken,
	{400, "MissingTopic"}:    ClassConfigBroken,
	{400, "TopicDisallowed"}: ClassConfigBroken,

	{400, "BadCollapseId"}:      ClassPayloadBug,
	{400, "BadExpirationDate"}:  ClassPayloadBug,
	{400, "BadMessageId"}:       ClassPayloadBug,
	{400, "BadPriority"}:        ClassPayloadBug,
	{400, "DuplicateHeaders"}:   ClassPayloadBug,
	{400, "InvalidPushType"}:    ClassPayloadBug,
	{400, "MissingDeviceToken"}: ClassPayloadBug,
	{400, "PayloadEmpty"}:       ClassPayloadBug,
	{404, "BadPath"}:            ClassPayloadBug,
	{405, "MethodNotAllowed"}:   ClassPayloadBug,

	// The sender mints a new token or dials again; what it could not mend
	// within one send is tried again later.
	{400, "IdleTimeout"}:                 ClassRetry,
	{403, "ExpiredProviderToken"}:        ClassRetry,
	{403, "UnrelatedKeyIdInToken"}:       ClassRetry,
	{429, "TooManyProviderTokenUpdates"}: ClassRetry,
	{503, "Shutdown"}:                    ClassRetry,
	{500, "InternalServerError"}:         ClassRetry,

	{403, "InvalidProviderToken"}:       ClassConfigBroken,
	{403, "MissingProviderToken"}:       ClassConfigBroken,
	{403, "BadCertificate"}:             ClassConfigBroken,
	{403, "BadCertificateEnvironment"}:  ClassConfigBroken,
	{403, "BadEnvironmentKeyIdInToken"}: ClassConfigBroken,
	{403, "Forbidden"}:                  ClassConfigBroken,
	{410, "Unregistered"}:               ClassTokenDead,
	{410, "ExpiredToken"}:               ClassTokenDead,
	{413, "PayloadTooLarge"}:            ClassTooLarge,
	{429, "TooManyRequests"}:            ClassDeviceThrottled,
	{503, "ServiceUnavailable"}:         ClassProviderDown,
}

// ClassifyAPNs sorts an APNs answer. status is 0 when there was none; reason
// is the body's "reason", empty when the body was not Apple's JSON (a proxy
// answered). Anything unknown falls to a default that harms no token.
func ClassifyAPNs(status int, reason string) Class {
	if status == http.StatusOK {
		return ClassAccepted
	}
	if c, ok := apnsClasses[answer{status, reason}]; ok {
		return c
	}
	return classByStatus(status, reason != "")
}

// fcmClasses is the table of FCM v1 error codes. The status is part of the key
// because a word in the wrong place is not the provider's answer.
var fcmClasses = map[answer]Class{
	// Ambiguous by Google's own words: the token or the message is wrong. The
	// pipeline believes "the token" only when the same shape works elsewhere.
	{400, "INVALID_ARGUMENT"}: ClassTokenSuspect,
	// The token belongs to another Firebase project: that device must
	// register again, the others are fine.
	{403, "SENDER_ID_MISMATCH"}: ClassTokenSuspect,

	{401, "THIRD_PARTY_AUTH_ERROR"}: ClassConfigBroken,
	{401, "UNAUTHENTICATED"}:        ClassConfigBroken,
	{403, "PERMISSION_DENIED"}:      ClassConfigBroken,

	{429, "QUOTA_EXCEEDED"}:     ClassProviderDown,
	{429, "RESOURCE_EXHAUSTED"}: ClassProviderDown,
	{503, "UNAVAILABLE"}:        ClassProviderDown,

	{500, "INTERNAL"}:          ClassRetry,
	{504, "DEADLINE_EXCEEDED"}: ClassRetry,
}

// ClassifyFCM sorts an FCM HTTP v1 answer. code is the FcmError detail's
// errorCode where there is one, else the error's status word; hasFcmError
// says that the detail was there. Without it a 404 is somebody's missing page
// (a proxy, a wrong project) and says nothing about the token.
func ClassifyFCM(status int, code string, hasFcmError bool) Class {
	switch {
	case status == http.StatusOK:
		return ClassAccepted
	case status == http.StatusNotFound && code == "UNREGISTERED" && hasFcmError:
		return ClassTokenDead
	case status == http.StatusNotFound:
		return ClassProviderDown
	case status == http.StatusBadRequest && code == "INVALID_ARGUMENT" && !hasFcmError:
		// The request's form was refused before FCM looked at the token.
		return ClassPayloadBug
	case code == "UNSPECIFIED" || code == "UNSPECIFIED_ERROR":
		return ClassRetry
	}
	if c, ok := fcmClasses[answer{status, code}]; ok {
		return c
	}
	return classByStatus(status, code != "")
}

// VAPIDMismatch is our word for "this subscription was made with another
// server's key", which every push service says in its own way.
const VAPIDMismatch = "vapid_mismatch"

// webPushClasses are the answers of push services that do not mean what their
// status alone says.
var webPushClasses = map[answer]Class{
	// The subscription was made with a key that is not ours: that browser must
	// subscribe again, all others are fine.
	{400, VAPIDMismatch}:         ClassTokenSuspect,
	{401, VAPIDMismatch}:         ClassTokenSuspect,
	{403, VAPIDMismatch}:         ClassTokenSuspect,
	{400, "VapidPkHashMismatch"}: ClassTokenSuspect, // Apple's own word for it
	// Apple's words for a JWT it cannot use come with 403, and sometimes 400.
	{400, "BadJwtToken"}:     ClassConfigBroken,
	{400, "ExpiredJwtToken"}: ClassConfigBroken,
}

// webPushStatuses is the table of RFC 8030 with the push services' own pages
// (Mozilla autopush, Apple "Sending web push notifications", WNS, FCM).
var webPushStatuses = map[int]Class{
	http.StatusOK:       ClassAccepted,
	http.StatusCreated:  ClassAccepted,
	http.StatusAccepted: ClassAccepted,

	http.StatusBadRequest:           ClassPayloadBug,
	http.StatusMethodNotAllowed:     ClassPayloadBug,
	http.StatusLengthRequired:       ClassPayloadBug,
	http.StatusUnsupportedMediaType: ClassPayloadBug,

	// Our VAPID key, subject or clock. No subscription is to blame.
	http.StatusUnauthorized: ClassConfigBroken,
	http.StatusForbidden:    ClassConfigBroken,

	// The subscription is over. RFC 8030 says 404 or 410, over TLS from a host
	// on the list: nobody else could have said it.
	http.StatusNotFound: ClassTokenDead,
	http.StatusGone:     ClassTokenDead,

	http.StatusRequestEntityTooLarge: ClassTooLarge,
	// The limit is the subscription's, not ours altogether (RFC 8030, 8.4).
	http.StatusTooManyRequests: ClassDeviceThrottled,
	// WNS: this channel has had too many.
	http.StatusNotAcceptable: ClassDeviceThrottled,

	http.StatusInternalServerError: ClassRetry,
	http.StatusBadGateway:          ClassProviderDown,
	http.StatusServiceUnavailable:  ClassProviderDown,
	http.StatusGatewayTimeout:      ClassRetry,
}

// ClassifyWebPush sorts a push service's answer. reason is its own word, or
// [VAPIDMismatch]; status is 0 when there was no answer. A redirect is never
// followed and means that somebody else answers there.
func ClassifyWebPush(status int, reason string) Class {
	if c, ok := webPushClasses[answer{status, reason}]; ok {
		return c
	}
	if c, ok := webPushStatuses[status]; ok {
		return c
	}
	return classByStatus(status, status >= 400 && status < 500)
}

// classByStatus is the safe reading of an answer that no table knows. named
// means the provider itself gave a reason; otherwise somebody between us may
// have answered, and that is never held against the message or the token.
func classByStatus(status int, named bool) Class {
	switch {
	case status == 0, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusInternalServerError, status == http.StatusGatewayTimeout:
		return ClassRetry
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return ClassConfigBroken
	case status == http.StatusRequestEntityTooLarge:
		return ClassTooLarge
	case status == http.StatusGone && named:
		return ClassTokenSuspect
	case status == http.StatusTooManyRequests, status >= 500, status < 400, !named:
		return ClassProviderDown
	default:
		return ClassPayloadBug
	}
}
