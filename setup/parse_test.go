package setup

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
)

// problemsOf parses and gives the problems as lines.
func problemsOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := Parse([]byte(text))
	return problemLines(t, err)
}

func problemLines(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatalf("not a list of problems: %v", err)
	}
	if fault.KindOf(err) != fault.Invalid || !fault.Is(err, "bad_setup_file") {
		t.Errorf("problems are no Invalid fault: %v", err)
	}
	var lines []string
	for _, one := range p.List {
		lines = append(lines, one.String())
	}
	return lines
}

func TestParseNamesEveryMistakeWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, want string }{
		"unknown section":    {"servces: []", `line 1, servces: unknown key "servces"; the keys here are users, schedules, policies, services, integrations`},
		"unknown key":        {"users:\n  - {name: A, email: a@b.c}\n  - name: B\n    emial: b@b.c\n    email: b@b.c", `line 4, users[1].emial: unknown key "emial"`},
		"key twice":          {"users:\n  - name: A\n    name: B\n    email: a@b.c", `line 3, users[0].name: the key "name" is there twice (first on line 2)`},
		"missing":            {"users: [{name: A}]", `line 1, users[0]: "email" is missing; add it`},
		"no value":           {"users: [{name: A, email: }]", "line 1, users[0].email: it has no value"},
		"wrong shape":        {"users: {name: A}", "line 1, users: expected a list, got keys and values"},
		"list of texts":      {"users: [ana]", "line 1, users[0]: expected keys and values"},
		"root is a list":     {"- users", "expected keys and values (users, schedules, policies, services, integrations), got a list"},
		"boolean as text":    {"users: [{name: true, email: a@b.c}]", "line 1, users[0].name: expected a text, got true or false; put it in quotes"},
		"bad e-mail":         {"users: [{name: A, email: 'A <a@b.c>'}]", `users[0].email: "A <a@b.c>" is not an e-mail address`},
		"bad role":           {"users: [{name: A, email: a@b.c, role: boss}]", `users[0].role: "boss" is not one of owner, admin, manager, responder, stakeholder`},
		"bad zone":           {"users: [{name: A, email: a@b.c, time_zone: Mars/Base}]", `users[0].time_zone: "Mars/Base" is not a known time zone`},
		"local zone":         {"users: [{name: A, email: a@b.c, time_zone: Local}]", `users[0].time_zone: "Local" is not a known time zone`},
		"zone with dots":     {"users: [{name: A, email: a@b.c, time_zone: ../../etc/passwd}]", `users[0].time_zone: "../../etc/passwd" is not a known time zone`},
		"bad locale":         {"users: [{name: A, email: a@b.c, locale: '!'}]", `users[0].locale: "!" is not a language tag`},
		"two passwords":      {"users: [{name: A, email: a@b.c, password: x, password_file: y}]", "users[0]: password, password_file and password_hash say the same thing three ways"},
		"hasty rule":         {"users: [{name: A, email: a@b.c, rules: [{urgency: high, method: push, displayed_within: 1s}]}]", `rules[0].displayed_within: expected a duration from 5s to 24h`},
		"bad rule":           {"users: [{name: A, email: a@b.c, rules: [{urgency: mid, method: fax, delay: soon}]}]", `rules[0].urgency: "mid" is not one of high, low`},
		"multi-line name":    {"services:\n  - name: |\n      a\n      b\n    policy: p", "services[0].name: it has line breaks"},
		"long name":          {"services: [{policy: p, name: " + strings.Repeat("x", maxName+1) + "}]", "services[0].name: it has more than 120 characters"},
		"bad duration":       {"services: [{name: S, policy: p, ack_timeout: 30}]", "services[0].ack_timeout: expected a duration like 30s, 5m or 2h30m"},
		"long duration":      {"policies: [{name: P, levels: [{delay: 25h, targets: [{schedule: s}]}]}]", "levels[0].delay: expected a duration from 1s to 24h"},
		"too fine":           {"policies: [{name: P, levels: [{delay: 1500us, targets: [{schedule: s}]}]}]", "levels[0].delay: expected a duration from 1s to 24h"},
		"bad loops":          {"policies: [{name: P, loops: 10, levels: [{targets: [{schedule: s}]}]}]", "policies[0].loops: expected a whole number from 0 to 9"},
		"no levels":          {"policies: [{name: P, levels: []}]", "policies[0].levels: a policy needs at least one level"},
		"no targets":         {"policies: [{name: P, levels: [{targets: []}]}]", "levels[0].targets: a level needs at least one target"},
		"empty target":       {"policies: [{name: P, levels: [{targets: [{}]}]}]", "targets[0]: a target is {user: e-mail} or {schedule: name}"},
		"double target":      {"policies: [{name: P, levels: [{targets: [{user: a@b.c, schedule: s}]}]}]", "targets[0]: a target is a user or a schedule, not both"},
		"bad turn":           {"schedules: [{name: S, rotation: {start: 2026-01-01 00:00, turn: 1 fortnight, users: [a@b.c]}}]", "rotation.turn: expected a turn like 12 hours, 1 day or 2 weeks"},
		"turn of nothing":    {"schedules: [{name: S, rotation: {start: 2026-01-01 00:00, turn: 0 days, users: [a@b.c]}}]", "rotation.turn: expected a turn like"},
		"bad start":          {"schedules: [{name: S, rotation: {start: monday, turn: 1 day, users: [a@b.c]}}]", "rotation.start: expected a date and time like"},
		"rotation of nobody": {"schedules: [{name: S, rotation: {start: 2026-01-01 00:00, turn: 1 day, users: []}}]", "rotation.users: a rotation needs somebody"},
		"bad routing key":    {"integrations: [{name: I, service: S, routing_key: ABC}]", "integrations[0].routing_key: a routing key is 32 characters"},
		"user twice":         {"users:\n  - {name: A, email: a@b.c}\n  - {name: B, email: A@B.c}", `line 3, users[1]: user "a@b.c" is there twice (first on line 2)`},
		"service twice":      {"services:\n  - {name: Shop, policy: p}\n  - {name: ' shop', policy: p}", `line 3, services[1]: service "shop" is there twice (first on line 2)`},
		"key for two":        {"integrations:\n  - {name: I, service: S, routing_key: 0123456789abcdefghijklmnopqrstuv}\n  - {name: J, service: S, routing_key: 0123456789abcdefghijklmnopqrstuv}", `line 3, integrations[1]: routing key "0123456789abcdefghijklmnopqrstuv" is there twice`},
		"tag":                {"users: [{name: !!str 5, email: a@b.c}]", "users[0].name: YAML tags (!!str) are not supported"},
		"merge key":          {"users:\n  - &a {name: A, email: a@b.c}\n  - <<: *a\n    email: b@b.c", "line 3, users[1].<<: expected one of the keys"},
		"alias to nothing":   {"users: [{name: *x, email: a@b.c}]", "users[0].name: the alias *x has no anchor &x"},
		"anchor twice":       {"users: [{name: &x A, email: &x a@b.c}]", "line 1: the anchor &x is defined twice"},
		"two documents":      {"users: []\n---\nservices: []", "a setup file is one YAML document"},
		"tab":                {"users:\n\t- a", "line 2: this is not valid YAML"},
		"not YAML":           {"users: [", "line 1: this is not valid YAML"},
		"not UTF-8":          {"users: \xff", "it is not UTF-8 text"},
		"nested brackets":    {"users: " + strings.Repeat("[", 100_000), "line 1: lists and maps are nested more than"},
		"nested dashes":      {strings.Repeat("- ", 100_000) + "a", "line 1: lists and maps are nested more than"},
		"too large":          {"#" + strings.Repeat("x", maxFile), "it is larger than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, line := range problemsOf(t, tc.file) {
				if strings.Contains(line, tc.want) {
					return
				}
			}
			t.Errorf("got %q, want one with %q", problemsOf(t, tc.file), tc.want)
		})
	}
}

