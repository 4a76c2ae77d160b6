//go:build unix

package realtime

import (
	"net"
	"syscall"
)

// rawWriter writes to a socket with one system call and takes "not now" for
// an answer instead of parking the goroutine.
type rawWriter struct {
	conn syscall.RawConn
	// The call's arguments and results live here, and try is made once: a
	// closure per write would be an allocation per delivery. The wire's lock
	// guards them.
	try func(fd uintptr) bool
	p   []byte
	n   int
	err error
}

// newDirectWriter gives nil for connections that are no plain socket.
func newDirectWriter(c net.Conn) directWriter {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	w := &rawWriter{conn: raw}
	w.try = w.attempt
	return w
}

func (w *rawWriter) write(p []byte) (int, error) {
	w.p, w.n, w.err = p, 0, nil
	err := w.conn.Write(w.try)
	w.p = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// attempt always reports true, "do not wait": what did not fit is the wire's to keep.
func (w *rawWriter) attempt(fd uintptr) bool {
	for {
		n, err := syscall.Write(int(fd), w.p)
		switch err {
		case nil:
			w.n = n
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
		default:
			w.err = err
		}
		return true
	}
}
