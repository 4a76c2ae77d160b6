package realtime

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
)

// Config is what the stream needs. Log and Auth are required; zero values
// elsewhere mean the defaults named.
type Config struct {
	Log   Log
	Auth  Authenticator
	Actor Actor // nil: do is answered with a refusal
	// Origins are the browser origins ("https://bell.example.com") that may
	// connect. A client without an Origin header is no browser and may.
	Origins []string
	// MaxConns bounds open sockets; more are answered 503. Default 20,000.
	MaxConns int
	// Shards is the number of writer goroutines. Default: one per CPU.
	Shards int
	// Ring is how many of the newest entries are kept in memory. Default 4,096.
	Ring int
	// Observe is told of each stretch of new entries, in order, after the
	// sockets have been woken; at the start also of the old ones that fill the
	// ring. It must be quick: the tail waits for it.
	Observe func([]incident.Entry)
	// Poll is how often the log is looked at without a nudge. Default 1 s.
	Poll time.Duration
	// Ping is the longest silence before the server pings. Default 25 s, just
	// under the 30 s after which mobile networks forget an idle connection.
	Ping time.Duration
	// HelloWait is how long an upgraded connection may stay silent. Default 5 s.
	HelloWait time.Duration
	// Refuse writes a refusal before the upgrade; the API passes its own, so
	// that one table turns faults into statuses. Default: a plain problem+json.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
	Now    func() time.Time
	Logger *slog.Logger
	Meter  *meter.Meter
}

// Limits of one connection. They are not settings: a client can rely on them.
const (
	// maxMessage bounds one message from a client; a hello with a large token
	// is under 10 KB.
	maxMessage = 16 << 10
	// frameBudget is where an events frame is split. A single larger event
	// still travels whole.
	frameBudget = 64 << 10
	// keptMost bounds what is kept for a socket whose kernel buffer is full.
	keptMost = 256 << 10
	// messageRate and messageBurst bound messages from a client, per second.
	messageRate  = 20
	messageBurst = 60
	// doingMost bounds actions of one connection under way at once.
	doingMost = 4

	// pongWait is how long after a ping something must be heard.
	pongWait = 15 * time.Second
	// stallWait is how long a slow client may take for the next 16 KB, and
	// flushWait for all that is kept.
	stallWait = 10 * time.Second
	flushWait = 60 * time.Second
	// closeWait is how long the peer may take to answer a close frame.
	closeWait = 2 * time.Second
	// askWait bounds a question to the database or the signer.
	askWait = 5 * time.Second
	// doWait bounds one action.
	doWait = 10 * time.Second
)

// Limits of the node.
const (
	tailBatch = 512
	pageSize  = 256
	// replayers page old entries for resuming sockets; few, and with a pause
	// after each page read, so that a returning crowd cannot take the database
	// from the paging path (I11).
	replayers   = 2
	replayPause = 5 * time.Millisecond
)

func (c Config) withDefaults() Config {
	c.MaxConns = cmp.Or(c.MaxConns, 20_000)
	c.Shards = cmp.Or(c.Shards, runtime.GOMAXPROCS(0))
	c.Ring = cmp.Or(c.Ring, 4096)
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Ping = cmp.Or(c.Ping, 25*time.Second)
	c.HelloWait = cmp.Or(c.HelloWait, 5*time.Second)
	if c.Refuse == nil {
		c.Refuse = refuse
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// refuse answers with the little of RFC 9457 that a stream's client needs.
func refuse(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadRequest
	switch fault.KindOf(err) {
	case fault.Forbidden:
		status = http.StatusForbidden
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	}
	why := refusal(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": why.Code, "detail": why.Message,
	})
}
