package push_test

import (
	"testing"

	"github.com/nightbell/nightbell/push"
)

func TestClassifySMTP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stage    push.SMTPStage
		code     int
		enhanced string
		want     push.Class
	}{
		{push.SMTPContent, 250, "2.0.0", push.ClassAccepted},
		{push.SMTPContent, 0, "", push.ClassRetry},
		{push.SMTPConnect, 421, "", push.ClassProviderDown},
		{push.SMTPContent, 421, "4.3.2", push.ClassProviderDown},
		{push.SMTPConnect, 454, "4.7.0", push.ClassProviderDown},
		{push.SMTPConnect, 530, "5.7.0", push.ClassConfigBroken},
		{push.SMTPConnect, 534, "5.7.9", push.ClassConfigBroken},
		{push.SMTPConnect, 535, "5.7.8", push.ClassConfigBroken},
		{push.SMTPConnect, 535, "", push.ClassConfigBroken},
		{push.SMTPConnect, 554, "", push.ClassConfigBroken},
		{push.SMTPSender, 530, "", push.ClassConfigBroken},
		{push.SMTPSender, 550, "5.7.1", push.ClassConfigBroken},
		{push.SMTPSender, 553, "5.1.8", push.ClassConfigBroken},
		{push.SMTPSender, 552, "5.3.4", push.ClassTooLarge},
		{push.SMTPSender, 451, "", push.ClassRetry},
		{push.SMTPRecipient, 450, "4.2.0", push.ClassRetry}, // greylisted
		{push.SMTPRecipient, 451, "4.7.1", push.ClassRetry},
		{push.SMTPRecipient, 452, "4.2.2", push.ClassDeviceThrottled},
		{push.SMTPRecipient, 552, "5.2.2", push.ClassDeviceThrottled},
		{push.SMTPRecipient, 552, "", push.ClassDeviceThrottled},
		{push.SMTPRecipient, 550, "5.1.1", push.ClassTokenSuspect},
		{push.SMTPRecipient, 550, "", push.ClassTokenSuspect},
		{push.SMTPRecipient, 550, "5.7.1", push.ClassTokenSuspect},
		{push.SMTPRecipient, 551, "", push.ClassTokenSuspect},
		{push.SMTPRecipient, 553, "5.1.3", push.ClassTokenSuspect},
		{push.SMTPRecipient, 556, "5.1.10", push.ClassTokenSuspect},
		{push.SMTPRecipient, 501, "5.5.4", push.ClassPayloadBug},
		{push.SMTPContent, 552, "", push.ClassTooLarge},
		{push.SMTPContent, 523, "", push.ClassTooLarge},
		{push.SMTPContent, 554, "5.7.1", push.ClassTokenSuspect},
		{push.SMTPContent, 554, "5.6.0", push.ClassPayloadBug},
		{push.SMTPContent, 503, "", push.ClassPayloadBug},
		{push.SMTPContent, 999, "", push.ClassRetry},
	} {
		if got := push.ClassifySMTP(tt.stage, tt.code, tt.enhanced); got != tt.want {
			t.Errorf("%s %d %s: %s, want %s", tt.stage, tt.code, tt.enhanced, got, tt.want)
		}
	}
}

// Whatever a mail server says, an address is never taken for dead.
func TestNoMailServerKillsAnAddress(t *testing.T) {
	t.Parallel()
	for _, stage := range []push.SMTPStage{push.SMTPConnect, push.SMTPSender, push.SMTPRecipient, push.SMTPContent} {
		for code := range 1000 {
			for _, enhanced := range []string{"", "5.1.1", "5.2.1", "5.1.6", "5.7.13"} {
				if got := push.ClassifySMTP(stage, code, enhanced); got == push.ClassTokenDead || got == "" {
					t.Fatalf("%s %d %s: %q", stage, code, enhanced, got)
				}
			}
		}
	}
}
