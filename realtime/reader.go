package realtime

import (
	"errors"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/fault"
)

// read is the socket's own goroutine. It stays shallow while it waits: ten
// thousand idle stacks are ten thousand times what the loop needs.
func (s *socket) read() {
	defer s.leave()
	for {
		kind, r, err := s.ws.NextReader()
		if err != nil {
			return
		}
		if s.over() {
			continue // only the peer's close frame is awaited now
		}
		if !s.receive(kind, r) {
			return
		}
	}
}

// receive takes one message. ok is false when the connection broke in it.
func (s *socket) receive(kind int, r io.Reader) (ok bool) {
	buf := s.hub.buffers.Get().(*[maxMessage + 1]byte) // an idle reader holds none
	defer s.hub.buffers.Put(buf)
	n, err := io.ReadFull(r, buf[:])
	switch {
	case err == nil:
		s.close(CloseProtocol, "a message must not be longer than 16 KB")
		return true
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return false
	}
	s.heard.Store(int64(time.Since(s.hub.began)))
	switch {
	case kind != websocket.TextMessage:
		s.close(CloseProtocol, "frames are text")
	case !s.allowance.spend(time.Now()):
		s.close(CloseProtocol, "too many messages")
	default:
		s.understand(buf[:n])
	}
	return true
}

func (s *socket) understand(raw []byte) {
	f, err := DecodeClient(raw)
	if err != nil {
		var why *fault.Error
		errors.As(err, &why)
		s.close(CloseProtocol, why.Message)
		return
	}
	s.mu.Lock()
	at := s.phase
	s.mu.Unlock()
	switch {
	case f.Hello != nil && (at == live || at == replaying):
		s.close(CloseProtocol, "hello again only after a reset")
	case f.Hello != nil:
		s.greet(f.Hello)
	case at == greeting:
		s.close(CloseProtocol, "the first frame must be hello")
	case f.Token != nil:
		s.renew(*f.Token)
	case f.Do != nil:
		s.perform(f.Do)
	case f.Ack != nil:
		s.acknowledged(*f.Ack)
	}
}

// acknowledged checks what the client says it has. It changes nothing (the
// cursor that counts is the client's own) but it keeps the connection warm and
// catches a client that has mixed up its cursors before it loses events.
func (s *socket) acknowledged(seq int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if (s.phase == live || s.phase == replaying) && seq > s.cursor {
		s.closeLocked(CloseProtocol, "ack of something that was not sent")
	}
}

// answerPing answers WebSocket's own ping, at the price of a message: an
// endless stream of them must not make us write without end.
func (s *socket) answerPing(data string) error {
	s.heard.Store(int64(time.Since(s.hub.began)))
	if !s.allowance.spend(time.Now()) {
		s.close(CloseProtocol, "too many messages")
	}
	err := s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Time{})
	if s.wire.overflowed() {
		s.stalled()
	}
	if errors.Is(err, websocket.ErrCloseSent) {
		return nil // closing; go on reading for the peer's answer
	}
	return err
}

// allowance bounds how often a client may speak: messageBurst at once,
// messageRate per second in the long run. Used by the reader alone.
type allowance struct {
	left float64
	at   time.Time
}

func (a *allowance) refill(now time.Time) { a.left, a.at = messageBurst, now }

func (a *allowance) spend(now time.Time) bool {
	a.left = min(messageBurst, a.left+now.Sub(a.at).Seconds()*messageRate)
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
