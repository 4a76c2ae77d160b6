//go:build unix

package app

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// lockHolder, in the environment, makes the test binary a process that holds
// this lock until it is killed.
const lockHolder = "TEST_LOCK_HOLDER"

func TestASecondNodeOnOneSQLiteFileIsRefused(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c := testConfig(t)
	first, _ := startApp(t, c)
	link := filepath.Join(t.TempDir(), "other.db")
	if err := os.Symlink(c.databaseURL(), link); err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{c.databaseURL(), link} {
		other := testConfig(t) // its own port and data directory
		other.Database = database
		second, _ := newApp(t, other)
		err := second.Start(t.Context())
		if err == nil {
			stopApp(t, second)
			t.Fatalf("a second node runs on %s", database)
		}
		if said := Sentence(err); !strings.Contains(said, database+"; stop it first, or give this one its own data_dir") || strings.Contains(said, "\n") {
			t.Errorf("%s: %q does not say what to do", database, said)
		}
		if _, err := os.Stat(other.DataDir); err == nil {
			t.Error("the refused node left its data directory behind")
		}
	}
	if status, body := get(t, first.URL()+"/readyz"); status != 200 {
		t.Errorf("the first node is disturbed: %d %s", status, body)
	}
	if _, _, err := Migrate(t.Context(), c, Options{}); err != nil {
		t.Errorf("a command beside the node: %v", err)
	}
	stopApp(t, first)
	if left, _ := filepath.Glob(filepath.Join(c.DataDir, "*.lock")); len(left) != 0 {
		t.Errorf("a stopped node left %v", left)
	}
	next, _ := startApp(t, c)
	stopApp(t, next)
}

// TestAFailedStartLeavesNoLock fails after the lock, in a directory that was
// there before and therefore stays.
func TestAFailedStartLeavesNoLock(t *testing.T) {
	c := testConfig(t)
	newerDatabase(t, &c)
	a, _ := newApp(t, c)
	if err := a.Start(t.Context()); err == nil {
		stopApp(t, a)
		t.Fatal("it started")
	}
	if left, _ := filepath.Glob(filepath.Join(c.DataDir, "*.lock")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestAKilledProcessHoldsNoLock(t *testing.T) {
	if path := os.Getenv(lockHolder); path != "" {
		holdUntilKilled(t, path)
	}
	path := filepath.Join(t.TempDir(), "nightbell.db.lock")
	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessHoldsNoLock$")
	holder.Env = append(os.Environ(), lockHolder+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "held\n" {
		t.Errorf("the holder says %q, %v", line, err)
	}
	if _, err := takeLock(path); !errors.Is(err, errHeld) {
		t.Errorf("beside a living process: %v", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = holder.Wait() // it was killed
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file should have been left behind: %v", err)
	}
	file, err := takeLock(path)
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	if err := dropLock(file); err != nil {
		t.Error(err)
	}
}

func holdUntilKilled(t *testing.T, path string) {
	file, err := takeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("held\n"); err != nil {
		t.Fatal(err)
	}
	<-t.Context().Done() // killed before
	t.Fatal(dropLock(file))
}
