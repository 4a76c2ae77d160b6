//go:build !unix

package app

// freeSpace is not asked for on this system.
func freeSpace(string) (bytes uint64, known bool) { return 0, false }

// openFiles is not limited on this system.
func openFiles() (limit uint64, known bool) { return 0, false }
