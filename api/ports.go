package api

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/respond"
)

// IncidentFilter narrows a list of incidents. It lives in respond so that the
// store, which may not look at api, can speak of it too.
type IncidentFilter = respond.IncidentFilter

// Incidents reads incidents.
type Incidents interface {
	// ListIncidents gives one page, whether more follow, and where the log
	// stood before the page was read: a stream resumed there misses nothing.
	ListIncidents(ctx context.Context, f IncidentFilter) (items []incident.Incident, more bool, head realtime.Head, err error)
	Incident(ctx context.Context, id string) (incident.Incident, error)
	// Alerts gives an incident's alerts, oldest first.
	Alerts(ctx context.Context, incidentID string, limit int) ([]respond.Alert, error)
	// Timeline gives entries of one incident with Seq > after, in order.
	Timeline(ctx context.Context, incidentID string, after int64, limit int) ([]incident.Entry, error)
}

// Devices keeps the registry of phones.
type Devices interface {
	// RegisterDevice inserts, or, when the same (provider, token) is known,
	// moves it to this user and revives it. The device as stored comes back.
	RegisterDevice(ctx context.Context, d push.Device) (push.Device, error)
	// UpdateDevice saves a device of this user (token, capabilities, versions).
	UpdateDevice(ctx context.Context, d push.Device) error
	// Device is fault.NotFound unless it exists and is this user's.
	Device(ctx context.Context, userID, id string) (push.Device, error)
	Devices(ctx context.Context, userID string) ([]push.Device, error)
	RemoveDevice(ctx context.Context, userID, id string) error
	// DeviceOwner tells whose device it is; fault.NotFound if nobody's.
	DeviceOwner(ctx context.Context, id string) (userID string, err error)
}

// Deliveries reads the delivery log.
type Deliveries interface {
	// ListDeliveries gives one page, newest first, and whether more follow.
	ListDeliveries(ctx context.Context, f respond.DeliveryFilter) (items []respond.DeliveryStory, more bool, err error)
}

// Holds are the apps whose devices are not judged for now.
type Holds interface {
	Holds(ctx context.Context, now time.Time) ([]push.Hold, error)
	// Release is fault.NotFound unless the app's devices are held at now.
	Release(ctx context.Context, p push.Provider, app string, now time.Time) error
}

// Watch tests devices and says whom a page would wake.
type Watch interface {
	// Test sends a test to a device of this user, which was seen to exist.
	Test(ctx context.Context, t respond.Trial) (push.Delivery, error)
	// Pageability judges the named people, or everybody, by name.
	Pageability(ctx context.Context, userIDs ...string) ([]respond.Reachability, error)
}

// Contacts keeps people's addresses, the codes that prove them, and the order
// in which people are reached.
type Contacts interface {
	Contacts(ctx context.Context, userID string) ([]push.Device, error)
	// Contact is fault.NotFound unless it exists and is this user's.
	Contact(ctx context.Context, userID, id string) (push.Device, error)
	AddContact(ctx context.Context, d push.Device) error
	// ChangeContact locks it and saves what change makes of it; change may run twice.
	ChangeContact(ctx context.Context, userID, id string, change func(*push.Device) error) (push.Device, error)
	RemoveContact(ctx context.Context, userID, id string) error
	ContactCodes
	Rules(ctx context.Context, userID string) ([]oncall.Rule, error)
	// ReplaceRules sets all of a person's rules; those that were there keep their ids.
	ReplaceRules(ctx context.Context, userID string, rules []oncall.Rule) ([]oncall.Rule, error)
}

// ContactCodes keeps the codes that prove addresses, as hashes.
type ContactCodes interface {
	// KeepCode notes a code that is about to be sent; the one before it counts
	// no more. It refuses too many.
	KeepCode(ctx context.Context, d push.Device, hash []byte, now, expires time.Time) error
	// TryCode verifies the address if the hash is that of its code, and gives it.
	TryCode(ctx context.Context, d push.Device, hash []byte, now time.Time) (push.Device, error)
}

// Carriers are the ways out to addresses: which there are, and how an address
// is proved.
type Carriers interface {
	// Address checks an address and gives its one spelling; it refuses a method
	// that this server does not have.
	Address(method push.Provider, address string) (string, error)
	SendCode(ctx context.Context, d push.Device, code, locale string) error
	// NewSecret makes a webhook's secret: shown to its owner, sealed for the database.
	NewSecret(deviceID string) (shown, sealed string, err error)
	// Challenge asks a webhook's receiver to answer.
	Challenge(ctx context.Context, d push.Device) error
}

// Intake takes events; nil means that the event is on disk (I1).
type Intake interface {
	Ingest(ctx context.Context, e respond.Event) (respond.Receipt, error)
	IngestChange(ctx context.Context, c respond.Change) error
}

// Desk takes people's actions and their phones' receipts, and says who is on call.
type Desk interface {
	Act(ctx context.Context, cmd respond.Command) (respond.Answer, error)
	OnCall(at time.Time) []respond.ServiceOnCall
	Report(ctx context.Context, r respond.Report) ([]respond.Hearing, error)
	// ReportActivity takes the token of a Live Activity, or its end.
	ReportActivity(ctx context.Context, r respond.ActivityReport) error
	// Returned says that a device is there, and may have missed something.
	Returned(ctx context.Context, userID, deviceID string) error
}

// Sessions signs people in and out.
type Sessions interface {
	SignIn(ctx context.Context, l auth.Login) (auth.Tokens, error)
	Refresh(ctx context.Context, refresh string) (auth.Tokens, error)
	SignOut(ctx context.Context, sessionID string) error
}

// Door tells who is asking.
type Door interface {
	Authenticate(ctx context.Context, token string) (auth.Principal, error)
	VerifyAction(ctx context.Context, token string) (auth.ActionClaims, auth.Principal, error)
	User(ctx context.Context, userID string) (auth.User, error)
	// ReceiptKey is what a device reports receipts with; VerifyReceiptKey says
	// for whom it speaks.
	ReceiptKey(userID, deviceID string) string
	VerifyReceiptKey(ctx context.Context, userID, deviceID, key string) (auth.Principal, error)
}

// Identity is all that api asks of auth.
type Identity interface {
	Sessions
	Door
	// JWKS is the published keys as a JSON Web Key Set.
	JWKS() []byte
}

// WebPush is what registering a browser asks of its sender.
type WebPush interface {
	// PublicKey is what pages subscribe with, in base64url.
	PublicKey() string
	// CheckSubscription refuses, with the field, what no browser's subscription
	// can be or where this server does not push to (fault.Invalid), and gives
	// the endpoint in the spelling under which it is kept.
	CheckSubscription(endpoint string, keys push.Keys) (string, error)
}
