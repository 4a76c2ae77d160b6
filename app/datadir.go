package app

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const secretName = "secret"

// dataDir is the setting of the directory that holds the SQLite file and the
// secret.
const dataDir = "data_dir"

// undo takes back what a start that failed has put on the disk, so that
// nothing half-done remains. Only what this start itself made is removed.
type undo []func()

func (u *undo) add(f func()) { *u = append(*u, f) }

func (u *undo) run() {
	for i := len(*u) - 1; i >= 0; i-- {
		(*u)[i]()
	}
	*u = nil
}

// makeDir creates dir and its missing parents. What it created is removed by
// u, with all that was put inside meanwhile. setting is where the directory is
// chosen, for the sentence that says what to do.
func makeDir(dir, setting string, u *undo) error {
	made := ""
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = d
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		if made != "" {
			removeEmpty(dir, made)
		}
		return fmt.Errorf("the directory %s cannot be made: %w; create it and give it to the user Nightbell runs as, or choose another with %s", dir, reason(err), setting)
	}
	if made != "" {
		u.add(func() { os.RemoveAll(made) })
	}
	return writable(dir, setting)
}

// removeEmpty takes back the directories a failed MkdirAll left behind.
func removeEmpty(dir, upTo string) {
	for d := filepath.Clean(dir); len(d) >= len(upTo); d = filepath.Dir(d) {
		os.Remove(d)
	}
}

// writable tries the directory out: permission bits do not tell of read-only
// mounts or full disks.
func writable(dir, setting string) error {
	f, err := os.CreateTemp(dir, ".nightbell-*")
	if err != nil {
		return fmt.Errorf("the directory %s cannot be written: %w; give it to the user Nightbell runs as, or choose another with %s", dir, reason(err), setting)
	}
	f.Close()
	return os.Remove(f.Name())
}

// reason strips the path of a file in the directory, which says no more than
// the directory's.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// instanceSecret gives the configured secret, or the one kept in the data
// directory, or a new one that is kept there from now on.
func instanceSecret(c Config, u *undo) ([]byte, error) {
	if c.Secret != "" {
		return []byte(c.Secret), nil
	}
	path := filepath.Join(c.DataDir, secretName)
	text, err := readBounded(path, maxSecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return newSecret(path, u)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the instance secret: %w; give it to the user Nightbell runs as, or set secret_file", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the instance secret in %s is damaged (%d characters, at least %d wanted); restore it from your backup", path, len(secret), minSecret)
	}
	return []byte(secret), nil
}

// newSecret writes 256 random bits, complete or not at all: a half-written
// secret would be taken for the real one at the next start.
func newSecret(path string, u *undo) ([]byte, error) {
	var random [32]byte
	rand.Read(random[:])
	secret := base64.RawStdEncoding.EncodeToString(random[:])
	if err := writeNew(path, secret+"\n"); err != nil {
		return nil, fmt.Errorf("keeping the instance secret: %w", err)
	}
	u.add(func() { os.Remove(path) })
	return []byte(secret), nil
}

// writeNew writes a file only its owner may read, durably, by way of a
// temporary name beside it.
func writeNew(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".nightbell-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
