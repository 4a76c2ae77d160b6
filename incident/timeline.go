package incident

import "time"

// EntryType is the timeline's word for what happened. The words of delivery
// are deliberately many (I10): each says exactly what is known and no more.
type EntryType string

// What happened to the incident. Entries of these types carry a Snapshot.
const (
	EntryTriggered      EntryType = "incident.triggered"
	EntryAcknowledged   EntryType = "incident.acknowledged"
	EntryUnacknowledged EntryType = "incident.unacknowledged" // by a person, ack timeout or snooze end (Detail.Reason)
	EntryResolved       EntryType = "incident.resolved"
	EntryEscalated      EntryType = "incident.escalated"
	EntryReassigned     EntryType = "incident.reassigned"
	EntrySnoozed        EntryType = "incident.snoozed"
	EntryAnnotated      EntryType = "incident.annotated"
	// EntryExhausted: the plan is over and nobody acknowledged.
	EntryExhausted EntryType = "incident.exhausted"
	// EntryLevelSkipped: nobody was on call at a level; the next was taken at once.
	EntryLevelSkipped EntryType = "incident.level_skipped"
	// EntryAlertAdded: an event under the same key brought different content.
	EntryAlertAdded EntryType = "incident.alert_added"
	// EntryWarning: paging went on, but not as configured (no usable rule or device).
	EntryWarning EntryType = "incident.warning"
)

// What happened to one page on its way to one person or device.
const (
	EntryScheduled EntryType = "notification.scheduled" // promised for a time
	EntrySent      EntryType = "notification.sent"      // handed to the provider's connection
	EntryAccepted  EntryType = "notification.accepted"  // the provider said yes; says nothing about the phone
	EntryReceived  EntryType = "notification.received"  // the device reported it
	EntryDisplayed EntryType = "notification.displayed"
	EntryOpened    EntryType = "notification.opened"
	EntryActed     EntryType = "notification.acted" // a button was used
	EntryFailed    EntryType = "notification.failed"
	EntryRetrying  EntryType = "notification.retrying"
	EntryExpired   EntryType = "notification.expired"
	EntryCancelled EntryType = "notification.cancelled"
)

// Entry is one row of the timeline, which is also the log every reader follows.
type Entry struct {
	// Seq is given by the store at commit, gap-free and in commit order (I7).
	Seq        int64     `json:"seq"`
	IncidentID string    `json:"incident_id"`
	Revision   int64     `json:"revision"`
	Type       EntryType `json:"type"`
	At         time.Time `json:"at"`
	Actor      Actor     `json:"actor"`
	// Incident holds absolute values after the change, on incident.* entries.
	Incident *Snapshot `json:"incident,omitempty"`
	Detail   Detail    `json:"detail"`
}

// Detail is what an entry's type adds. Fields that do not apply are empty.
type Detail struct {
	// Reason is a stable word or short sentence: timeout, snooze_end, manual, nobody_on_call, …
	Reason string `json:"reason,omitempty"`
	// Text is a person's note, or a warning's sentence.
	Text string `json:"text,omitempty"`
	// Level and Loop are 1-based positions in the escalation plan.
	Level int `json:"level,omitempty"`
	Loop  int `json:"loop,omitempty"`
	// Users are the people concerned: newly paged, assigned.
	Users []string   `json:"users,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// AlertID, Summary and Severity belong to alert_added.
	AlertID  string   `json:"alert_id,omitempty"`
	Summary  string   `json:"summary,omitempty"`
	Severity Severity `json:"severity,omitempty"`
	// The rest belongs to notification.* entries.
	NotificationID string `json:"notification_id,omitempty"`
	DeliveryID     string `json:"delivery_id,omitempty"`
	Kind           string `json:"kind,omitempty"` // page, update, settle, activity
	UserID         string `json:"user_id,omitempty"`
	DeviceID       string `json:"device_id,omitempty"`
	Method         string `json:"method,omitempty"`
	Provider       string `json:"provider,omitempty"`
	ProviderID     string `json:"provider_id,omitempty"`
	Class          string `json:"class,omitempty"`
	Attempt        int    `json:"attempt,omitempty"`
	// KnockLevel is how hard the push knocked: critical, time-sensitive, active,
	// passive or silent. Downgrade says why not as hard as it should.
	KnockLevel string `json:"knock_level,omitempty"`
	Downgrade  string `json:"downgrade,omitempty"`
	LatencyMS  int64  `json:"latency_ms,omitempty"`
	// DeviceAt is when it happened by the device's own clock; Entry.At is when we
	// heard of it. ClockOff: the device's clock cannot be right.
	DeviceAt *time.Time `json:"device_at,omitempty"`
	ClockOff bool       `json:"clock_off,omitempty"`
}

// Snapshot is the incident as clients see it: absolute values, so seeing it
// twice is harmless. openapi.yaml's Incident is the same shape.
type Snapshot struct {
	ID             string     `json:"id"`
	Number         int64      `json:"number"`
	Title          string     `json:"title"`
	Status         Status     `json:"status"`
	Urgency        Urgency    `json:"urgency"`
	Severity       Severity   `json:"severity"`
	Revision       int64      `json:"revision"`
	ServiceID      string     `json:"service_id"`
	ServiceName    string     `json:"service_name"`
	DedupKey       string     `json:"dedup_key,omitempty"`
	Assignees      []string   `json:"assignees"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
	AcknowledgedAt *time.Time `json:"acknowledged_at,omitempty"`
	AcknowledgedBy *Actor     `json:"acknowledged_by,omitempty"`
	SnoozedUntil   *time.Time `json:"snoozed_until,omitempty"`
	ResolvedAt     *time.Time `json:"resolved_at,omitempty"`
	ResolvedBy     *Actor     `json:"resolved_by,omitempty"`
}

// Snapshot renders the incident for readers.
func (i Incident) Snapshot() *Snapshot {
	s := &Snapshot{
		ID: i.ID, Number: i.Number, Title: i.Title, Status: i.Status, Urgency: i.Urgency,
		Severity: i.Severity, Revision: i.Revision, ServiceID: i.ServiceID, ServiceName: i.ServiceName,
		DedupKey: i.DedupKey, Assignees: i.Assignees, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
		AcknowledgedAt: optional(i.AcknowledgedAt), ResolvedAt: optional(i.ResolvedAt),
		SnoozedUntil: optional(i.Timers.SnoozeEndsAt),
	}
	if s.Assignees == nil {
		s.Assignees = []string{}
	}
	if i.AcknowledgedBy != (Actor{}) {
		by := i.AcknowledgedBy
		s.AcknowledgedBy = &by
	}
	if i.ResolvedBy != (Actor{}) {
		by := i.ResolvedBy
		s.ResolvedBy = &by
	}
	return s
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
