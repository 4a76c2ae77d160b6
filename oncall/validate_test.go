package oncall_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
)

// refusal is what a Validate should say; the zero one means it is sound.
type refusal struct{ field, code, says string }

func check(t *testing.T, err error, want refusal) {
	t.Helper()
	if want == (refusal{}) {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want %+v", err, want)
	}
	if f.Kind != fault.Invalid || f.Field != want.field || f.Code != want.code || !strings.Contains(f.Message, want.says) {
		t.Errorf("got %s %q about %q: %s; want %+v", f.Kind, f.Code, f.Field, f.Message, want)
	}
}

func TestScheduleValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*oncall.Schedule)
		want  refusal
	}{
		{"sound", func(*oncall.Schedule) {}, refusal{}},
		{"unknown zone", func(s *oncall.Schedule) { s.TimeZone = "Madrid" }, refusal{"time_zone", "unknown_time_zone", `no time zone "Madrid"`}},
		{"no zone", func(s *oncall.Schedule) { s.TimeZone = "" }, refusal{"time_zone", "unknown_time_zone", "IANA"}},
		{"this machine's zone", func(s *oncall.Schedule) { s.TimeZone = "Local" }, refusal{"time_zone", "unknown_time_zone", "IANA"}},
		{"a path for a zone", func(s *oncall.Schedule) { s.TimeZone = "../etc/passwd" }, refusal{"time_zone", "unknown_time_zone", "IANA"}},
		{"no layer", func(s *oncall.Schedule) { s.Layers = nil }, refusal{"layers", "no_layers", "no layer"}},
		{"too many layers", func(s *oncall.Schedule) { s.Layers = slices.Repeat(s.Layers, 51) }, refusal{"layers", "too_many_layers", "50"}},
		{"a rotation of nobody", func(s *oncall.Schedule) { s.Layers[0].Users = nil }, refusal{"layers[0].users", "no_users", "Layer 1: "}},
		{"a rotation of too many", func(s *oncall.Schedule) { s.Layers[0].Users = slices.Repeat([]string{"a"}, 501) }, refusal{"layers[0].users", "too_many_users", "500"}},
		{"somebody without id", func(s *oncall.Schedule) { s.Layers[0].Users = []string{"a", ""} }, refusal{"layers[0].users", "empty_user", "empty"}},
		{"no start", func(s *oncall.Schedule) { s.Layers[0].Start = time.Time{} }, refusal{"layers[0].start", "no_start", "first hand-off"}},
		{"ends as it starts", func(s *oncall.Schedule) { s.Layers[0].Until = s.Layers[0].Start }, refusal{"layers[0].until", "bad_until", "later end"}},
		{"a turn of nothing", func(s *oncall.Schedule) { s.Layers[0].Turn = 0 }, refusal{"layers[0].turn", "bad_turn", "1 or more weeks"}},
		{"a turn of years", func(s *oncall.Schedule) { s.Layers[0].Turn = 53 }, refusal{"layers[0].turn", "bad_turn", "52 weeks"}},
		{"the longest turn", func(s *oncall.Schedule) { s.Layers[0].Turn = 52 }, refusal{}},
		{"an unknown unit", func(s *oncall.Schedule) { s.Layers[0].Unit = "months" }, refusal{"layers[0].unit", "unknown_unit", `"months"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rotation("Europe/Madrid", now, 1, oncall.Weeks, "ana", "ben")
			tt.spoil(&s)
			check(t, s.Validate(), tt.want)
		})
	}
}

func TestPolicyValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*oncall.Policy)
		want  refusal
	}{
		{"sound", func(*oncall.Policy) {}, refusal{}},
		{"no level", func(p *oncall.Policy) { p.Levels = nil }, refusal{"levels", "no_levels", "no level"}},
		{"too many levels", func(p *oncall.Policy) { p.Levels = slices.Repeat(p.Levels, 21) }, refusal{"levels", "too_many_levels", "20"}},
		{"loops below nothing", func(p *oncall.Policy) { p.Loops = -1 }, refusal{"loops", "bad_loops", "0 to 9"}},
		{"loops without end", func(p *oncall.Policy) { p.Loops = 10 }, refusal{"loops", "bad_loops", "0 to 9"}},
		{"a level for nobody", func(p *oncall.Policy) { p.Levels[0].Targets = nil }, refusal{"levels[0].targets", "no_targets", "Level 1: "}},
		{"a level for everybody", func(p *oncall.Policy) { p.Levels[0].Targets = slices.Repeat(p.Levels[0].Targets, 51) }, refusal{"levels[0].targets", "too_many_targets", "50"}},
		{"an unknown target", func(p *oncall.Policy) { p.Levels[0].Targets[0].Kind = "team" }, refusal{"levels[0].targets", "unknown_target", `"team"`}},
		{"a target without id", func(p *oncall.Policy) { p.Levels[0].Targets[0].ID = "" }, refusal{"levels[0].targets", "empty_target", "no id"}},
		{"targets in turns", func(p *oncall.Policy) { p.Levels[0].Assignment = oncall.RoundRobin }, refusal{}},
		{"by lot", func(p *oncall.Policy) { p.Levels[0].Assignment = "lot" }, refusal{"levels[0].assignment", "unknown_assignment", `"lot"`}},
		{"a delay of nothing", func(p *oncall.Policy) { p.Levels[0].Delay = 0 }, refusal{"levels[0].delay", "bad_delay", "between 1s"}},
		{"the shortest delay", func(p *oncall.Policy) { p.Levels[0].Delay = time.Second }, refusal{}},
		{"the longest delay", func(p *oncall.Policy) { p.Levels[0].Delay = 24 * time.Hour }, refusal{}},
		{"a delay of days", func(p *oncall.Policy) { p.Levels[0].Delay = 24*time.Hour + 1 }, refusal{"levels[0].delay", "bad_delay", "24h"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := oncall.Policy{ID: "pol_1", Name: "Nights", Levels: []oncall.Level{level(user("ana"))}, Loops: 9}
			tt.spoil(&p)
			check(t, p.Validate(), tt.want)
		})
	}
}

func TestRuleValidate(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*oncall.Rule)
		want  refusal
	}{
		{"sound", func(*oncall.Rule) {}, refusal{}},
		{"later", func(r *oncall.Rule) { r.Delay = 24 * time.Hour }, refusal{}},
		{"no urgency", func(r *oncall.Rule) { r.Urgency = "" }, refusal{"urgency", "unknown_urgency", "high or low"}},
		{"by e-mail", func(r *oncall.Rule) { r.Method = oncall.Email }, refusal{}},
		{"by webhook", func(r *oncall.Rule) { r.Method = oncall.Webhook }, refusal{}},
		{"by text message", func(r *oncall.Rule) { r.Method = oncall.SMS }, refusal{}},
		{"by a call", func(r *oncall.Rule) { r.Method = oncall.Voice }, refusal{}},
		{"an unknown method", func(r *oncall.Rule) { r.Method = "pigeon" }, refusal{"method", "unknown_method", `"pigeon"`}},
		{"before it happens", func(r *oncall.Rule) { r.Delay = -1 }, refusal{"delay", "bad_delay", "between 0s"}},
		{"after a day", func(r *oncall.Rule) { r.Delay = 24*time.Hour + 1 }, refusal{"delay", "bad_delay", "24h"}},
		{"displayed soon", func(r *oncall.Rule) { r.DisplayedWithin = 5 * time.Second }, refusal{}},
		{"displayed at once", func(r *oncall.Rule) { r.DisplayedWithin = 4 * time.Second }, refusal{"displayed_within", "bad_displayed_within", "between 5s"}},
		{"displayed before", func(r *oncall.Rule) { r.DisplayedWithin = -time.Second }, refusal{"displayed_within", "bad_displayed_within", "between 5s"}},
		{"displayed after a day", func(r *oncall.Rule) { r.DisplayedWithin = 24*time.Hour + 1 }, refusal{"displayed_within", "bad_displayed_within", "24h"}},
		{"a displayed e-mail", func(r *oncall.Rule) { r.Method, r.DisplayedWithin = oncall.Email, time.Minute }, refusal{"displayed_within", "not_displayable", "by push"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := oncall.Rule{ID: "rul_1", Urgency: "high", Method: oncall.Push}
			tt.spoil(&r)
			check(t, r.Validate(), tt.want)
		})
	}
}
