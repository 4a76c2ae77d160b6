package respond

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// Case is an incident with its frozen plan and where it stands in it: the
// aggregate that one transaction reads and writes.
type Case struct {
	Incident incident.Incident
	Plan     oncall.Plan
	Position oncall.Position
	// NextRungAt is when the earliest waiting notification is due; zero if none.
	NextRungAt time.Time
}

// DueAt is the case's one due time: the earliest of its timers and its next
// notification. ok is false when nothing will ever happen by itself.
func (c Case) DueAt() (at time.Time, ok bool) {
	at, ok = c.Incident.Timers.Next()
	if !c.NextRungAt.IsZero() && (!ok || c.NextRungAt.Before(at)) {
		return c.NextRungAt, true
	}
	return at, ok
}

// Alert is one distinct content that arrived under an incident's dedup key.
type Alert struct {
	ID            string
	IncidentID    string
	ServiceID     string
	IntegrationID string
	DedupKey      string
	// Fingerprint tells contents apart: same fingerprint, same alert row.
	Fingerprint string
	Severity    incident.Severity
	Summary     string
	Source      string
	// Payload is the event as accepted (JSON), for people and later rules.
	Payload []byte
	Count   int64
	FirstAt time.Time
	LastAt  time.Time
	// ResolvedAt is zero while open.
	ResolvedAt time.Time
}

// OpenAlert is what an integration's dedup key points at while it is open.
type OpenAlert struct {
	AlertID     string
	IncidentID  string
	Fingerprint string
}

// NotificationState is where a promise to reach a person stands.
type NotificationState string

// A notification waits, was turned into deliveries, or will never be.
const (
	NotificationScheduled  NotificationState = "scheduled"
	NotificationDispatched NotificationState = "dispatched"
	NotificationCancelled  NotificationState = "cancelled"
	NotificationExpired    NotificationState = "expired"
)

// Notification is a promise to reach one user by one method at a time.
type Notification struct {
	ID         string
	IncidentID string
	UserID     string
	RuleID     string // empty: the fallback
	Method     oncall.Method
	DeviceID   string // empty: all active devices
	Level      int
	Loop       int
	State      NotificationState
	DueAt      time.Time
	ExpiresAt  time.Time
	CreatedAt  time.Time
	// WaitsFor is the notification before this one on the person's ladder whose
	// display is awaited: DueAt is when it must have been shown. If it was, this
	// one is due at FixedAt; if not, at once. Both empty: due at DueAt.
	WaitsFor string
	FixedAt  time.Time
	// DisplayedWithin is how long those that wait for this one wait, once it is
	// dispatched.
	DisplayedWithin time.Duration
}

// ChangeEvent is something that was changed on purpose (a deployment); it is
// shown beside incidents and pages nobody.
type ChangeEvent struct {
	ID            string
	ServiceID     string
	IntegrationID string
	Summary       string
	Source        string
	At            time.Time
	Payload       []byte
	ReceivedAt    time.Time
}

// UrgencyRule turns a severity into an urgency.
type UrgencyRule string

// Urgency rules of a service.
const (
	AlwaysHigh UrgencyRule = "high"
	AlwaysLow  UrgencyRule = "low"
	// BySeverity: critical and error are high, warning and info low.
	BySeverity UrgencyRule = "severity"
)

// Service is something that breaks, and what happens then.
type Service struct {
	ID          string
	Name        string
	PolicyID    string
	Urgency     UrgencyRule
	AckTimeout  time.Duration // zero: off
	AutoResolve time.Duration // zero: off
}

// Integration is one sender's door to a service.
type Integration struct {
	ID         string
	ServiceID  string
	Name       string
	RoutingKey string // 32 characters
}

// Person is what paging needs to know of a user.
type Person struct {
	ID       string
	Name     string
	Email    string
	TimeZone string
	Locale   string
	Role     string // auth's word
	Disabled bool
	Rules    []oncall.Rule
}

// Catalog is everything configured that the paging path asks for, as one
// immutable value in memory: no query per event. Version grows with each
// change of it.
type Catalog struct {
	Version      int64
	Services     map[string]Service
	Integrations map[string]Integration // by routing key
	Policies     map[string]oncall.Policy
	Schedules    map[string]oncall.Schedule
	People       map[string]Person
	Devices      map[string][]push.Device // by user, without dead ones, oldest first
}

// Store runs functions in the group-commit writer. fn may run twice, so it
// must reset what it captured; calls with the same key run in order. Write
// returns after the commit.
type Store interface {
	Write(ctx context.Context, key string, fn func(Tx) error) error
	// Catalog is the newest snapshot known to this node; Refresh looks whether
	// another node has changed it.
	Catalog() *Catalog
	Refresh(ctx context.Context) (*Catalog, error)
}

// Tx is one transaction of the paging path. Everything written becomes visible
// together, and timeline entries are numbered in commit order.
type Tx interface {
	// Catalog as of this transaction.
	Catalog() *Catalog
	Cases
	Alerts
	Paging
	Reports
	Answers
	// Append adds timeline entries; Seq is given at commit.
	Append(entries ...incident.Entry)
	AddChange(c ChangeEvent) error
}

// Cases reads and writes incidents.
type Cases interface {
	// Case loads and locks; fault.NotFound if there is none.
	Case(incidentID string) (Case, error)
	// Open inserts a new case and gives its incident the next Number.
	Open(c *Case) error
	Save(c Case) error
}

