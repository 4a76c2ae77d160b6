package incident_test

import (
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
)

func TestSeveritiesAreOrdered(t *testing.T) {
	ranked := []incident.Severity{"", incident.Info, incident.Warning, incident.Error, incident.Critical}
	for a, s := range ranked {
		for b, o := range ranked {
			if got := s.WorseThan(o); got != (a > b) {
				t.Errorf("%q worse than %q: %v", s, o, got)
			}
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"triggered", "acknowledged", "resolved", "critical", "info", "high", "low", "", "Critical", "\xff\xfe", "high\n"} {
		f.Add(s)
	}
	known := map[string][]string{
		"status":   {"triggered", "acknowledged", "resolved"},
		"severity": {"critical", "error", "warning", "info"},
		"urgency":  {"high", "low"},
	}
	f.Fuzz(func(t *testing.T, s string) {
		status, err := incident.ParseStatus(s)
		checkWord(t, known, "status", s, string(status), err)
		severity, err := incident.ParseSeverity(s)
		checkWord(t, known, "severity", s, string(severity), err)
		urgency, err := incident.ParseUrgency(s)
		checkWord(t, known, "urgency", s, string(urgency), err)
	})
}

func checkWord(t *testing.T, known map[string][]string, field, s, got string, err error) {
	t.Helper()
	if slices.Contains(known[field], s) {
		if err != nil || got != s {
			t.Errorf("%s %q gave %q, %v", field, s, got, err)
		}
		return
	}
	var refused *fault.Error
	if !errors.As(err, &refused) || got != "" {
		t.Fatalf("%s %q gave %q, %v; want a refusal", field, s, got, err)
	}
	if refused.Kind != fault.Invalid || refused.Field != field || refused.Code != "unknown_"+field {
		t.Errorf("refused as %s %q of %q", refused.Kind, refused.Code, refused.Field)
	}
	if m := refused.Message; len(m) > 400 || !utf8.ValidString(m) {
		t.Errorf("the sentence is not fit for people: %q", m)
	}
}
