package pushtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/nightbell/nightbell/push/wire"
)

// The emulator speaks HTTP/2 by itself: net/http's server can neither change
// the number of streams on a live connection, as APNs does, nor refuse one
// stream, nor say GOAWAY with a reason; and it costs several times as much.

const (
	h2StreamWindow = 1 << 20 // more than any body we read
	h2ConnWindow   = 1 << 30
)

// h2conn is one HTTP/2 connection of a client.
type h2conn struct {
	nc      net.Conn
	raw     net.Conn // beneath TLS
	handler func(*call)
	session *session

	mu       sync.Mutex // guards writing and everything below
	fr       *http2.Framer
	henc     *hpack.Encoder
	hbuf     bytes.Buffer
	streams  map[uint32]*stream
	last     uint32 // highest stream id seen
	limit    int    // concurrent streams we allow
	leaving  bool   // GOAWAY was sent: no new streams
	keep     uint32 // the highest stream still served while leaving
	window   int64  // what we may still send on the connection
	initial  int64  // window of a new stream
	received int64  // since the last connection window update
}

// stream is a request that has not been answered, or whose answer waits for
// the client's window.
type stream struct {
	call    *call
	whole   bool // the request has arrived entirely
	window  int64
	pending []byte
}

func newH2(nc *tls.Conn, limit int, handler func(*call)) *h2conn {
	c := &h2conn{
		nc: wire.Coalesce(nc), raw: nc.NetConn(), handler: handler, limit: limit,
		streams: map[uint32]*stream{}, window: 65535, initial: 65535,
	}
	c.session = &session{raise: c.raise}
	c.fr = http2.NewFramer(c.nc, c.nc)
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.fr.MaxHeaderListSize = 16 << 10
	c.fr.SetMaxReadFrameSize(16 << 10)
	c.fr.SetReuseFrames()
	c.henc = hpack.NewEncoder(&c.hbuf)
	return c
}

// serve runs the connection until it ends. The caller owns the goroutine.
func (c *h2conn) serve() {
	defer c.nc.Close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c.nc, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	c.mu.Lock()
	_ = c.fr.WriteSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.limit)},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: h2StreamWindow},
	)
	_ = c.fr.WriteWindowUpdate(0, h2ConnWindow-65535)
	c.mu.Unlock()
	for {
		f, err := c.fr.ReadFrame()
		if err != nil {
			var se http2.StreamError
			if errors.As(err, &se) {
				c.reset(se.StreamID, se.Code)
				continue
			}
			return
		}
		if !c.frame(f) {
			return
		}
	}
}

// frame handles one frame and reports whether the connection goes on.
func (c *h2conn) frame(f http2.Frame) bool {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		c.headers(f)
	case *http2.DataFrame:
		c.data(f)
	case *http2.RSTStreamFrame:
		c.mu.Lock()
		delete(c.streams, f.StreamID)
		c.mu.Unlock()
	case *http2.SettingsFrame:
		c.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			c.mu.Lock()
			_ = c.fr.WritePing(true, f.Data)
			c.mu.Unlock()
		}
	case *http2.WindowUpdateFrame:
		c.grant(f.StreamID, int64(f.Increment))
	case *http2.GoAwayFrame:
		c.mu.Lock()
		idle := len(c.streams) == 0
		c.leaving, c.keep = true, c.last
		c.mu.Unlock()
		return !idle
	}
	return true
}

func (c *h2conn) headers(f *http2.MetaHeadersFrame) {
	c.mu.Lock()
	if s, ok := c.streams[f.StreamID]; ok { // trailers end the body
		ready := f.StreamEnded() && !s.whole
		s.whole = s.whole || ready
		c.mu.Unlock()
		if ready {
			c.handler(s.call)
		}
		return
	}
	if c.leaving && f.StreamID > c.keep {
		c.mu.Unlock()
		return // the client was told; it resends elsewhere
	}
	c.last = max(c.last, f.StreamID)
	if len(c.streams) >= c.limit {
		_ = c.fr.WriteRSTStream(f.StreamID, http2.ErrCodeRefusedStream)
		c.mu.Unlock()
		return
	}
	s := &stream{window: c.initial, whole: f.StreamEnded()}
	s.call = &call{
		method: f.PseudoValue("method"), path: f.PseudoValue("path"), fields: f.RegularFields(),
		overlong: f.Truncated, conn: c.session, reply: h2reply{c, f.StreamID},
	}
	c.streams[f.StreamID] = s
	c.mu.Unlock()
	if s.whole {
		c.handler(s.call)
	}
}

func (c *h2conn) data(f *http2.DataFrame) {
	c.mu.Lock()
	c.received += int64(f.Length)
	if c.received > h2ConnWindow/2 {
		_ = c.fr.WriteWindowUpdate(0, uint32(c.received))
		c.received = 0
	}
	s, ok := c.streams[f.StreamID]
	if !ok || s.whole {
		c.mu.Unlock()
		return
	}
	room := bodyLimit - len(s.call.body)
	s.call.overlong = s.call.overlong || len(f.Data()) > room
	s.call.body = append(s.call.body, f.Data()[:min(room, len(f.Data()))]...)
	s.whole = f.StreamEnded()
	c.mu.Unlock()
	if s.whole {
		c.handler(s.call)
	}
}

func (c *h2conn) settings(f *http2.SettingsFrame) {
	if f.IsAck() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for _, s := range c.streams {
			s.window += int64(v) - c.initial
		}
		c.initial = int64(v)
	}
	if v, ok := f.Value(http2.SettingHeaderTableSize); ok {
		c.henc.SetMaxDynamicTableSize(min(v, 4096))
	}
	_ = c.fr.WriteSettingsAck()
	c.flushLocked()
}

func (c *h2conn) grant(id uint32, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == 0 {
		c.window += n
	} else if s, ok := c.streams[id]; ok {
		s.window += n
	}
	c.flushLocked()
}

func (c *h2conn) reset(id uint32, code http2.ErrCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.fr.WriteRSTStream(id, code)
	delete(c.streams, id)
}

// raise lets more streams in, as APNs does after the first good provider token.
func (c *h2conn) raise(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > c.limit {
		c.limit = limit
		_ = c.fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(limit)})
	}
}

// leave says GOAWAY after the last stream seen; those are still answered.
func (c *h2conn) leave(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(c.last, reason)
}

func (c *h2conn) leaveLocked(keep uint32, reason string) {
	c.leaving, c.keep = true, keep
	debug := []byte(`{"reason":` + strconv.Quote(reason) + `}`)
	_ = c.fr.WriteGoAway(keep, http2.ErrCodeNo, debug)
	for id := range c.streams {
		if id > keep {
			delete(c.streams, id)
		}
	}
}
