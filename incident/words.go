package incident

import (
	"strings"

	"slices"

	"github.com/nightbell/nightbell/fault"
)

// WorseThan reports whether s is strictly worse than t. An unknown severity is
// better than any known one.
func (s Severity) WorseThan(t Severity) bool { return s.rank() > t.rank() }

func (s Severity) rank() int {
	switch s {
	case Critical:
		return 4
	case Error:
		return 3
	case Warning:
		return 2
	case Info:
		return 1
	default:
		return 0
	}
}

// ParseStatus refuses anything but the three states.
func ParseStatus(s string) (Status, error) {
	return parse("status", Status(s), Triggered, Acknowledged, Resolved)
}

// ParseSeverity refuses anything but the four severities of the Events API v2.
func ParseSeverity(s string) (Severity, error) {
	return parse("severity", Severity(s), Critical, Error, Warning, Info)
}

// ParseUrgency refuses anything but high and low.
func ParseUrgency(s string) (Urgency, error) {
	return parse("urgency", Urgency(s), High, Low)
}

func parse[T ~string](field string, v T, known ...T) (T, error) {
	if slices.Contains(known, v) {
		return v, nil
	}
	const most = 40 // what a stranger sent is shown, but not at any length
	shown := string(v)
	if len(shown) > most {
		shown = shown[:most] + "…"
	}
	return "", fault.Field(field, "unknown_"+field, "%q is no %s; use one of %s.", shown, field, list(known))
}

func list[T ~string](words []T) string {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return strings.Join(names, ", ")
}

// same reports whether two actors are the same one, whatever door they used.
func (a Actor) same(b Actor) bool { return a.Kind == b.Kind && a.ID == b.ID }
