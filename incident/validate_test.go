package incident_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
)

func TestValidateNamesWhatIsBroken(t *testing.T) {
	tests := []struct {
		name  string
		state string
		spoil func(*incident.Incident)
		says  string
	}{
		{"no state", "triggered", func(i *incident.Incident) { i.Status = "" }, "is no status"},
		{"no urgency", "triggered", func(i *incident.Incident) { i.Urgency = "" }, "is no urgency"},
		{"no severity", "triggered", func(i *incident.Incident) { i.Severity = "bad" }, "is no severity"},
		{"escalates although acknowledged", "acknowledged", func(i *incident.Incident) { i.Timers.EscalateAt = clock(9) }, "escalation timer is set"},
		{"ack timeout without acknowledgement", "triggered", func(i *incident.Incident) { i.Timers.AckTimeoutAt = clock(9) }, "ack timeout is set"},
		{"snooze without acknowledgement", "triggered", func(i *incident.Incident) { i.Timers.SnoozeEndsAt = clock(9) }, "a snooze is set"},
		{"snooze and ack timeout", "acknowledged", func(i *incident.Incident) { i.Timers.SnoozeEndsAt = clock(9) }, "both set"},
		{"resolved, yet to be resolved", "resolved", func(i *incident.Incident) { i.Timers.AutoResolveAt = clock(9) }, "auto-resolve timer is set"},
		{"auto-resolve forgotten", "triggered", func(i *incident.Incident) { i.Timers.AutoResolveAt = time.Time{} }, "does not match its setting"},
		{"acknowledged by nobody", "snoozed", func(i *incident.Incident) { i.AcknowledgedBy = incident.Actor{} }, "acknowledged by"},
		{"acknowledged, but triggered", "triggered", func(i *incident.Incident) { i.AcknowledgedBy = ana }, "acknowledged by"},
		{"acknowledged at no time", "acknowledged", func(i *incident.Incident) { i.AcknowledgedAt = time.Time{} }, "moment of acknowledgement"},
		{"resolved by nobody", "resolved", func(i *incident.Incident) { i.ResolvedBy = incident.Actor{} }, "resolved by"},
		{"resolved at a time, but open", "triggered", func(i *incident.Incident) { i.ResolvedAt = clock(1) }, "moment of resolution"},
		{"no revision", "triggered", func(i *incident.Incident) { i.Revision = 0 }, "below 1"},
		{"updated before it was born", "triggered", func(i *incident.Incident) { i.UpdatedAt = clock(-1) }, "before it was created"},
		{"acknowledged in the future", "acknowledged", func(i *incident.Incident) { i.AcknowledgedAt = clock(99) }, "after its last update"},
		{"nameless assignee", "triggered", func(i *incident.Incident) { i.Assignees = []string{""} }, "has no id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := states(t)[tt.state]
			if err := i.Validate(); err != nil {
				t.Fatalf("broken before it was spoilt: %v", err)
			}
			tt.spoil(&i)
			if err := i.Validate(); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}
