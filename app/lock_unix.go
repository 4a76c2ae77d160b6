//go:build unix

package app

import (
	"errors"
	"os"
	"syscall"
)

// lockTries bounds how often the lock file may be taken away under our hands:
// each time a node has just stopped.
const lockTries = 10

// takeLock makes the file and locks it, or gives errHeld at once. The kernel
// drops the lock with the process, however that ends; a file that a killed
// process left behind is no lock.
func takeLock(path string) (*os.File, error) {
	for range lockTries {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil && isAt(f, path):
			return f, nil
		case err == nil, errors.Is(err, syscall.EINTR): // again
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(errHeld, f.Close())
		default:
			return nil, errors.Join(&os.PathError{Op: "flock", Path: path, Err: err}, dropLock(f))
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return nil, errHeld
}

// isAt reports whether the open file is still the one that path names.
func isAt(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}
