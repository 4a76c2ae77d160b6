package realtime

import (
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// phase is where a connection stands.
type phase int

const (
	// greeting: upgraded; nothing but a hello is allowed.
	greeting phase = iota
	// live: the shard sends it what the ring has after its cursor.
	live
	// replaying: its cursor is older than the ring; the replayer has it.
	replaying
	// waiting: its cursor was declared void; it takes a snapshot and says hello.
	waiting
	// closed: a close frame was sent or the peer is gone. Final.
	closed
)

// socket is one connection: in essence a cursor into the log.
type socket struct {
	hub   *Hub
	shard *shard
	ws    *websocket.Conn
	wire  *wire
	name  string // for the log and the welcome

	// heard is when the client last said anything, in nanoseconds since the
	// hub began: the reader writes it without the lock.
	heard atomic.Int64

	mu     sync.Mutex
	phase  phase
	gen    int   // of the ring when the cursor was accepted
	cursor int64 // the last sequence number sent, or passed over in silence
	view   view
	viewer Viewer
	doing  int       // actions under way
	began  time.Time // when it was upgraded
	sent   time.Time // the last events frame or ping
	pinged time.Time // zero unless an answer is awaited
	beat   time.Time // when silence calls for a ping

	allowance allowance // the reader only
	place     place     // the shard's goroutine only
	seat      int       // the shard's goroutine only: index among its sockets
	serving   bool      // under shard.mu: noted in its inbox
	queued    bool      // under replay.mu: noted in its queue
	device    string    // under hub.mu: the key it has claimed, "" for none
}

// advance sends the next batch after the cursor, if the source has one and the
// wire is free. It is the one step of live, slow and resuming sockets alike; in
// says on whose behalf, as a socket has one sender at a time. more tells that
// it is worth calling again at once.
func (s *socket) advance(in phase, st stand, src frameSource) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != in || s.wire.busy() || s.voidLocked(st) || s.cursor >= st.head {
		return false, nil
	}
	if in == live && s.cursor+1 < st.low {
		s.phase = replaying
		s.hub.replay.add(s)
		return false, nil
	}
	b, ok, err := src.next(s.cursor, s.view)
	if err != nil || !ok {
		return false, err
	}
	if b.message != nil {
		if err := s.ws.WritePreparedMessage(b.message); err != nil {
			s.hangUpLocked()
			return false, nil
		}
		s.sent = time.Now()
		s.shard.frames.Add(1)
	}
	s.cursor = b.to
	return s.cursor < st.head, nil
}

// voidLocked resets a socket whose cursor belongs to a log that is no more.
func (s *socket) voidLocked(st stand) bool {
	if s.gen == st.gen {
		return false
	}
	s.resetLocked(st, st.why)
	return true
}

// resetLocked tells the client that its cursor is void and waits for a hello.
func (s *socket) resetLocked(st stand, why string) {
	s.phase = waiting
	s.hub.metrics.resets.Add(1, why)
	s.sendLocked(ServerFrame{Reset: &Reset{Epoch: st.epoch, Head: st.head, Why: why}})
}

// send writes one frame unless the connection is over.
func (s *socket) send(f ServerFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(f)
}

func (s *socket) sendLocked(f ServerFrame) {
	if s.phase == closed {
		return
	}
	body, err := json.Marshal(f)
	if err == nil {
		err = s.writeLocked(body)
	}
	if err != nil {
		s.hub.log.Debug("writing to a socket failed", "conn", s.name, "error", err)
		s.hangUpLocked()
		return
	}
	if s.wire.overflowed() {
		s.closeLocked(CloseSlow, "you are not reading; come back and resume")
	}
}

// writeBuffer is the size of the pooled buffers in which small frames are
// built. A longer frame is prepared: gorilla would write it in two pieces, and
// the wire wants whole frames.
const writeBuffer = 1 << 10

func (s *socket) writeLocked(body []byte) error {
	if len(body) <= writeBuffer {
		return s.ws.WriteMessage(websocket.TextMessage, body)
	}
	message, err := websocket.NewPreparedMessage(websocket.TextMessage, body)
	if err != nil {
		return err
	}
	return s.ws.WritePreparedMessage(message)
}

// close ends the connection with a code and a reason; the first one counts.
// The peer then has closeWait to answer, so that the word arrives before the
// connection is torn down.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked(code, reason)
}

func (s *socket) closeLocked(code int, reason string) {
	if s.phase == closed {
		return
	}
	s.phase = closed
	s.hub.metrics.closed.Add(1, strconv.Itoa(code))
	s.hub.log.Debug("closing a socket", "conn", s.name, "user", s.viewer.UserID, "code", code, "reason", reason)
	if code == CloseSlow {
		s.wire.cut()
	}
	frame := websocket.FormatCloseMessage(code, trimReason(reason))
	err := s.ws.WriteControl(websocket.CloseMessage, frame, time.Time{})
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		_ = s.wire.Close()
		return
	}
	_ = s.wire.SetReadDeadline(time.Now().Add(closeWait))
}

// hangUpLocked ends a connection that can no longer be spoken to.
func (s *socket) hangUpLocked() {
	if s.phase != closed {
		s.phase = closed
		s.hub.metrics.closed.Add(1, "gone")
	}
	_ = s.wire.Close()
}

// leave is the reader's last act: nobody else frees a socket.
func (s *socket) leave() {
	s.mu.Lock()
	s.hangUpLocked()
	s.mu.Unlock()
	s.hub.forget(s)
}

// over reports whether the connection is closing.
func (s *socket) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == closed
}

// The wire's keeper.

func (s *socket) backlog(flush func()) {
	s.hub.metrics.slow.Add(1)
	s.hub.lives.Go(flush)
}

// drained gives the socket back to whoever was sending to it.
func (s *socket) drained() {
	s.mu.Lock()
	p := s.phase
	s.mu.Unlock()
	switch p {
	case live:
		s.shard.serve(s)
	case replaying:
		s.hub.replay.add(s)
	}
}

func (s *socket) stalled() {
	s.close(CloseSlow, "you are not reading; come back and resume")
}
