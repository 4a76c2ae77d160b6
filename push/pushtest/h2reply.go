package pushtest

import (
	"strconv"
	"time"

	"golang.org/x/net/http2"
)

// h2reply answers one stream.
type h2reply struct {
	c  *h2conn
	id uint32
}

func (r h2reply) answer(a answer) {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.streams[r.id]
	if !ok {
		return // reset, or gone with a GOAWAY
	}
	c.hbuf.Reset()
	_ = c.henc.WriteField(field(":status", strconv.Itoa(a.status)))
	for _, f := range a.header {
		// Ids differ each time: indexing them would only churn the table.
		f.Sensitive = f.Name == "apns-id"
		_ = c.henc.WriteField(f)
	}
	_ = c.fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: r.id, BlockFragment: c.hbuf.Bytes(), EndHeaders: true, EndStream: len(a.body) == 0,
	})
	s.pending = a.body
	c.sendLocked(r.id, s)
}

// sendLocked writes what the windows allow and forgets the stream at its end.
func (c *h2conn) sendLocked(id uint32, s *stream) {
	for len(s.pending) > 0 {
		n := min(int64(len(s.pending)), s.window, c.window, 16<<10)
		if n <= 0 {
			return
		}
		s.window -= n
		c.window -= n
		_ = c.fr.WriteData(id, int(n) == len(s.pending), s.pending[:n])
		s.pending = s.pending[n:]
	}
	delete(c.streams, id)
	if c.leaving && len(c.streams) == 0 {
		c.closeSoon()
	}
}

// flushLocked goes on with answers that waited for the client's window.
func (c *h2conn) flushLocked() {
	for id, s := range c.streams {
		if len(s.pending) > 0 {
			c.sendLocked(id, s)
		}
	}
}

// lingering is how long a connection that is done waits for the client to
// close it.
const lingering = 2 * time.Second

// closeSoon ends the connection once the client has closed its side, or soon.
// To close with unread requests in the socket would reset it, and the client
// would never read the GOAWAY.
func (c *h2conn) closeSoon() {
	_ = c.nc.SetReadDeadline(time.Now().Add(lingering))
}

func (r h2reply) refuse() { r.c.reset(r.id, http2.ErrCodeRefusedStream) }

func (r h2reply) goAway(reason string) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.c.leaving {
		// A second GOAWAY may only lower the promise; this stream was promised.
		delete(r.c.streams, r.id)
		_ = r.c.fr.WriteRSTStream(r.id, http2.ErrCodeRefusedStream)
		return
	}
	r.c.leaveLocked(r.id-1, reason)
	if len(r.c.streams) == 0 {
		r.c.closeSoon()
	}
}

func (r h2reply) cut() { r.c.drop() }

// drop closes without goodbye: no TLS alert, no GOAWAY. The reader notices and
// cleans up.
func (c *h2conn) drop() { _ = c.raw.Close() }
