package push

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// Platform is what the device runs.
type Platform string

// Platforms.
const (
	IOS     Platform = "ios"
	Android Platform = "android"
	// Web is a browser, or a web app installed from one.
	Web Platform = "web"
	// The rest are addresses of a person instead of installed apps.
	Mail    Platform = "email"
	Hook    Platform = "webhook"
	TextTo  Platform = "sms"
	VoiceTo Platform = "voice"
)

// Provider is who carries pushes to the device.
type Provider string

// Providers.
const (
	APNs    Provider = "apns"
	FCM     Provider = "fcm"
	WebPush Provider = "webpush"
	Email   Provider = "email"
	Webhook Provider = "webhook"
	SMS     Provider = "sms"
	Voice   Provider = "voice"
)

// TargetKind says what kind of address Token is.
type TargetKind string

const (
	// TokenTarget is an APNs device token or an FCM registration token.
	TokenTarget TargetKind = "token"
	// FIDTarget is a Firebase Installation ID, FCM's newer address.
	FIDTarget TargetKind = "fid"
	// EndpointTarget is a Web Push subscription's URL.
	EndpointTarget TargetKind = "endpoint"
	// AddressTarget is an e-mail address, a webhook's URL or a telephone number.
	// Unlike a token it may belong to several people.
	AddressTarget TargetKind = "address"
)

// DeviceState is what we believe of the device's token.
type DeviceState string

const (
	// DeviceActive: pushes go there.
	DeviceActive DeviceState = "active"
	// DeviceSuspect: the provider said something that may mean the token is
	// bad, or that we are; still tried, but shown as doubtful.
	DeviceSuspect DeviceState = "suspect"
	// DeviceDead: proven gone (I8). Only a new registration revives it.
	DeviceDead DeviceState = "dead"
)

// Keys are a device's own keys, in unpadded base64url; none of them opens
// anything on this server.
type Keys struct {
	// P256DH and Auth are a Web Push subscription's public key and shared secret
	// (RFC 8291).
	P256DH string `json:"p256dh,omitempty"`
	Auth   string `json:"auth,omitempty"`
	// Seal is the public key to which the texts of a sealed app are encrypted.
	Seal string `json:"seal,omitempty"`
	// Secret signs what a webhook gets; it is sealed at rest. Former, the one
	// before it, signs too until FormerUntil, so that a receiver has the time to
	// take over the new one.
	Secret      string    `json:"secret,omitempty"`
	Former      string    `json:"former,omitempty"`
	FormerUntil time.Time `json:"former_until,omitzero"`
}

// LiveActivity is how an iPhone takes Live Activities.
type LiveActivity struct {
	// StartToken is the app's push-to-start token (iOS 17.2); empty: none.
	StartToken string `json:"start_token,omitempty"`
	// Frequent: the person allows frequent updates.
	Frequent bool `json:"frequent,omitempty"`
}

// Device is one way to a person: an installed app, a browser, or an address.
type Device struct {
	ID       string
	UserID   string
	Name     string
	Platform Platform
	Provider Provider
	// App names the configured push app (credentials, topic or project).
	App string
	// Environment is "production" or "sandbox"; FCM has only production.
	Environment string
	TargetKind  TargetKind
	// Token is the provider's address: lower-case hex for APNs.
	Token string
	// RegisteredAt is when the app last presented this token; a provider's
	// "gone" only counts when it is newer (I8).
	RegisteredAt time.Time
	State        DeviceState
	StateReason  string
	StateAt      time.Time
	// Evidence is what the provider said of the token since it was registered.
	Evidence     Evidence
	Capabilities Capabilities
	AppVersion   string
	OSVersion    string
	Locale       string
	CreatedAt    time.Time
	LastSeenAt   time.Time
	Keys         Keys
	LiveActivity LiveActivity
	// LastReceiptAt is when the device last reported what became of a push.
	LastReceiptAt time.Time
	// VerifiedAt is when the owner of an address proved to be its owner; an
	// unverified address is not used for pages. Devices with a token need none.
	VerifiedAt time.Time
}

// Lane is the (app, provider, environment) whose limits and troubles are its own.
type Lane struct {
	App         string
	Provider    Provider
	Environment string
}

