package setup

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/oncall"
)

const people = `
users:
  - {name: Ana, email: ana@example.com}
  - {name: Ben, email: ben@example.com}
schedules:
`

const support = people + `
  - name: Support
    time_zone: Europe/Lisbon
    layers:
      - {name: Always, start: 2026-11-02 09:00, turn: 1 week, users: [ana@example.com]}
      - name: Nights
        start: 2026-11-02T18:00:00Z
        until: 2027-07-01 09:00
        turn: 1 day
        users: [ben@example.com, ana@example.com]
        restrictions:
          - {from: 22:00, to: 06:30}
          - {days: [Sunday, sat, sat], from: "00:00", to: 00:00}
          - {from: fri 18:00:30, to: monday 08:00}
`

func TestLayersOfASchedule(t *testing.T) {
	t.Parallel()
	d := planned(t, support, State{})
	s, ana, ben := d.Changes.Schedules[0], d.Changes.Users[0].ID, d.Changes.Users[1].ID
	want := []oncall.Layer{
		{ID: s.Layers[0].ID, Name: "Always", Users: []string{ana}, Start: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Turn: 1, Unit: oncall.Weeks},
		{ID: s.Layers[1].ID, Name: "Nights", Users: []string{ben, ana}, Start: time.Date(2026, 11, 2, 18, 0, 0, 0, time.UTC), Turn: 1, Unit: oncall.Days,
			Until: time.Date(2027, 7, 1, 8, 0, 0, 0, time.UTC), Restrictions: []oncall.Restriction{
				{Cycle: oncall.Daily, Start: 22 * time.Hour, Length: 8*time.Hour + 30*time.Minute},
				{Cycle: oncall.Weekly, Day: time.Sunday, Length: 24 * time.Hour},
				{Cycle: oncall.Weekly, Day: time.Saturday, Length: 24 * time.Hour},
				{Cycle: oncall.Weekly, Day: time.Friday, Start: 18*time.Hour + 30*time.Second, Length: 62*time.Hour - 30*time.Second},
			}},
	}
	if diff := cmp.Diff(want, s.Layers); diff != "" {
		t.Error(diff)
	}
	const said = "+ schedule Support (Always: 1 person, turns of 1 week from 2026-11-02 09:00 WET; " +
		"Nights: 2 people, turns of 1 day from 2026-11-02 18:00 WET until 2027-07-01 09:00 WEST, " +
		"22:00–06:30 + Sun 00:00–00:00 + Sat 00:00–00:00 + Fri 18:00:30–Mon 08:00:00)"
	if !strings.Contains(d.String(), said+"\n") {
		t.Errorf("it says %s", d)
	}
	if again := planned(t, support, after(State{}, d.Changes)); !again.Empty() {
		t.Errorf("a second import says %s", again)
	}
}

