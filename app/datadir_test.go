package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSecretIsMadeOnceAndKept(t *testing.T) {
	c := Config{DataDir: t.TempDir()}
	var u undo
	first, err := instanceSecret(c, &u)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(c.DataDir, "secret"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v, %v; want mode 0600", info, err)
	}
	second, err := instanceSecret(c, &u)
	if err != nil || string(second) != string(first) || len(first) < minSecret {
		t.Errorf("the second start reads %q (%v), the first made %q", second, err, first)
	}
	if left, _ := os.ReadDir(c.DataDir); len(left) != 1 {
		t.Errorf("more than the secret was left: %v", left)
	}
	u.run()
	if left, _ := os.ReadDir(c.DataDir); len(left) != 0 {
		t.Errorf("undo left %v", left)
	}
}

func TestADamagedSecretIsNotReplaced(t *testing.T) {
	c := Config{DataDir: t.TempDir()}
	path := filepath.Join(c.DataDir, "secret")
	if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := instanceSecret(c, new(undo)); err == nil || !strings.Contains(err.Error(), "restore it from your backup") {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "x\n" {
		t.Errorf("the file now holds %q", text)
	}
}

func TestUndoRemovesOnlyWhatThisStartMade(t *testing.T) {
	base := t.TempDir()
	var u undo
	if err := makeDir(filepath.Join(base, "a", "b"), dataDir, &u); err != nil {
		t.Fatal(err)
	}
	u.run()
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	if err := makeDir(base, dataDir, &u); err != nil {
		t.Fatal(err)
	}
	u.run()
	if _, err := os.Stat(base); err != nil {
		t.Errorf("a directory that was there before is gone: %v", err)
	}
}

// TestADataDirThatCannotBe uses a file in the way, which stops root too.
func TestADataDirThatCannotBe(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Join(file, "data"), file} {
		var u undo
		if err := makeDir(dir, dataDir, &u); err == nil || !strings.Contains(err.Error(), "choose another with data_dir") {
			t.Errorf("%s: %v", dir, err)
		}
		u.run()
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("the file in the way was removed")
	}
}
