package oncall_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

// reach is a roster whose people have rules, and devices by "user method".
type reach struct {
	roster
	rules   map[string][]oncall.Rule
	devices map[string][]string
}

func (r reach) RulesOf(userID string) []oncall.Rule { return r.rules[userID] }

func (r reach) DevicesOf(userID string, by oncall.Method, deviceID string) []string {
	all := r.devices[userID+" "+string(by)]
	if deviceID == "" {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(d string) bool { return d != deviceID })
}

func in(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }

func pushAt(minutes int) oncall.Rung { return oncall.Rung{Method: oncall.Push, At: in(minutes)} }

func TestWaysTo(t *testing.T) {
	rule := func(id string, by oncall.Method, device string, minutes int) oncall.Rule {
		return oncall.Rule{ID: id, Urgency: "high", Method: by, DeviceID: device, Delay: time.Duration(minutes) * time.Minute}
	}
	rules := []oncall.Rule{rule("phone", oncall.Push, "dev_1", 0), rule("mail", oncall.Email, "", 1), rule("all", oncall.Push, "", 2)}
	shown := slices.Clone(rules)
	shown[0].DisplayedWithin = 20 * time.Second
	tests := []struct {
		name    string
		rules   []oncall.Rule
		devices map[string][]string
		want    oncall.Ways
	}{
		{"by their rules", rules, map[string][]string{"ana push": {"dev_1", "dev_2"}, "ana email": {"adr_1"}}, oncall.Ways{Rungs: []oncall.Rung{
			{RuleID: "phone", Method: oncall.Push, DeviceID: "dev_1", At: in(0)}, {RuleID: "mail", Method: oncall.Email, At: in(1)}, {RuleID: "all", Method: oncall.Push, At: in(2)}}}},
		{"without those that lead nowhere", rules, map[string][]string{"ana push": {"dev_2"}}, oncall.Ways{Rungs: []oncall.Rung{{RuleID: "all", Method: oncall.Push, At: in(2)}}}},
		{"waiting for what is displayed", shown[:2], map[string][]string{"ana push": {"dev_1"}, "ana email": {"adr_1"}}, oncall.Ways{Rungs: []oncall.Rung{
			{RuleID: "phone", Method: oncall.Push, DeviceID: "dev_1", At: in(0), DisplayedWithin: 20 * time.Second}, {RuleID: "mail", Method: oncall.Email, At: in(1), After: 1}}}},
		{"no rule: all devices", nil, map[string][]string{"ana push": {"dev_1"}, "ana email": {"adr_1"}}, oncall.Ways{Rungs: []oncall.Rung{pushAt(0)}, Fallback: true}},
		{"no usable rule, and no device: all addresses", rules[:1], map[string][]string{"ana email": {"adr_1"}, "ana sms": {"adr_2"}},
			oncall.Ways{Rungs: []oncall.Rung{{Method: oncall.SMS, At: in(0)}, {Method: oncall.Email, At: in(0)}}, Fallback: true}},
		{"nothing at all, on record", rules, nil, oncall.Ways{Rungs: []oncall.Rung{pushAt(0)}, Fallback: true, Nothing: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reach{rules: map[string][]oncall.Rule{"ana": tt.rules}, devices: tt.devices}
			if diff := cmp.Diff(tt.want, oncall.WaysTo("ana", "high", now, r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestForecast: Ana hands over to Ben at 02:07, in the middle of the plan.
func TestForecast(t *testing.T) {
	night := rotation("UTC", now.Add(-23*time.Hour-53*time.Minute), 1, oncall.Days, "ana", "ben")
	r := reach{roster: roster{gone: []string{"gone"}}, devices: map[string][]string{"ana push": {"dev_1"}, "ben push": {"dev_2"}}}
	live := liveRoster{r, night}
	p := oncall.Plan{Levels: []oncall.Level{level(sched("night")), level(user("gone")), level(user("chief"))}, Loops: 1}
	call := func(who string, minutes int, nothing bool) []oncall.Call {
		return []oncall.Call{{UserID: who, Ways: oncall.Ways{Rungs: []oncall.Rung{pushAt(minutes)}, Fallback: true, Nothing: nothing}}}
	}
	want := oncall.Outlook{Stops: []oncall.Stop{
		{Position: pos(1, 1), At: in(0), Until: in(5), People: call("ana", 0, false)},
		{Position: pos(3, 1), At: in(5), Until: in(10), Skipped: []oncall.Skip{{Level: 2, Loop: 1}}, People: call("chief", 5, true)},
		{Position: pos(1, 2), At: in(10), Until: in(15), People: call("ben", 10, false)},
		{Position: pos(3, 2), At: in(15), Until: in(20), Skipped: []oncall.Skip{{Level: 2, Loop: 2}}, People: call("chief", 15, true)},
	}, Ends: in(20)}
	if diff := cmp.Diff(want, oncall.Forecast(p, "high", now, live)); diff != "" {
		t.Error(diff)
	}

	silent := oncall.Forecast(oncall.Plan{Levels: p.Levels[2:]}, "high", now, live)
	if silent.Nobody || !silent.Silent {
		t.Errorf("the chief alone, without a device: %+v", silent)
	}
	nobody := oncall.Forecast(oncall.Plan{Levels: p.Levels[1:2], Loops: 9}, "high", now, live)
	want = oncall.Outlook{Nobody: true, Silent: true, Skipped: []oncall.Skip{{Level: 2 - 1, Loop: 1}}, Ends: in(0)}
	if diff := cmp.Diff(want, nobody); diff != "" {
		t.Error(diff)
	}
	if none := oncall.Forecast(oncall.Plan{}, "high", now, live); !none.Nobody || len(none.Stops) > 0 {
		t.Errorf("a plan without levels: %+v", none)
	}
}

// liveRoster asks a real schedule.
type liveRoster struct {
	reach
	s oncall.Schedule
}

func (r liveRoster) OnCall(_ string, at time.Time) (out []string) {
	for _, shift := range r.s.OnCall(at) {
		out = append(out, shift.UserID)
	}
	return out
}
