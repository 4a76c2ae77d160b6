package push_test

import (
	"testing"

	"github.com/nightbell/nightbell/push"
)

func TestClassifyWebhook(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]push.Class{
		0: push.ClassRetry, 200: push.ClassAccepted, 202: push.ClassAccepted, 204: push.ClassAccepted,
		101: push.ClassTokenSuspect, 301: push.ClassTokenSuspect, 307: push.ClassTokenSuspect,
		400: push.ClassTokenSuspect, 401: push.ClassTokenSuspect, 403: push.ClassTokenSuspect, 404: push.ClassTokenSuspect, 422: push.ClassTokenSuspect,
		408: push.ClassRetry, 410: push.ClassTokenDead, 413: push.ClassTooLarge, 425: push.ClassRetry, 429: push.ClassDeviceThrottled,
		500: push.ClassRetry, 502: push.ClassRetry, 503: push.ClassRetry, 599: push.ClassRetry,
	} {
		if got := push.ClassifyWebhook(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
	for status := range 1000 {
		if got := push.ClassifyWebhook(status); got == push.ClassConfigBroken || got == push.ClassProviderDown || got == push.ClassPayloadBug {
			t.Errorf("%d is held against all receivers: %s", status, got)
		}
	}
}
