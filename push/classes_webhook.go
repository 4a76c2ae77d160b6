package push

import "net/http"

// webhookClasses are the statuses of receivers that mean something of their
// own. Each receiver is somebody else's program, so nothing it says is about
// our configuration or about other receivers: the lane goes on.
var webhookClasses = map[int]Class{
	0:                                ClassRetry,
	http.StatusGone:                  ClassTokenDead, // by its own word
	http.StatusRequestTimeout:        ClassRetry,
	http.StatusTooEarly:              ClassRetry,
	http.StatusTooManyRequests:       ClassDeviceThrottled,
	http.StatusRequestEntityTooLarge: ClassTooLarge,
}

// ClassifyWebhook sorts a receiver's answer; status is 0 when there was none.
// A redirect is not followed: an address that moved has to be registered anew.
func ClassifyWebhook(status int) Class {
	if c, ok := webhookClasses[status]; ok {
		return c
	}
	switch {
	case status >= 200 && status < 300:
		return ClassAccepted
	case status >= 500:
		return ClassRetry
	default:
		return ClassTokenSuspect
	}
}