func TestEveryChangeOfLayersIsSaidAndKeepsTheirIds(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, support, State{}).Changes)
	d := planned(t, people+`
  - name: Support
    layers:
      - {name: nights, start: 2026-11-02 18:00, until: 2027-08-01 09:00, turn: 1 day, users: [ben@example.com], restrictions: [{from: 22:00, to: 06:30}]}
      - {name: Always, start: 2026-11-02 09:00, until: 2027-08-01 09:00, turn: 1 week, users: [ana@example.com]}
      - {name: Day, start: 2026-11-02 09:00, turn: 12 hours, users: [ana@example.com]}
`, state)
	want := "~ schedule Support: layer Nights → nights, layer nights users ben@example.com + ana@example.com → ben@example.com, " +
		"layer nights end 2027-07-01 09:00 WEST → 2027-08-01 09:00 WEST, " +
		"layer nights restrictions 22:00–06:30 + Sun 00:00–00:00 + Sat 00:00–00:00 + Fri 18:00:30–Mon 08:00:00 → 22:00–06:30, " +
		"layer Always end 2027-08-01 09:00 WEST added, layer Day added (1 person, turns of 12 hours from 2026-11-02 09:00 WET), layers in another order\n"
	if diff := cmp.Diff(want, strings.SplitAfter(d.String(), "\n")[0]); diff != "" {
		t.Error(diff)
	}
	was, is := state.Schedules[0].Layers, d.Changes.Schedules[0].Layers
	if is[0].ID != was[1].ID || is[1].ID != was[0].ID {
		t.Error("the layers have lost their ids")
	}
	// Back to one rotation: the first layer is it, without its restrictions.
	state = after(state, d.Changes)
	d = planned(t, people+"  - {name: Support, rotation: {start: 2026-11-02 18:00, turn: 1 day, users: [ben@example.com]}}\n", state)
	want = "~ schedule Support: layers 3 → 1, end 2027-08-01 09:00 WEST removed, restrictions 22:00–06:30 → always\n"
	if diff := cmp.Diff(want, strings.SplitAfter(d.String(), "\n")[0]); diff != "" {
		t.Error(diff)
	}
	// And to layers again: the one that is not listed goes.
	d = planned(t, people+"  - {name: Support, layers: [{name: Day, start: 2026-11-02 18:00, turn: 1 day, users: [ben@example.com]}]}\n", after(state, d.Changes))
	want = "~ schedule Support: layer Day added (1 person, turns of 1 day from 2026-11-02 18:00 WET), layer nights removed\n"
	if diff := cmp.Diff(want, strings.SplitAfter(d.String(), "\n")[0]); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrongWithLayers(t *testing.T) {
	t.Parallel()
	layer := func(rest string) string {
		return "schedules: [{name: S, layers: [{name: L, start: 2026-11-02 09:00, turn: 1 day, users: [a@b.c]" + rest + "}]}]"
	}
	restriction := func(text string) string { return layer(", restrictions: [" + text + "]") }
	for name, c := range map[string]struct{ text, want string }{
		"no layers":             {"schedules: [{name: S, layers: []}]", "at least one layer"},
		"rotation and layers":   {"schedules: [{name: S, rotation: {start: 2026-11-02 09:00, turn: 1 day, users: [a@b.c]}, layers: []}]", "rotation or layers, not both"},
		"two of one name":       {"schedules: [{name: S, layers: [{name: L, start: 2026-11-02 09:00, turn: 1 day, users: [a@b.c]}, {name: l, start: 2026-11-02 09:00, turn: 1 day, users: [a@b.c]}]}]", `layer "l" is there twice`},
		"no name":               {"schedules: [{name: S, layers: [{start: 2026-11-02 09:00, turn: 1 day, users: [a@b.c]}]}]", `"name" is missing`},
		"nobody":                {"schedules: [{name: S, layers: [{name: L, start: 2026-11-02 09:00, turn: 1 day, users: []}]}]", "needs somebody"},
		"no end":                {restriction("{from: 09:00}"), `"to" is missing`},
		"no time of day":        {restriction("{from: nine, to: 17:00}"), "a time of day like 09:00"},
		"hour 24":               {restriction("{from: 09:00, to: 24:00}"), "from 00:00 to 23:59:59"},
		"no weekday":            {restriction("{from: freitag 18:00, to: monday 09:00}"), `"freitag" is no weekday`},
		"a day and no day":      {restriction("{from: friday 18:00, to: 09:00}"), "both with a weekday"},
		"a day and days":        {restriction("{days: [mon], from: friday 18:00, to: monday 09:00}"), "both with a weekday"},
		"no such day":           {restriction("{days: [mon, domingo], from: 09:00, to: 17:00}"), `"domingo" is no weekday`},
		"no days":               {restriction("{days: [], from: 09:00, to: 17:00}"), "name the days"},
		"an unknown key":        {restriction("{start: 09:00, to: 17:00}"), `unknown key "start"`},
		"too many":              {layer(", restrictions: [" + strings.Repeat("{from: 09:00, to: 17:00}, ", 51) + "]"), "at most 50"},
		"too many with days":    {layer(", restrictions: [" + strings.Repeat("{days: [mon, tue, wed], from: 09:00, to: 17:00}, ", 17) + "]"), "these are 51 restrictions"},
		"over before it starts": {people + "  - {name: S, layers: [{name: L, start: 2026-11-02 09:00, until: 2026-11-01 09:00, turn: 1 day, users: [ana@example.com]}]}", "ends at or before its start"},
	} {
		f, err := Parse([]byte(c.text))
		if err == nil {
			_, err = Plan(f, State{}, now)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestTargetsThatTakeTurnsStay: a file cannot ask for them, and does not end
// them.
func TestTargetsThatTakeTurnsStay(t *testing.T) {
	t.Parallel()
	state := after(State{}, planned(t, base, State{}).Changes)
	state.Policies[0].Levels[0].Assignment = oncall.RoundRobin
	if d := planned(t, base, state); !d.Empty() {
		t.Errorf("it says %s", d)
	}
	d := planned(t, strings.Replace(base, "delay: 5m", "delay: 6m", 1), state)
	if got := d.Changes.Policies[0].Levels; got[0].Assignment != oncall.RoundRobin || got[1].Assignment != oncall.ToEveryone {
		t.Errorf("the levels are now %+v", got)
	}
}
