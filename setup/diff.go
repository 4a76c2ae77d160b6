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

// section is a part of the file, in its order.
type section int

const (
	sectionUsers section = iota
	sectionSchedules
	sectionPolicies
	sectionServices
	sectionIntegrations
)

// noun names one thing of the section.
func (s section) noun() string {
	return [...]string{"user", "schedule", "policy", "service", "integration"}[s]
}

// line is one line of a diff with its sorting key.
type line struct {
	section section
	key     string
	added   bool
	text    string
}

// added notes a new thing; about says what it is like.
func (p *planner) added(in section, key, name, about string) {
	p.lines = append(p.lines, line{in, key, true, fmt.Sprintf("+ %s %s (%s)", in.noun(), name, about)})
}

// settle notes a known thing as changed by these edits, or unchanged without
// any; it reports whether it must be written.
func (p *planner) settle(in section, key, name string, e edits) bool {
	if len(e) == 0 {
		p.unchanged++
		return false
	}
	p.lines = append(p.lines, line{in, key, false, fmt.Sprintf("~ %s %s: %s", in.noun(), name, strings.Join(e, ", "))})
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
