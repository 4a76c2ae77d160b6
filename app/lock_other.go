//go:build !unix

package app

import (
	"errors"
	"os"
)

// takeLock is not known how on this system.
func takeLock(string) (*os.File, error) { return nil, errors.ErrUnsupported }
