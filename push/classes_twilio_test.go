package push_test

import (
	"testing"

	"github.com/nightbell/nightbell/push"
)

func TestClassifyTwilio(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status, code int
		want         push.Class
	}{
		{201, 0, push.ClassAccepted}, {200, 0, push.ClassAccepted},
		{401, 20003, push.ClassConfigBroken}, {401, 0, push.ClassConfigBroken}, {403, 10001, push.ClassConfigBroken}, {404, 20404, push.ClassConfigBroken},
		{400, 21606, push.ClassConfigBroken}, {404, 0, push.ClassProviderDown},
		{400, 21211, push.ClassTokenSuspect}, {400, 21614, push.ClassTokenSuspect}, {400, 21408, push.ClassTokenSuspect}, {400, 21217, push.ClassTokenSuspect},
		{400, 21610, push.ClassTokenDead},
		{429, 20429, push.ClassProviderDown}, {429, 0, push.ClassProviderDown}, {400, 21611, push.ClassProviderDown},
		{400, 21602, push.ClassPayloadBug}, {400, 21617, push.ClassTooLarge}, {400, 99999, push.ClassPayloadBug},
		{500, 0, push.ClassRetry}, {503, 0, push.ClassProviderDown}, {0, 0, push.ClassRetry},
	} {
		if got := push.ClassifyTwilio(tt.status, tt.code); got != tt.want {
			t.Errorf("%d %d: %s, want %s", tt.status, tt.code, got, tt.want)
		}
	}
	for code, want := range map[int]push.Class{
		30003: push.ClassRetry, 30005: push.ClassTokenSuspect, 30006: push.ClassTokenSuspect, 30007: push.ClassTokenSuspect, 30034: push.ClassConfigBroken, 31999: push.ClassRetry,
	} {
		if got := push.ClassifyTwilioStatus(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

// Only the person's own word, STOP, ends a number.
func TestNoCarrierKillsANumber(t *testing.T) {
	t.Parallel()
	for status := range 600 {
		for _, code := range []int{0, 20003, 21211, 21614, 30005, 30006} {
			if got := push.ClassifyTwilio(status, code); got == push.ClassTokenDead {
				t.Fatalf("%d %d kills", status, code)
			}
		}
	}
}