// The parser's own message quotes the file around the mistake; a password must
// not reach a terminal or a log that way.
func TestSyntaxErrorsDoNotQuoteTheFile(t *testing.T) {
	t.Parallel()
	lines := problemsOf(t, "users:\n  - name: A\n    password: \"hunter2-secret\n  email: [\n")
	if len(lines) == 0 || strings.Contains(strings.Join(lines, ""), "hunter2") {
		t.Errorf("got %q", lines)
	}
}

func TestAllProblemsComeTogetherInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, "services:\n  - {name: S, urgency: loud}\nusers:\n  - {name: A, email: nope, role: boss}\nfoo: 1\n")
	var lines []string
	for _, one := range got {
		lines = append(lines, one[:strings.IndexByte(one, ':')])
	}
	want := []string{"line 2, services[0].urgency", "line 4, users[0].email", "line 4, users[0].role", "line 5, foo"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

func TestAtMostFiftyProblemsAreListed(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte("users:\n" + strings.Repeat("  - 1\n", 80)))
	var p *Problems
	if !errors.As(err, &p) || len(p.List) != 50 || p.More != 30 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"has 80 problems", "and 30 more"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// A file of a hundred kilobytes becomes two hundred thousand rules when its
// aliases are written out; the budget says so instead.
func TestAliasBombsFizzle(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("users:\n  - &u\n    name: A\n    email: a@b.c\n    rules: [&r {urgency: high, method: push}" + strings.Repeat(", *r", maxRules-1) + "]\n")
	b.WriteString(strings.Repeat("  - *u\n", maxList-1))
	if lines := problemsOf(t, b.String()); !strings.Contains(strings.Join(lines, "\n"), "it is too large when its aliases are written out") {
		t.Errorf("got %d problems, the first %q", len(lines), lines[0])
	}
	if lines := problemsOf(t, "users: &a [*a]"); len(lines) == 0 {
		t.Error("a list inside itself was accepted")
	}
}

func TestAliasesSaveWriting(t *testing.T) {
	t.Parallel()
	f, err := Parse([]byte("users:\n  - {name: A, email: a@b.c, rules: &r [{urgency: high, method: push, delay: 1m}]}\n  - {name: B, email: b@b.c, rules: *r}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []oncall.Rule{{Urgency: "high", Method: oncall.Push, Delay: time.Minute}}
	if diff := cmp.Diff(want, f.Users[1].Rules); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyFilesAndSectionsAreNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n", "users:\nservices: # none yet\n", "policies: []"} {
		if lines := problemsOf(t, text); lines != nil {
			t.Errorf("%q: %q", text, lines)
		}
	}
}

func TestTurnsAndMomentsAreReadInTheirForms(t *testing.T) {
	t.Parallel()
	nine := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for start, want := range map[string]struct {
		at    time.Time
		local bool
	}{
		"2026-11-02 09:00":            {nine, true},
		"2026-11-02T09:00":            {nine, true},
		"2026-11-02 09:00:00":         {nine, true},
		"2026-11-02T09:00:00":         {nine, true},
		"'2026-11-02T09:00:00Z'":      {nine, false},
		"'2026-11-02T10:00:00+01:00'": {nine, false},
	} {
		for turn, turnWant := range map[string]struct {
			n    int
			unit oncall.TurnUnit
		}{
			"1 week": {1, oncall.Weeks}, "2 weeks": {2, oncall.Weeks}, "12 hours": {12, oncall.Hours}, "1day": {1, oncall.Days},
			"{length: 3, unit: days}": {3, oncall.Days},
		} {
			f, err := Parse([]byte("schedules: [{name: S, rotation: {users: [a@b.c], start: " + start + ", turn: " + turn + "}}]"))
			if err != nil {
				t.Fatalf("%s, %s: %v", start, turn, err)
			}
			r := f.Schedules[0].Rotation
			if !r.Start.Equal(want.at) || r.Local != want.local || r.Turn != turnWant.n || r.Unit != turnWant.unit {
				t.Errorf("%s, %s: got %v %v %d %s", start, turn, r.Start, r.Local, r.Turn, r.Unit)
			}
		}
	}
}
