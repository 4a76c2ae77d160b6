package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// coalesceLimit bounds what may wait to be written; beyond it Write blocks,
	// so a stuck peer cannot make us hold more than this.
	coalesceLimit = 256 << 10
	// coalesceStall is how long one write may take before the peer counts as
	// gone: it does not even take bytes into its kernel's buffer.
	coalesceStall = 15 * time.Second
	// coalesceFarewell is how long Close lets the last write take.
	coalesceFarewell = time.Second
)

// Coalesce wraps c so that writes made while another is on its way leave
// together in one. HTTP/2 flushes every frame by itself, which costs a TLS
// record and a system call for each half of a push; together they cost one
// for many. An idle connection still writes at once, there is no timer.
//
// Write reports success before the bytes have left; a failure closes the
// connection and shows at the next Write or Read. Close waits for the writer.
func Coalesce(c net.Conn) net.Conn {
	q := &coalescer{Conn: c, done: make(chan struct{})}
	q.changed.L = &q.mu
	go q.run()
	return q
}

type coalescer struct {
	net.Conn
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	changed sync.Cond // waiting grew, shrank, or err was set
	waiting []byte
	spare   []byte // the buffer written last, to be filled next
	err     error
}

// Write queues p. It blocks only while the queue is at its limit.
func (q *coalescer) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && len(q.waiting) > 0 && len(q.waiting)+len(p) > coalesceLimit {
		q.changed.Wait()
	}
	if q.err != nil {
		return 0, q.err
	}
	q.waiting = append(q.waiting, p...)
	q.changed.Broadcast()
	return len(p), nil
}

// run is the one writer; it ends with the first error, or after Close with
// the last byte.
func (q *coalescer) run() {
	defer close(q.done)
	for {
		batch, ok := q.take()
		if !ok {
			return
		}
		_, err := q.Conn.Write(batch)
		q.gave(batch, err)
		if err != nil {
			_ = q.Conn.Close()
		}
	}
}

func (q *coalescer) take() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.err == nil && len(q.waiting) == 0 {
		q.changed.Wait()
	}
	if len(q.waiting) == 0 {
		return nil, false
	}
	stall := coalesceStall
	if q.err != nil {
		stall = coalesceFarewell
	}
	// Under the lock, so that Close cannot be overruled. An error only means
	// that the connection is closed; the write tells.
	_ = q.SetWriteDeadline(time.Now().Add(stall))
	batch := q.waiting
	q.waiting = q.spare[:0]
	q.spare = nil
	return batch, true
}

func (q *coalescer) gave(batch []byte, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = batch
	if err != nil {
		if q.err == nil {
			q.err = err
		}
		q.waiting = nil
	}
	q.changed.Broadcast()
}

// Close lets what was written leave, for a moment at most, and ends the writer
// and the connection.
func (q *coalescer) Close() error {
	q.mu.Lock()
	if q.err == nil {
		q.err = net.ErrClosed
		_ = q.SetWriteDeadline(time.Now().Add(coalesceFarewell))
	}
	q.changed.Broadcast()
	q.mu.Unlock()
	<-q.done
	if err := q.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// ConnectionState passes the TLS state through to whoever asks the wrapper.
func (q *coalescer) ConnectionState() tls.ConnectionState {
	if t, ok := q.Conn.(*tls.Conn); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}
