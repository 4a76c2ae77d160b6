package push

import "net/http"

// twilioClasses are Twilio's error codes (twilio.com/docs/api/errors), of
// answers and of status callbacks, sorted by what we must do.
var twilioClasses = map[int]Class{
	// Our account, its credentials or its number.
	10001: ClassConfigBroken, // account not active
	20003: ClassConfigBroken, // authentication
	20005: ClassConfigBroken, // account not active
	20006: ClassConfigBroken, // access denied
	20008: ClassConfigBroken, // test credentials
	20404: ClassConfigBroken, // no such account
	21210: ClassConfigBroken, // From is not verified
	21212: ClassConfigBroken, // From is no number
	21603: ClassConfigBroken, // From is missing
	21606: ClassConfigBroken, // From is not ours, or cannot send texts
	21607: ClassConfigBroken,
	21659: ClassConfigBroken,
	30002: ClassConfigBroken, // account suspended
	30034: ClassConfigBroken, // From is not registered (A2P 10DLC)
	90010: ClassConfigBroken, // account not active

	// Theirs. Only the person's own word, STOP, ends a number.
	21610: ClassTokenDead,    // unsubscribed
	21211: ClassTokenSuspect, // To is no number
	21214: ClassTokenSuspect, // cannot be reached
	21215: ClassTokenSuspect, // calls to that country are switched off
	21216: ClassTokenSuspect, // blocked
	21217: ClassTokenSuspect, // seems to be no number
	21219: ClassTokenSuspect, // not verified (a trial account)
	21265: ClassTokenSuspect,
	21408: ClassTokenSuspect, // texts to that country are switched off
	21608: ClassTokenSuspect, // not verified (a trial account)
	21612: ClassTokenSuspect, // no way from From to To
	21614: ClassTokenSuspect, // no mobile number
	21635: ClassTokenSuspect, // a landline
	30004: ClassTokenSuspect, // blocked
	30005: ClassTokenSuspect, // unknown
	30006: ClassTokenSuspect, // a landline, or out of reach
	30007: ClassTokenSuspect, // filtered by the carrier
	30003: ClassRetry,        // switched off, or out of reach
	30008: ClassRetry,        // unknown trouble of the carrier

	20429: ClassProviderDown, // too many requests: the whole account
	21611: ClassProviderDown, // From's queue is full
	30001: ClassProviderDown, // queue overflow
	20503: ClassProviderDown,

	21602: ClassPayloadBug, // no body
	21604: ClassPayloadBug, // no To
	21205: ClassPayloadBug, // our callback's address
	21609: ClassPayloadBug, // our status callback's address
	21617: ClassTooLarge,
}

// ClassifyTwilio sorts an answer of Twilio; code is its own error code, 0 when
// it gave none.
func ClassifyTwilio(status, code int) Class {
	if status >= 200 && status < 300 {
		return ClassAccepted
	}
	if c, ok := twilioClasses[code]; ok {
		return c
	}
	if status == http.StatusNotFound { // somebody else answers there
		return ClassProviderDown
	}
	return classByStatus(status, code != 0)
}

// ClassifyTwilioStatus sorts the error code of a status callback: what became
// of a message that Twilio had accepted.
func ClassifyTwilioStatus(code int) Class {
	if c, ok := twilioClasses[code]; ok {
		return c
	}
	return ClassRetry
}
