package push

import (
	"time"

	"github.com/nightbell/nightbell/incident"
)

// Class is what a provider's answer means for us.
type Class string

const (
	// ClassAccepted: the provider took it.
	ClassAccepted Class = "accepted"
	// ClassRetry: trouble on the way; try again after RetryAfter or by our own backoff.
	ClassRetry Class = "retry"
	// ClassDeviceThrottled: this one device is flooded; wait, the lane is fine.
	ClassDeviceThrottled Class = "device_throttled"
	// ClassTokenDead: the provider says the token is gone since Since.
	ClassTokenDead Class = "token_dead"
	// ClassTokenSuspect: the token, or our use of it, looks wrong.
	ClassTokenSuspect Class = "token_suspect"
	// ClassPayloadBug: our message is malformed; never retried, alarmed.
	ClassPayloadBug Class = "payload_bug"
	// ClassTooLarge: rebuild smaller, resend once.
	ClassTooLarge Class = "too_large"
	// ClassConfigBroken: key, topic or project is wrong; the lane waits, no token is touched.
	ClassConfigBroken Class = "config_broken"
	// ClassProviderDown: the provider answers but cannot serve; lane-wide backoff.
	ClassProviderDown Class = "provider_down"
	// ClassCut: our own shutdown cut the send short; costs no attempt.
	ClassCut Class = "cut"
)

// Result is a provider's answer, sorted.
type Result struct {
	Class Class
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Reason is the provider's own word (BadDeviceToken, UNREGISTERED, …) or
	// a short one of ours (timeout, connection_lost).
	Reason string
	// ProviderID is the provider's name for the accepted message.
	ProviderID string
	// Since is when the token stopped being valid (APNs 410 timestamp); zero
	// when the provider did not say.
	Since time.Time
	// RetryAfter is the provider's own wish; zero when it did not say.
	RetryAfter time.Duration
}

// Outcome is what became of one claimed delivery, to be recorded.
type Outcome struct {
	Job Job
	// SentAt is when the message was handed to the sender; zero when it never
	// was: expired, no longer wanted, or put off because its lane is closed.
	SentAt time.Time
	DoneAt time.Time
	// Result is the provider's answer; zero when nothing was sent.
	Result Result
	// Final is the state the pipeline decided on: Accepted, Failed, Expired,
	// Cancelled, or Scheduled with RetryAt set.
	Final DeliveryState
	// RetryAt is when the pipeline wants to try again; zero means no more. With
	// ClassTokenDead and ClassTokenSuspect it is only used when the device has
	// registered again meanwhile, so that the answer was about the past.
	RetryAt time.Time
	// Why is our own sentence for people, where the provider's word does not
	// say it all: why it is not tried again, or why it was not sent.
	Why string
	// Level and Downgrade are the message's own, see [Message].
	Level     string
	Downgrade string
	// Elsewhere is the other environment, where the sender serves the device's
	// app there too and the answer was that the token is not of this one.
	Elsewhere string
	// Proven is the store's word that the provider has taken a push for the
	// token in its environment since it was registered.
	Proven bool
}

// counts reports whether the outcome costs the delivery an attempt: only a
// send that ran its course and was about this delivery.
func (o Outcome) counts() bool {
	return !o.SentAt.IsZero() && o.Result.Class != ClassCut && o.Result.Class != ClassConfigBroken
}

// Verdict is what an outcome does to the rows it concerns.
type Verdict struct {
	Delivery Delivery
	// DeviceState is the device's new state, empty for no change.
	DeviceState  DeviceState
	DeviceReason string
	// Environment is the device's new one, empty for no change.
	Environment string
	// Evidence is what the device's state rests on from now on; nil for no change.
	Evidence *Evidence
	// Why is for people, where the verdict on the device explains what becomes
	// of the delivery.
	Why     string
	Entries []incident.Entry
	// EndActivity: the delivery's Live Activity is gone from the phone.
	EndActivity bool
	// FollowUp is a settle that became necessary because the page was
	// cancelled while it was already on its way; nil otherwise. Its ID is empty:
	// the store mints one.
	FollowUp *Delivery
}