// Lane gives the lane the device's pushes go through. Web Push is not one
// provider but one for each maker of browsers, so there the service takes the
// place of the environment. FCM hands pushes for iPhones and browsers on to
// others, with keys of their own: their trouble is not the Android phones'.
func (d Device) Lane() Lane {
	switch {
	case d.Provider == WebPush:
		return Lane{d.App, d.Provider, webPushService(d.Token)}
	case d.Provider == Webhook:
		return Lane{d.App, d.Provider, hookLane(d.Token)}
	case d.Provider == FCM && d.Platform != Android && d.Platform != "":
		return Lane{d.App, d.Provider, d.Environment + "/" + string(d.Platform)}
	}
	return Lane{d.App, d.Provider, d.Environment}
}

// Kind is why we push; within a lane page goes before update before settle.
type Kind string

const (
	// Page rings.
	Page Kind = "page"
	// Update rewrites a shown page, quietly.
	Update Kind = "update"
	// Settle quiets a shown page: acknowledged, resolved or no longer theirs.
	Settle Kind = "settle"
	// Activity starts, updates or ends a Live Activity.
	Activity Kind = "activity"
	// Digest tells of several open incidents at once, to a phone that was off.
	Digest Kind = "digest"
	// Test shows somebody that their phone rings.
	Test Kind = "test"
	// Notice tells a person something about themselves: a shift, or that they
	// cannot be paged.
	Notice Kind = "notice"
	// Probe is a silent test that only asks for a receipt.
	Probe Kind = "probe"
)

// Topics of notices.
const (
	TopicShiftStarts = "shift_starts"
	TopicShiftEnds   = "shift_ends"
	TopicUnpageable  = "unpageable"
)

// TopicEscalated marks the settle of a page whose level is over: others are
// asked now, and its buttons still work.
const TopicEscalated = "escalated"

// About is what a delivery says where no incident says it.
type About struct {
	// Topic tells notices apart: shift_starts, shift_ends, unpageable, …; and
	// settles: [TopicEscalated].
	Topic string `json:"topic,omitempty"`
	// Loud: a test that rings like a page, or a change of a Live Activity that
	// is worth its small budget of prompt ones.
	Loud bool `json:"loud,omitempty"`
	// Event is what a Live Activity is told: start, update or end. Of an end, At
	// is when the screen forgets it.
	Event string `json:"event,omitempty"`
	// Who and What name the person and the schedule a notice is about.
	Who  string    `json:"who,omitempty"`
	What string    `json:"what,omitempty"`
	At   time.Time `json:"at,omitzero"`
	// Count and Lines are a digest's incidents: how many, and the worst of them.
	Count int      `json:"count,omitempty"`
	Lines []string `json:"lines,omitempty"`
}

// DeliveryState is where a delivery stands.
type DeliveryState string

const (
	// Scheduled: due at DueAt; or, with a lease, in some node's hands.
	Scheduled DeliveryState = "scheduled"
	// Accepted: the provider took it. Final.
	Accepted DeliveryState = "accepted"
	// Failed: will not be tried again. Final.
	Failed DeliveryState = "failed"
	// Expired: its time ran out before a provider took it. Final.
	Expired DeliveryState = "expired"
	// Cancelled: no longer wanted before it left. Final.
	Cancelled DeliveryState = "cancelled"
)

// Delivery is one push on its way to one device.
type Delivery struct {
	// ID is also the apns-id (as UUID) and the FCM data field delivery_id (I4).
	ID             string
	Kind           Kind
	NotificationID string // empty for what no notification asked for
	IncidentID     string // empty for what is about no incident
	// Revision is the incident's when the delivery was made.
	Revision int64
	UserID   string
	DeviceID string
	State    DeliveryState
	DueAt    time.Time
	// ExpiresAt comes from the escalation step: a page nobody waits for is not sent.
	ExpiresAt  time.Time
	LeaseUntil time.Time
	LeaseNode  string
	// Attempt counts completed sends; work cut short by a shutdown costs none.
	Attempt   int
	CreatedAt time.Time
	// About is what it says where no incident does; nil for most.
	About *About
	// Dedup, where not empty, names the only delivery there may ever be of it:
	// a second one under the same name is not inserted.
	Dedup string
}

