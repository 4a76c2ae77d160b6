package realtime

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// wire is the net.Conn beneath gorilla whose Write never blocks.
//
// What the kernel takes at once is gone; what it refuses is kept, up to
// keptMost, and a flush goroutine exists for as long as something is kept.
// So a shard that serves ten thousand sockets never waits for one of them,
// and an idle or fast socket costs no goroutine and no buffer.
//
// Each Write must be a whole WebSocket frame: what has not begun to leave can
// then be dropped (cut) without breaking the stream for the peer.
type wire struct {
	net.Conn
	// direct writes without waiting; nil where the connection cannot (TLS,
	// pipes), and then everything goes through the flush goroutine.
	direct directWriter
	keeper keeper

	mu       sync.Mutex
	kept     [][]byte
	size     int
	begun    bool // the first bytes of kept[0] may be on the wire already
	flushing bool
	full     bool // something was dropped: the stream is over
	closed   bool
}

// directWriter writes what fits at once and gives how much that was.
type directWriter interface {
	write(p []byte) (int, error)
}

// keeper is who owns a wire.
type keeper interface {
	// backlog starts flush on a goroutine that the owner waits for.
	backlog(flush func())
	// drained tells that nothing is kept any more.
	drained()
	// stalled tells that the peer does not read.
	stalled()
}

func newWire(c net.Conn, k keeper) *wire {
	return &wire{Conn: c, direct: newDirectWriter(c), keeper: k}
}

// Write takes all of p or fails for good. It keeps no reference to p.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, net.ErrClosed
	}
	n := 0
	if w.direct != nil && !w.flushing {
		var err error
		if n, err = w.direct.write(p); err != nil {
			return n, err
		}
	}
	if n < len(p) {
		w.keep(p[n:], n > 0)
	}
	return len(p), nil
}

// keep stores the rest of a frame and sees to it that somebody flushes. What
// would pass the limit is dropped and the wire marked full; the owner closes.
func (w *wire) keep(rest []byte, begun bool) {
	if w.size+len(rest) > keptMost {
		w.full = true
		return
	}
	if len(w.kept) == 0 {
		w.begun = begun
	}
	w.kept = append(w.kept, append([]byte(nil), rest...))
	w.size += len(rest)
	if !w.flushing {
		w.flushing = true
		w.keeper.backlog(w.flush)
	}
}

// busy reports whether something is kept: then there is no use in sending more.
func (w *wire) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flushing
}

// overflowed reports whether a frame had to be dropped.
func (w *wire) overflowed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}

// cut drops every frame that has not begun to leave and makes room again, so
// that a close frame still follows at a frame's boundary.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	whole := 0
	if w.begun && len(w.kept) > 0 {
		whole = 1
	}
	for _, frame := range w.kept[whole:] {
		w.size -= len(frame)
	}
	clear(w.kept[whole:])
	w.kept = w.kept[:whole]
	w.full = false
}

// flush writes what is kept until nothing is, or the peer stands still.
func (w *wire) flush() {
	until := time.Now().Add(flushWait)
	for {
		chunk := w.chunk()
		if chunk == nil {
			w.keeper.drained()
			return
		}
		n, err := w.writeBy(chunk, until)
		w.took(n)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			// The owner closes, with a word if the peer still takes one: the
			// loop goes on for that until the owner closes the connection.
			until = time.Now().Add(flushWait)
			w.keeper.stalled()
		default:
			_ = w.Close()
			return
		}
	}
}

func (w *wire) writeBy(chunk []byte, until time.Time) (int, error) {
	by := time.Now().Add(stallWait)
	if until.Before(by) {
		by = until
	}
	if err := w.Conn.SetWriteDeadline(by); err != nil {
		return 0, err
	}
	return w.Conn.Write(chunk)
}

// chunk gives the next bytes to write, or nil after ending the flush. The
// deadline is lifted before the next Write may go the direct way.
func (w *wire) chunk() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) == 0 {
		if !w.closed {
			_ = w.Conn.SetWriteDeadline(time.Time{})
		}
		w.kept, w.flushing = nil, false
		return nil
	}
	w.begun = true
	const most = 16 << 10 // so that stallWait measures progress
	return w.kept[0][:min(len(w.kept[0]), most)]
}

// took notes that n bytes of the last chunk have left.
func (w *wire) took(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) == 0 {
		return // closed meanwhile
	}
	w.size -= n
	if w.kept[0] = w.kept[0][n:]; len(w.kept[0]) == 0 {
		w.kept[0] = nil
		w.kept, w.begun = w.kept[1:], false
	}
}

// Close ends the connection and drops what is kept; a flush then ends by itself.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.kept, w.size, w.begun = nil, 0, false
	w.mu.Unlock()
	return w.Conn.Close()
}

// SetWriteDeadline does nothing: gorilla sets one for every frame, and here
// only a flush waits, with deadlines of its own.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
