package realtimetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
)

// Live, as after, starts at the head of the log.
const Live int64 = -1

// Options are what Dial leaves at its defaults.
type Options struct {
	// URL of the stream; http and https are read as ws and wss.
	URL   string
	Hello realtime.Hello
	// Header is sent with the upgrade (Origin, for instance).
	Header http.Header
	// NetDial replaces the network, for tests without one.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client is one connection. Its methods are for one goroutine, except Send and Close.
type Client struct {
	ws     *websocket.Conn
	frames chan realtime.ServerFrame
	quit   chan struct{}
	ended  chan struct{}
	err    error // why the reader ended; read after ended is closed
	once   sync.Once

	write sync.Mutex

	// Cursor and Epoch are where to resume: what was handed over by Next.
	Cursor int64
	Epoch  string
	live   bool
	dense  bool // unfiltered: ranges follow each other without a hole
	ready  []incident.Entry
}

// ErrReset is returned when the server declared the cursor void.
var ErrReset = errors.New("the cursor is void: take a snapshot")

// Dial connects and says hello. after is the last sequence number seen, with
// its epoch, or Live. The first frame from Next is the welcome or a reset.
func Dial(ctx context.Context, url, token string, after int64, epoch string) (*Client, error) {
	hello := realtime.Hello{Token: token}
	if after != Live {
		hello.After, hello.Epoch = &after, epoch
	}
	return DialWith(ctx, Options{URL: url, Hello: hello})
}

// DialWith is Dial with everything open to choice.
func DialWith(ctx context.Context, o Options) (*Client, error) {
	dialer := websocket.Dialer{Subprotocols: []string{realtime.Protocol}, NetDialContext: o.NetDial}
	//nolint:bodyclose // gorilla's response has its body read into memory already
	ws, res, err := dialer.DialContext(ctx, strings.Replace(o.URL, "http", "ws", 1), o.Header)
	if err != nil {
		if res != nil {
			return nil, fmt.Errorf("connecting to the stream: %s: %w", res.Status, err)
		}
		return nil, fmt.Errorf("connecting to the stream: %w", err)
	}
	c := &Client{ws: ws, frames: make(chan realtime.ServerFrame, 16), quit: make(chan struct{}), ended: make(chan struct{})}
	if o.Hello.After != nil {
		c.Cursor = *o.Hello.After
	}
	c.dense = o.Hello.Filter == nil
	go c.read()
	if err := c.Send(realtime.ClientFrame{Hello: &o.Hello}); err != nil {
		c.Close()
		return nil, fmt.Errorf("saying hello: %w", err)
	}
	return c, nil
}

// Send writes one frame.
func (c *Client) Send(f realtime.ClientFrame) error {
	c.write.Lock()
	defer c.write.Unlock()
	return c.ws.WriteJSON(f)
}

// read hands frames over until the connection ends, answering pings itself.
func (c *Client) read() {
	defer close(c.ended)
	for {
		var f realtime.ServerFrame
		_, body, err := c.ws.ReadMessage()
		if err == nil {
			err = json.Unmarshal(body, &f)
		}
		if err == nil && f.Ping != nil {
			err = c.Send(realtime.ClientFrame{Pong: f.Ping})
		}
		if err != nil {
			c.err = err
			return
		}
		select {
		case c.frames <- f:
		case <-c.quit:
			c.err = net.ErrClosed
			return
		}
	}
}

// Next gives the next frame from the server. A context that ends does not
// harm the connection. The error at the end is a *websocket.CloseError when
// the server closed with a code; see CloseCode.
func (c *Client) Next(ctx context.Context) (realtime.ServerFrame, error) {
	var f realtime.ServerFrame
	select {
	case f = <-c.frames:
	default:
		select {
		case f = <-c.frames:
		case <-ctx.Done():
			return f, ctx.Err()
		case <-c.ended:
			select {
			case f = <-c.frames: // came before the end
			default:
				return f, c.err
			}
		}
	}
	return f, c.follow(f)
}

// follow keeps the cursor and checks that ranges follow each other.
func (c *Client) follow(f realtime.ServerFrame) error {
	switch {
	case f.Welcome != nil:
		c.Epoch, c.Cursor, c.live = f.Welcome.Epoch, f.Welcome.From-1, true
	case f.Reset != nil:
		c.live = false
	case f.Ping != nil && c.live:
		c.Cursor = max(c.Cursor, *f.Ping)
	case f.Events != nil:
		skipped := f.Events.From > c.Cursor+1 && c.dense
		if skipped || f.Events.From <= c.Cursor || f.Events.To < f.Events.From {
			return fmt.Errorf("broken promise: range %d..%d at cursor %d", f.Events.From, f.Events.To, c.Cursor)
		}
		c.Cursor = f.Events.To
	}
	return nil
}

// Event gives the next timeline entry, or ErrReset.
func (c *Client) Event(ctx context.Context) (incident.Entry, error) {
	for len(c.ready) == 0 {
		f, err := c.Next(ctx)
		switch {
		case err != nil:
			return incident.Entry{}, err
		case f.Reset != nil:
			return incident.Entry{}, ErrReset
		case f.Events != nil:
			c.ready = f.Events.Items
		}
	}
	e := c.ready[0]
	c.ready = c.ready[1:]
	return e, nil
}

// Until reads events up to the first one that is wanted and gives it.
func (c *Client) Until(ctx context.Context, wanted func(incident.Entry) bool) (incident.Entry, error) {
	for {
		e, err := c.Event(ctx)
		if err != nil || wanted(e) {
			return e, err
		}
	}
}

// Close says goodbye and waits for the reader. It is safe to call twice.
func (c *Client) Close() {
	c.once.Do(func() {
		goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
		c.Cut()
	})
}

// Cut drops the connection without a word, as a lost network does.
func (c *Client) Cut() {
	select {
	case <-c.quit:
	default:
		close(c.quit)
	}
	_ = c.ws.Close()
	<-c.ended
}

// CloseCode gives the code the server closed with, 0 for any other error.
func CloseCode(err error) int {
	var e *websocket.CloseError
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}
