package incident

import "time"

// Status is the incident's one state.
type Status string

const (
	// Triggered: nobody has taken it yet; the plan escalates.
	Triggered Status = "triggered"
	// Acknowledged: somebody has it in hand (or it is snoozed); nobody is paged.
	Acknowledged Status = "acknowledged"
	// Resolved: over. Final: a new event opens a new incident.
	Resolved Status = "resolved"
)

// Urgency decides which of a person's notification rules apply.
type Urgency string

const (
	// High wakes people.
	High Urgency = "high"
	// Low does not.
	Low Urgency = "low"
)

// Severity is the sender's word (Events API v2).
type Severity string

// The four severities of the Events API v2, worst first.
const (
	Critical Severity = "critical"
	Error    Severity = "error"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// ActorKind sorts those who can change an incident.
type ActorKind string

const (
	// ActorUser is a person.
	ActorUser ActorKind = "user"
	// ActorIntegration is a monitoring tool, by its routing key.
	ActorIntegration ActorKind = "integration"
	// ActorSystem is Nightbell itself: a timer.
	ActorSystem ActorKind = "system"
)

// Actor is who did it, and by what way.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name,omitempty"`
	// Via is the door used: api, app, notification, event, timer, command.
	Via string `json:"via,omitempty"`
	// DeviceID is the device whose button or app was used, where known.
	DeviceID string `json:"device_id,omitempty"`
}

// System is the actor of everything the clock does.
//
//nolint:gochecknoglobals // a constant Go cannot spell
var System = Actor{Kind: ActorSystem, Name: "Nightbell", Via: "timer"}

// Timers are the moments at which the incident changes by itself. A zero time
// means the timer is void. All UTC, microsecond precision.
type Timers struct {
	// EscalateAt: go to the plan's next level. Only while triggered.
	EscalateAt time.Time
	// AckTimeoutAt: take the acknowledgement back. Only while acknowledged.
	AckTimeoutAt time.Time
	// SnoozeEndsAt: take the snooze back. Only while acknowledged.
	SnoozeEndsAt time.Time
	// AutoResolveAt: resolve by itself. Only while open.
	AutoResolveAt time.Time
}

// Next is the earliest timer that is set; ok is false when all are void.
func (t Timers) Next() (at time.Time, ok bool) {
	for _, c := range [...]time.Time{t.EscalateAt, t.AckTimeoutAt, t.SnoozeEndsAt, t.AutoResolveAt} {
		if !c.IsZero() && (at.IsZero() || c.Before(at)) {
			at = c
		}
	}
	return at, !at.IsZero()
}

// Incident is a value: transitions return a new one.
type Incident struct {
	ID string
	// Number is small, per instance and for people ("#42").
	Number        int64
	ServiceID     string
	ServiceName   string // as it was called at trigger; shown on phones
	IntegrationID string
	DedupKey      string
	Title         string
	Severity      Severity
	Urgency       Urgency
	Status        Status
	// Revision grows by one with each change; ETags and void timers hang on it.
	Revision int64
	// Assignees are the user ids being paged now, or who hold it.
	Assignees      []string
	AcknowledgedBy Actor // zero unless acknowledged
	ResolvedBy     Actor // zero unless resolved
	CreatedAt      time.Time
	UpdatedAt      time.Time
	AcknowledgedAt time.Time
	ResolvedAt     time.Time
	Timers         Timers
	// AckTimeout and AutoResolve are frozen from the service at trigger; zero is off.
	AckTimeout  time.Duration
	AutoResolve time.Duration
}

// Open reports whether the incident is not resolved.
func (i Incident) Open() bool { return i.Status != Resolved }