// Content is what the notification says: the incident as of sending.
type Content struct {
	Number int64
	// Revision is the incident's as of this content; zero means the delivery's.
	Revision    int64
	Title       string
	ServiceName string
	Severity    incident.Severity
	Urgency     incident.Urgency
	Status      incident.Status
	// By is who acknowledged or resolved, for settles.
	By        string
	ChangedAt time.Time // when Status was reached
	// Reassigned: the page is settled because it is no longer this person's.
	Reassigned bool
	// Theirs: the person is one of its assignees.
	Theirs bool
	// StaleAt is when the incident next changes by itself; zero if never.
	StaleAt time.Time
	// Locale is the person's language (BCP 47); the device's goes before it.
	Locale string
	// TimeZone is the person's, an IANA name; times on the phone are written in
	// it. Empty or unknown: UTC, and the text says so.
	TimeZone string
}

// Job is a claimed delivery with all a sender needs.
type Job struct {
	Delivery Delivery
	Device   Device
	Content  Content
	// Held: a node had it before and ended without saying what became of it, so
	// it may have been sent already.
	Held bool
	// ActivityToken is the Live Activity's own; empty while it has told none.
	ActivityToken string
}

// escalatedAway reports whether the job settles a page whose level is over.
func (j *Job) escalatedAway() bool {
	about := j.Delivery.About
	return j.Delivery.Kind == Settle && about != nil && about.Topic == TopicEscalated && j.Content.Status == incident.Triggered
}

// revision is the incident's that the job knows of.
func (j *Job) revision() int64 { return max(j.Delivery.Revision, j.Content.Revision) }

// Message is a composed push, ready for one provider.
type Message struct {
	DeliveryID string
	// UUID is DeliveryID as a lower-case UUID.
	UUID        string
	Kind        Kind
	App         string
	Environment string
	TargetKind  TargetKind
	Token       string
	// High asks for immediate, waking delivery; settles never set it.
	High bool
	// CollapseID replaces a shown notification with the same id; at most 64 bytes.
	CollapseID string
	ExpiresAt  time.Time
	// PushType is Apple's, where it is neither alert nor background; the topic's
	// ending follows from it. Priority goes before what High says; 0 leaves it.
	PushType string
	Priority int
	// Background marks an APNs push without an alert.
	Background bool
	// Body is the APNs payload, complete JSON of at most 4096 bytes, or Web
	// Push's plaintext of at most 3993.
	Body []byte
	// Data is the FCM data map; at most 4096 bytes altogether.
	Data map[string]string
	// Level is how hard it knocks on this device; Downgrade says why not as hard
	// as the incident asks for, and is empty when it does. For the delivery log.
	Level     string
	Downgrade string
	// Letter is what an address gets; nil for apps and browsers.
	Letter *Letter
	// Keys are the device's: Web Push encrypts to them, webhooks are signed by them.
	Keys Keys
}

// Sender hands one message to one provider and says what came of it. It does
// not retry; ctx carries the deadline.
type Sender interface {
	Send(ctx context.Context, m Message) Result
}

// Action is what a notification's button may do, once, for one person.
type Action struct {
	Name       string // "acknowledge" or "resolve"
	IncidentID string
	DeliveryID string
	UserID     string
	DeviceID   string
	ExpiresAt  time.Time
}

// Signer makes the sealed token behind a button.
type Signer interface {
	SignAction(a Action) (string, error)
}

// Store is what the pipeline needs from the database.
type Store interface {
	// Claim, NextDue: deliveries due, see queue.Source.
	Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]Job, error)
	NextDue(ctx context.Context) (at time.Time, ok bool, err error)
	// Record applies outcomes in one transaction by way of [Outcome.Apply]:
	// delivery rows, device states, timeline entries and follow-ups.
	Record(ctx context.Context, outcomes []Outcome) error
	// Release gives claimed deliveries back, due now, with no attempt counted.
	Release(ctx context.Context, deliveryIDs []string) error
}
