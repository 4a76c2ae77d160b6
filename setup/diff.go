package setup

import (
	"fmt"
	"strings"
)

// Diff is what an import changes.
type Diff struct {
	// Changes are the rows for the store.
	Changes Changes
	// Lines say the same to people, sorted: "+ service Checkout (…)" for what is
	// new, "~ policy Default: level 1 delay 5m → 2m" for what changes. They hold
	// no passwords.
	Lines []string
	// Added, Changed and Unchanged count users, schedules, policies, services
	// and integrations.
	Added, Changed, Unchanged int
	// Keys are the routing keys made for new integrations; they are what the
	// operator needs next, and differ from one plan to the next until applied.
	Keys []NewKey
}

// NewKey is a routing key that was made up by the import.
type NewKey struct {
	Service     string
	Integration string
	RoutingKey  string
}

// Empty reports whether the import changes nothing.
func (d Diff) Empty() bool { return d.Changes.Empty() }

// String gives the lines and a summary.
func (d Diff) String() string {
	var b strings.Builder
	for _, l := range d.Lines {
		b.WriteString(l + "\n")
	}
	fmt.Fprintf(&b, "%d added, %d changed, %d unchanged", d.Added, d.Changed, d.Unchanged)
	return b.String()
}

// Sections, in the order of the file.
const (
	sectionUsers = iota
	sectionSchedules
	sectionPolicies
	sectionServices
	sectionIntegrations
)

// line is one line of a diff with its sorting key.
type line struct {
	section int
	key     string
	added   bool
	text    string
}

var nouns = [...]string{"user", "schedule", "policy", "service", "integration"}

// added notes a new thing; about says what it is like.
func (p *planner) added(section int, key, name, about string) {
	p.lines = append(p.lines, line{section, key, true, fmt.Sprintf("+ %s %s (%s)", nouns[section], name, about)})
}

// settle notes a known thing as changed by these edits, or unchanged without
// any; it reports whether it must be written.
func (p *planner) settle(section int, key, name string, e edits) bool {
	if len(e) == 0 {
		p.unchanged++
		return false
	}
	p.lines = append(p.lines, line{section, key, false, fmt.Sprintf("~ %s %s: %s", nouns[section], name, strings.Join(e, ", "))})
	return true
}

// edits are the words for what changes in one thing.
type edits []string

func (e *edits) say(format string, args ...any) { *e = append(*e, fmt.Sprintf(format, args...)) }

// put moves a field to its new value and says so if that is a change.
func put[T comparable](e *edits, field string, at *T, to T, word func(T) string) {
	if *at == to {
		return
	}
	e.say("%s %s → %s", field, word(*at), word(to))
	*at = to
}

// putText is put for texts that are left alone when the file leaves them out.
func putText[T ~string](e *edits, field string, at *T, to T) {
	if to != "" {
		put(e, field, at, to, func(t T) string { return string(t) })
	}
}
