package push

import "strings"

// SMTPStage is which command a mail server answered.
type SMTPStage string

// Stages of handing over one message.
const (
	SMTPConnect   SMTPStage = "connect" // greeting, EHLO, STARTTLS, AUTH
	SMTPSender    SMTPStage = "sender"  // MAIL FROM
	SMTPRecipient SMTPStage = "recipient"
	SMTPContent   SMTPStage = "content" // DATA and what follows
)

// smtpEnhanced are the enhanced codes (RFC 3463, IANA registry) that say more
// than the stage does. The first digit is the reply's own.
var smtpEnhanced = map[string]Class{
	"5.2.2":  ClassDeviceThrottled, // mailbox full: its owner may make room
	"4.2.2":  ClassDeviceThrottled,
	"5.2.3":  ClassTooLarge,
	"5.3.4":  ClassTooLarge,
	"5.7.3":  ClassConfigBroken, // not authenticated
	"5.7.8":  ClassConfigBroken, // bad credentials
	"5.7.9":  ClassConfigBroken,
	"5.7.11": ClassConfigBroken, // encryption wanted
	"5.7.14": ClassConfigBroken,
	"4.7.12": ClassConfigBroken, // a password has to be changed
}

// smtpReplies are reply codes (RFC 5321, 4954) that mean the same at each stage.
var smtpReplies = map[int]Class{
	421: ClassProviderDown,
	432: ClassConfigBroken,
	454: ClassProviderDown,
	523: ClassTooLarge,
	530: ClassConfigBroken, // authentication or STARTTLS wanted first
	534: ClassConfigBroken,
	535: ClassConfigBroken,
	538: ClassConfigBroken,
}

// smtpRefusals are what a refusal for good means by the stage it came at. No
// answer of a mail server kills an address: mailboxes come back, and a relay
// that does not know us refuses everybody.
var smtpRefusals = map[SMTPStage]Class{
	SMTPConnect:   ClassConfigBroken, // it does not serve us at all
	SMTPSender:    ClassConfigBroken, // our sender address or our account is refused
	SMTPRecipient: ClassTokenSuspect,
	SMTPContent:   ClassTokenSuspect, // taken for spam there: our use of it looks wrong
}

// ClassifySMTP sorts a mail server's reply. code is 0 when there was none;
// enhanced is its enhanced status code, empty when it gave none.
func ClassifySMTP(stage SMTPStage, code int, enhanced string) Class {
	if code >= 200 && code < 400 {
		return ClassAccepted
	}
	if c, ok := smtpEnhanced[enhanced]; ok {
		return c
	}
	if c, ok := smtpReplies[code]; ok {
		return c
	}
	switch {
	case code < 500 || code >= 600:
		return ClassRetry
	case code == 552 && stage != SMTPRecipient && !strings.HasPrefix(enhanced, "5.7."):
		return ClassTooLarge
	case code == 552 && stage == SMTPRecipient:
		return ClassDeviceThrottled
	case code <= 504 || code == 555 || strings.HasPrefix(enhanced, "5.5.") || strings.HasPrefix(enhanced, "5.6."):
		return ClassPayloadBug
	}
	return smtpRefusals[stage]
}
