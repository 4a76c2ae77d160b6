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
)

// Provider is who carries pushes to the device.
type Provider string

// Providers.
const (
	APNs Provider = "apns"
	FCM  Provider = "fcm"
)

// TargetKind says what kind of address Token is.
type TargetKind string

const (
	// TokenTarget is an APNs device token or an FCM registration token.
	TokenTarget TargetKind = "token"
	// FIDTarget is a Firebase Installation ID, FCM's newer address.
	FIDTarget TargetKind = "fid"
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

// Capabilities is what the app last said its user and system allow.
type Capabilities struct {
	// Alerts: notifications are allowed at all.
	Alerts bool `json:"alerts"`
	// Critical: the critical-alert entitlement and the user's consent (iOS),
	// or a channel that bypasses Do Not Disturb (Android).
	Critical bool `json:"critical"`
	// TimeSensitive: the time-sensitive level is allowed (iOS).
	TimeSensitive bool `json:"time_sensitive"`
}

// Device is one installed app of one person.
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
	Capabilities Capabilities
	AppVersion   string
	OSVersion    string
	Locale       string
	CreatedAt    time.Time
	LastSeenAt   time.Time
}

// Lane is the (app, provider, environment) whose limits and troubles are its own.
type Lane struct {
	App         string
	Provider    Provider
	Environment string
}

// Lane gives the lane the device's pushes go through.
func (d Device) Lane() Lane { return Lane{d.App, d.Provider, d.Environment} }

// Kind is why we push; within a lane page goes before update before settle.
type Kind string

const (
	// Page rings.
	Page Kind = "page"
	// Update rewrites a shown page, quietly.
	Update Kind = "update"
	// Settle quiets a shown page: acknowledged, resolved or no longer theirs.
	Settle Kind = "settle"
)

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
	NotificationID string // empty for settles
	IncidentID     string
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
	// Background marks an APNs push without an alert.
	Background bool
	// Body is the APNs payload, complete JSON of at most 4096 bytes.
	Body []byte
	// Data is the FCM data map; at most 4096 bytes altogether.
	Data map[string]string
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
