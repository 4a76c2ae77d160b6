//go:build !crashpoints

package crash

// Here does nothing in this build.
func Here(string) {}
