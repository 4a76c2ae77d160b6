package setup

import (
	"strings"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/respond"
)

// File is a setup file as read: well formed, with its references still names.
// A zero field was left out: what exists keeps what it has, what is new gets
// the default.
type File struct {
	Users        []User
	Schedules    []Schedule
	Policies     []Policy
	Services     []Service
	Integrations []Integration
}

// User is a person. Known by Email, lower-case. At most one of the three
// password fields is set.
type User struct {
	Name     string
	Email    string
	Role     auth.Role // default responder
	TimeZone string    // default UTC
	Locale   string    // default en
	Password string
	// PasswordFile names a file whose first line is the password; see
	// [File.ReadPasswords].
	PasswordFile string
	PasswordHash string // argon2id PHC string
	Disabled     *bool
	// Rules are nil when left out (default for a new person: push at once),
	// empty when the file says there are none. Their ids are empty.
	Rules []oncall.Rule
	// Contacts are addresses the person gets; those they have stay.
	Contacts []Contact

	at place
}

// Schedule is one rotation, or several as layers. Known by Name.
type Schedule struct {
	Name     string
	TimeZone string // default UTC
	// At most one of the two is given. Layers are bottom first; nil when left
	// out.
	Rotation *Rotation
	Layers   []Layer

	at place
}

// Layer is a rotation among others. Known by Name within its schedule.
type Layer struct {
	Name string
	Rotation
	// Until is read as Start is; zero is never.
	Until        time.Time
	UntilLocal   bool
	Restrictions []oncall.Restriction
}

// Rotation is who takes turns: see [oncall.Layer].
type Rotation struct {
	// Start is read in the schedule's zone when it was written without offset
	// (Local); then only its wall clock counts.
	Start time.Time
	Local bool
	Turn  int
	Unit  oncall.TurnUnit
	Users []Ref

	at place
}

// Policy is an escalation policy. Known by Name.
type Policy struct {
	Name   string
	Loops  *int
	Levels []Level

	at place
}

// Level is one rung of a policy.
type Level struct {
	Delay   time.Duration
	Targets []Target

	at place
}

// Target points at a user by e-mail or a schedule by name.
type Target struct {
	Kind oncall.TargetKind
	Ref
}

// Service is something that breaks. Known by Name.
type Service struct {
	Name        string
	Policy      Ref                 // required for a new service
	Urgency     respond.UrgencyRule // default high
	AckTimeout  *time.Duration      // zero: off
	AutoResolve *time.Duration      // zero: off

	at place
}

// Integration is a door for one sender. Known by its service and its Name.
type Integration struct {
	Name    string
	Service Ref
	// RoutingKey is made up for a new integration when it is empty.
	RoutingKey string

	at place
}

// Ref is a reference by name, or by e-mail for users.
type Ref struct {
	Name string

	at place
}

// NameKey is what a name is known by: case and outer space do not count.
// Stores keep it beside the name to refuse a second one.
func NameKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (i Integration) key() string { return NameKey(i.Service.Name) + "\x00" + NameKey(i.Name) }

// checkTwice reports names that appear twice, and routing keys too.
func (f File) checkTwice(problems *Problems) {
	users := seen{problems: problems, what: "user"}
	for _, u := range f.Users {
		users.note(u.Email, u.Email, u.at)
	}
	schedules := seen{problems: problems, what: "schedule"}
	for _, s := range f.Schedules {
		schedules.note(NameKey(s.Name), s.Name, s.at)
	}
	policies := seen{problems: problems, what: "policy"}
	for _, p := range f.Policies {
		policies.note(NameKey(p.Name), p.Name, p.at)
	}
	services := seen{problems: problems, what: "service"}
	for _, s := range f.Services {
		services.note(NameKey(s.Name), s.Name, s.at)
	}
	integrations := seen{problems: problems, what: "integration"}
	keys := seen{problems: problems, what: "routing key"}
	for _, i := range f.Integrations {
		integrations.note(i.key(), i.Name, i.at)
		if i.RoutingKey != "" {
			keys.note(i.RoutingKey, i.RoutingKey, i.at)
		}
	}
}

// seen notices what is there twice.
type seen struct {
	problems *Problems
	what     string
	first    map[string]place
}

func (s *seen) note(key, name string, at place) {
	if strings.Trim(key, "\x00") == "" {
		return // its absence has been reported
	}
	if before, twice := s.first[key]; twice {
		s.problems.add(at, "%s %q is there twice (first on line %d); remove one", s.what, name, before.line)
		return
	}
	if s.first == nil {
		s.first = map[string]place{}
	}
	s.first[key] = at
}
