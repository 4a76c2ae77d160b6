package setup

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
)

// shelf is a Store in memory. moves is how many times somebody else changes
// the configuration just before an Apply.
type shelf struct {
	state   State
	moves   int
	applied int
}

func (s *shelf) Configuration(context.Context) (State, error) { return s.state, nil }

func (s *shelf) Apply(_ context.Context, c Changes) error {
	if s.moves > 0 {
		s.moves--
		s.state.Version++
	}
	if c.Version != s.state.Version {
		return fault.New(fault.Conflict, "configuration_moved", "the configuration has changed; import again")
	}
	s.state = after(s.state, c)
	s.applied++
	return nil
}

func TestApplyWritesOnce(t *testing.T) {
	t.Parallel()
	store, f := &shelf{}, parsed(t, base)
	if d, err := Apply(t.Context(), store, f, now); err != nil || d.Added != 6 {
		t.Fatalf("got %s, %v", d, err)
	}
	if d, err := Apply(t.Context(), store, f, now); err != nil || !d.Empty() || store.applied != 1 {
		t.Errorf("the second import: %s, %v, %d writes", d, err, store.applied)
	}
}

func TestApplyPlansAnewWhenTheConfigurationMoved(t *testing.T) {
	t.Parallel()
	store := &shelf{moves: 2}
	if d, err := Apply(t.Context(), store, parsed(t, base), now); err != nil || d.Changes.Version != 2 || store.applied != 1 {
		t.Errorf("got %s, %v, %d writes", d, err, store.applied)
	}
	store = &shelf{moves: 100}
	if _, err := Apply(t.Context(), store, parsed(t, base), now); !fault.Is(err, "configuration_moved") || store.moves != 95 {
		t.Errorf("it should give up after five tries: %v, %d moves left", err, store.moves)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadReadsPasswordFilesBesideTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pw", "correct horse\r\n")
	f, err := Load(write(t, dir, "setup.yaml", "users: [{name: A, email: a@b.c, password_file: pw}]"))
	if err != nil || f.Users[0].Password != "correct horse" {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestLoadSaysWhatIsWrongWithFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "two", "one\ntwo\n")
	write(t, dir, "empty", "\n")
	write(t, dir, "big", strings.Repeat("x", maxSecret+1))
	_, err := Load(write(t, dir, "setup.yaml", `users:
  - {name: A, email: a@b.c, password_file: two}
  - {name: B, email: b@b.c, password_file: empty}
  - {name: C, email: c@b.c, password_file: big}
  - {name: D, email: d@b.c, password_file: none}
`))
	lines := problemLines(t, err)
	for i, want := range []string{"nothing else", "nothing else", "larger than 4096 bytes", "there is no file"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("problem %d: want %q in %q", i, want, lines)
		}
	}
	if _, err := Load(filepath.Join(dir, "gone.yaml")); !fault.Is(err, "no_such_file") || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Load(dir); !fault.Is(err, "unreadable_file") {
		t.Errorf("a directory: got %v", err)
	}
}

// A password file that nobody has read must not import a person without the
// password they were meant to have.
func TestUnreadPasswordFilesAreAProblem(t *testing.T) {
	t.Parallel()
	_, err := Plan(parsed(t, "users: [{name: A, email: a@b.c, password_file: pw}]"), State{}, now)
	if lines := problemLines(t, err); len(lines) != 1 || !strings.Contains(lines[0], `the password file "pw" of user a@b.c was not read`) {
		t.Errorf("got %q", lines)
	}
}
