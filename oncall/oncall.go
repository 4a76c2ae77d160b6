package oncall

import "time"

// TargetKind says what an escalation level points at.
type TargetKind string

const (
	// UserTarget is one person, always.
	UserTarget TargetKind = "user"
	// ScheduleTarget is whoever the schedule has on call at that moment.
	ScheduleTarget TargetKind = "schedule"
)

// Target is one thing a level points at.
type Target struct {
	Kind TargetKind `json:"kind"`
	ID   string     `json:"id"`
}

// Assignment says which of a level's targets are paged.
type Assignment string

const (
	// ToEveryone is the default: all targets at once.
	ToEveryone Assignment = ""
	// RoundRobin: one target, the next one with each incident.
	RoundRobin Assignment = "round_robin"
)

// Level is one rung of an escalation policy: its targets are paged at once, or
// take turns, and after Delay without an acknowledgement the next level is.
type Level struct {
	Targets    []Target      `json:"targets"`
	Delay      time.Duration `json:"delay"` // nanoseconds in JSON
	Assignment Assignment    `json:"assignment,omitempty"`
}

// Policy is an escalation policy as configured.
type Policy struct {
	ID     string
	Name   string
	Levels []Level
	// Loops is how many times the levels are repeated after the first pass, 0 to 9.
	Loops int
}

// Plan is a policy frozen into an incident when it opens: later edits of the
// policy do not change who an open incident goes to, while the people behind
// its schedules are looked up at each escalation.
type Plan struct {
	PolicyID   string  `json:"policy_id,omitempty"`
	PolicyName string  `json:"policy_name,omitempty"`
	Levels     []Level `json:"levels"`
	Loops      int     `json:"loops"`
	// Turn counts the policy's incidents, from 0: which target of a
	// [RoundRobin] level this one goes to.
	Turn int `json:"turn,omitempty"`
}

// Position is where in its plan an incident stands. Zero is "not started".
type Position struct {
	// Level and Loop count from 1; 0 means not started.
	Level     int  `json:"level"`
	Loop      int  `json:"loop"`
	Exhausted bool `json:"exhausted,omitempty"`
}

// Roster answers who is there at a moment. The catalogue implements it.
type Roster interface {
	// OnCall gives the user ids that a schedule has on call at t, in a stable
	// order; none when nobody is, or the schedule no longer exists.
	OnCall(scheduleID string, t time.Time) []string
	// Reachable reports whether the user exists and may be paged (not disabled).
	Reachable(userID string) bool
}

// Skip is a level passed over because nobody was there.
type Skip struct {
	Level int
	Loop  int
}

// Step is the outcome of taking the plan one level on.
type Step struct {
	Position Position
	// Users are the people to page now, each once. Empty only when Exhausted.
	Users []string
	// Skipped are the empty levels passed over on the way, in order.
	Skipped []Skip
	// NextAt is when to go on, absent an acknowledgement; zero when Exhausted
	// and there is nothing to wait for. The last level of the last loop also
	// waits its delay, then the step after it is Exhausted with no users.
	NextAt time.Time
}

// Schedule says who is on call when, in one of two ways: as Layers, a later
// one covering the ones below it wherever it has somebody on call (one person
// at a time), or as Rotations, whose shifts all count (several people at once).
// Overrides lie above either.
type Schedule struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// TimeZone is an IANA name; hand-offs are wall-clock times in it.
	TimeZone  string     `json:"time_zone"`
	Layers    []Layer    `json:"layers"`
	Rotations []Rotation `json:"rotations,omitempty"`
	Overrides []Override `json:"overrides,omitempty"`
}

// TurnUnit is the calendar unit of a rotation's turn.
type TurnUnit string

// Units of turns. Days and weeks are calendar units: a hand-off at 09:00
// stays at 09:00 over daylight-saving changes. Hours are elapsed time.
const (
	Hours TurnUnit = "hours"
	Days  TurnUnit = "days"
	Weeks TurnUnit = "weeks"
)

// Layer is one rotation.
type Layer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Users take turns in this order.
	Users []string `json:"users"`
	// Start is the first hand-off: the first user's turn begins then, and its
	// wall-clock time in the schedule's zone is the hand-off time of all turns.
	// Nobody is on call in the layer before it.
	Start time.Time `json:"start"`
	// Until ends the layer; zero means never.
	Until time.Time `json:"until,omitzero"`
	// Turn is how long each turn lasts, in Unit. At least 1.
	Turn int      `json:"turn"`
	Unit TurnUnit `json:"unit"`
	// Restrictions are the hours in which the layer counts, all of them
	// together; none means always. Outside them nobody is on call in the layer,
	// and the one below shows through. Turns go on meanwhile.
	Restrictions []Restriction `json:"restrictions,omitempty"`
}

// Shift is one person's stretch on call.
type Shift struct {
	UserID string    `json:"user_id"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to,omitzero"` // zero: open-ended
	// OverrideID is the override that put the person there, empty for none.
	OverrideID string `json:"override_id,omitempty"`
}

// Method is a way to reach a person.
type Method string

// Methods of notification rules.
const (
	// Push reaches the person's registered apps and browsers.
	Push Method = "push"
	// Email, Webhook, SMS and Voice reach an address of the person.
	Email   Method = "email"
	Webhook Method = "webhook"
	SMS     Method = "sms"
	Voice   Method = "voice"
)

// Methods are all of them, the loudest first: the order in which they are
// tried where no rule says otherwise.
func Methods() []Method { return []Method{Push, Voice, SMS, Email, Webhook} }

// Rule is one of a person's notification rules: after Delay from the moment
// the level begins, reach me by Method. Urgency is "high" or "low".
type Rule struct {
	ID      string        `json:"id"`
	Urgency string        `json:"urgency"`
	Method  Method        `json:"method"`
	Delay   time.Duration `json:"delay"`
	// DeviceID narrows Push to one device; empty means all active ones.
	DeviceID string `json:"device_id,omitempty"`
	// DisplayedWithin, if set, says: when no device has displayed this within
	// so long, go on to the next rule now instead of waiting for its delay.
	DisplayedWithin time.Duration `json:"displayed_within,omitempty"`
}

// Rung is a rule with its moment.
type Rung struct {
	RuleID   string // empty for the fallback "all devices at once"
	Method   Method
	DeviceID string
	At       time.Time
	// DisplayedWithin is the rule's.
	DisplayedWithin time.Duration
	// After is the rung, counted from 1, that this one waits for: if that is not
	// displayed within its DisplayedWithin of being sent, this one comes at once
	// instead of at At. 0: it waits for none. See [Ladder].
	After int
}
