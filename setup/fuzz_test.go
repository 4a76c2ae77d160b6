package setup

import (
	"errors"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// FuzzParseAndPlan: any bytes either give problems with a sentence, or a plan
// that a second import does not change.
func FuzzParseAndPlan(f *testing.F) {
	f.Add([]byte(base))
	f.Add(example)
	f.Add([]byte("users: [{name: &a A, email: a@b.c, rules: []}, {name: *a, email: b@b.c}]"))
	f.Add([]byte("schedules: [{name: S, rotation: {start: 2026-01-01 00:00, turn: {length: 2, unit: days}, users: []}}]"))
	f.Add([]byte(support))
	f.Add([]byte("? [a]\n: {<<: *x}\n--- !t |2+\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			refused(t, err)
			return
		}
		for i := range file.Users {
			// argon2id would be all that the fuzzer ever tries.
			file.Users[i].Password, file.Users[i].PasswordFile, file.Users[i].PasswordHash = "", "", ""
		}
		at := time.Unix(1_800_000_000, 0)
		d, err := Plan(file, State{}, at)
		if err != nil {
			refused(t, err)
			return
		}
		again, err := Plan(file, after(State{}, d.Changes), at)
		if err != nil || !again.Empty() {
			t.Fatalf("the second plan: %v %s", err, again)
		}
	})
}

func refused(t *testing.T, err error) {
	t.Helper()
	var p *Problems
	if !errors.As(err, &p) || fault.KindOf(err) != fault.Invalid || len(p.List) == 0 || len(p.List) > maxProblems {
		t.Fatalf("refused with %v", err)
	}
	for _, one := range p.List {
		if one.Text == "" {
			t.Fatalf("a problem without words: %+v", one)
		}
	}
}
