package oncall_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

func TestRungs(t *testing.T) {
	rule := func(id, urgency, device string, minutes int) oncall.Rule {
		return oncall.Rule{ID: id, Urgency: urgency, Method: oncall.Push, DeviceID: device, Delay: time.Duration(minutes) * time.Minute}
	}
	rung := func(id, device string, minutes int) oncall.Rung {
		return oncall.Rung{RuleID: id, Method: oncall.Push, DeviceID: device, At: now.Add(time.Duration(minutes) * time.Minute)}
	}
	tests := []struct {
		name  string
		rules []oncall.Rule
		want  []oncall.Rung
	}{
		{"no rules", nil, nil},
		{"none for this urgency", []oncall.Rule{rule("a", "low", "", 0)}, nil},
		{"by time, whatever the order", []oncall.Rule{rule("late", "high", "", 5), rule("low", "low", "", 1), rule("now", "high", "", 0)},
			[]oncall.Rung{rung("now", "", 0), rung("late", "", 5)}},
		{"the rules' order within one moment", []oncall.Rule{rule("b", "high", "dev_2", 1), rule("a", "high", "dev_1", 1)},
			[]oncall.Rung{rung("b", "dev_2", 1), rung("a", "dev_1", 1)}},
		{"the same twice", []oncall.Rule{rule("a", "high", "dev_1", 1), rule("b", "high", "dev_1", 1)}, []oncall.Rung{rung("a", "dev_1", 1)}},
		{"the same again later is meant", []oncall.Rule{rule("a", "high", "", 1), rule("b", "high", "", 2)}, []oncall.Rung{rung("a", "", 1), rung("b", "", 2)}},
		{"one device before all of them, at one moment", []oncall.Rule{rule("one", "high", "dev_1", 1), rule("all", "high", "", 1)}, []oncall.Rung{rung("all", "", 1)}},
		{"one device after all of them, at one moment", []oncall.Rule{rule("all", "high", "", 1), rule("one", "high", "dev_1", 1)}, []oncall.Rung{rung("all", "", 1)}},
		{"one device now, all of them later", []oncall.Rule{rule("one", "high", "dev_1", 0), rule("all", "high", "", 1)}, []oncall.Rung{rung("one", "dev_1", 0), rung("all", "", 1)}},
		{"another method at the same moment", []oncall.Rule{rule("push", "high", "", 0), {ID: "call", Urgency: "high", Method: "call"}},
			[]oncall.Rung{rung("push", "", 0), {RuleID: "call", Method: "call", At: now}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, oncall.Rungs(tt.rules, "high", now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
