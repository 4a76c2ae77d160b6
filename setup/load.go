package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// maxSecret bounds a password file.
const maxSecret = 4096

// Load reads a setup file from disk ("-" is standard input) and the password
// files it names, relative to its own directory.
func Load(path string) (File, error) {
	data, err := slurp(path, maxFile)
	if err != nil {
		return File{}, err
	}
	f, err := Parse(data)
	if err != nil {
		return File{}, err
	}
	dir := filepath.Dir(path)
	return f, f.ReadPasswords(func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return slurp(name, maxSecret)
	})
}

// ReadPasswords fills in the passwords that stand in files of their own; read
// gets the names as written. Only the line's end is cut off.
func (f *File) ReadPasswords(read func(name string) ([]byte, error)) error {
	var problems Problems
	for i := range f.Users {
		u := &f.Users[i]
		if u.PasswordFile == "" {
			continue
		}
		data, err := read(u.PasswordFile)
		if err != nil {
			problems.add(u.at, "the password file of user %s cannot be read: %s", u.Email, reason(err))
			continue
		}
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if u.Password = strings.TrimSuffix(string(line), "\r"); u.Password == "" || len(bytes.TrimSpace(rest)) > 0 {
			problems.add(u.at, "the password file %s of user %s must hold the password on its first line and nothing else", u.PasswordFile, u.Email)
		}
	}
	return problems.err()
}

// reason is an error's sentence for people.
func reason(err error) string {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

// slurp reads a whole file of at most limit bytes; one byte more is enough for
// Parse to see that it is too large.
func slurp(path string, limit int64) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, openFault(path, err)
		}
		defer func() { _ = f.Close() }() // read only: nothing can be lost
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "unreadable_file", "%s cannot be read; is it a regular file?", path)
	}
	if limit == maxSecret && int64(len(data)) > limit {
		return nil, fault.New(fault.Invalid, "secret_too_large", "%s is larger than %d bytes; a password file holds one password", path, limit)
	}
	return data, nil
}

func openFault(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(err, fault.Invalid, "no_such_file", "there is no file %s; check the path", path)
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(err, fault.Invalid, "unreadable_file", "%s may not be read by this user; change its permissions", path)
	default:
		return fmt.Errorf("opening %s: %w", path, err)
	}
}