// Alerts reads and writes alerts and open dedup keys.
type Alerts interface {
	// FindOpen tells what the key points at, ok false if it is free.
	FindOpen(integrationID, dedupKey string) (a OpenAlert, ok bool, err error)
	// AddAlert inserts a, and points its dedup key at it. When the key was free
	// and another node takes it first, it fails in a way that Write retries.
	AddAlert(a Alert) error
	// SeenAlert gives the open alert of this content under the key, if one came
	// before, and how many different contents are open under it.
	SeenAlert(integrationID, dedupKey, fingerprint string) (alertID string, distinct int, err error)
	// CountAlert notes one more identical event.
	CountAlert(alertID string, at time.Time) error
	// CloseAlerts resolves all open alerts of the incident and frees their keys.
	CloseAlerts(incidentID string, at time.Time) error
	// CloseKey resolves the alerts under one key and frees it; left is how many
	// keys of the incident are still open.
	CloseKey(integrationID, dedupKey, incidentID string, at time.Time) (left int, err error)
}

// Paging reads and writes notifications and deliveries.
type Paging interface {
	AddNotifications(n []Notification) error
	// TakeDue gives the incident's notifications due at now and marks them
	// dispatched (or expired, when their ExpiresAt has passed: State says which);
	// next is when the earliest remaining one is due, zero if none.
	TakeDue(incidentID string, now time.Time) (due []Notification, next time.Time, err error)
	// PutBack schedules a notification that TakeDue gave for another moment.
	PutBack(notificationID string, due time.Time) error
	// Await has the waiting notifications that wait for this one looked at at a
	// moment, or at their fixed one if that is earlier; next is the earliest of
	// them, zero if there are none.
	Await(incidentID, notificationID string, look time.Time) (next time.Time, err error)
	// Shown reports whether any device has displayed the notification, as its
	// receipts say: displayed, opened or acted.
	Shown(incidentID, notificationID string) (bool, error)
	// CancelPages cancels all waiting notifications, and all page deliveries
	// not yet in a final state, and returns them as they were.
	CancelPages(incidentID string, at time.Time) ([]Notification, []push.Delivery, error)
	// AddDeliveries leaves out those whose Dedup is there already.
	AddDeliveries(d []push.Delivery) error
	// TestsSince counts the tests of a device made at the moment or later.
	TestsSince(deviceID string, since time.Time) (int, error)
	// PagedDevices gives, once each, the devices that got a page of this
	// incident or may have: delivery accepted, or attempted, or in a node's
	// hands. Those settled before are among them: what they show is rewritten
	// by each change, from acknowledged to resolved.
	PagedDevices(incidentID string) ([]push.Device, error)
	// Activities gives the incident's Live Activities, also those that ended.
	Activities(incidentID string) ([]Activity, error)
	// SaveActivities inserts or replaces them.
	SaveActivities(list []Activity) error
}

// Reports reads deliveries and keeps what devices say of them.
type Reports interface {
	// FindDeliveries gives those of the deliveries that there are, by id.
	FindDeliveries(ids []string) (map[string]push.Delivery, error)
	// AddReceipts stores those that are the first of their delivery and event,
	// and gives them back; the others change nothing.
	AddReceipts(list []push.Receipt) (added []push.Receipt, err error)
	// Registered reports whether the device is registered to the user.
	Registered(userID, deviceID string) (bool, error)
	// LastConcerned gives the incident's revision when it was last reassigned and
	// when the person was last paged for it; zero for never.
	LastConcerned(incidentID, userID string) (reassigned, paged int64, err error)
	// HeardFrom notes that devices have reported; LastReport gives when one last
	// did, zero for never. Both lock them.
	HeardFrom(deviceIDs []string, at time.Time) error
	LastReport(deviceID string) (time.Time, error)
	// AcceptedAt gives when the provider took each of the deliveries it took.
	AcceptedAt(ids []string) (map[string]time.Time, error)
	// Missed gives the triggered incidents of which the device has missed the
	// page made for the user between two moments, at most n: taken by the
	// provider, but never heard of, nor quieted since, nor told of by a digest.
	Missed(userID, deviceID string, since, until time.Time, n int) ([]Missed, error)
}

// Missed is an incident that a device has not told of.
type Missed struct {
	Number   int64
	Severity incident.Severity
	Title    string
}

// Answers keeps the answers given under idempotency keys for 24 hours.
type Answers interface {
	// Answered gives the stored answer, nil if there is none.
	Answered(principal, key string, now time.Time) (answer []byte, fingerprint string, err error)
	Answer(principal, key, fingerprint string, answer []byte, now time.Time) error
}

// Timers is where due incidents are claimed; see queue.Source. The items are
// incident ids. A claim is a lease: the node that dies hands over.
type Timers interface {
	Claim(ctx context.Context, now time.Time, n int, leaseUntil time.Time) ([]string, error)
	NextDue(ctx context.Context) (at time.Time, ok bool, err error)
	// Overdue gives open incidents whose due time passed before the moment, and
	// triggered ones that will not escalate, for the auditor; at most n.
	Overdue(ctx context.Context, before time.Time, n int) ([]Overdue, error)
}

// Overdue is an incident that the auditor is worried about.
type Overdue struct {
	IncidentID string
	DueAt      time.Time // zero: nothing will ever happen by itself
	Exhausted  bool      // known: its plan is over
}

// Reach reads what speaks for and against reaching people.
type Reach interface {
	// Ways gives the devices of the people, or of everybody if none is named,
	// dead ones too, by user and oldest first, with what was sent to them since
	// they last reported.
	Ways(ctx context.Context, userIDs []string) (map[string][]push.Way, error)
}

// Pager is the push pipeline, as the desk sees it.
type Pager interface {
	// Submit hands over committed deliveries leased to this node. It never
	// blocks: what does not fit is left to its lease.
	Submit(jobs []push.Job)
	// Cancel stops pages of the incident that this node holds and has not sent,
	// unless they were made at the revision or later.
	Cancel(incidentID string, revision int64)
}
