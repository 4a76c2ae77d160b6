//go:build !unix

package realtime

import "net"

// newDirectWriter has no non-blocking write here: the flush goroutine does all.
func newDirectWriter(net.Conn) directWriter { return nil }
