package realtime

import (
	"bufio"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// readBuffer is what an idle connection holds for reading. Longer messages
// are read past it.
const readBuffer = 512

func newUpgrader(cfg Config) websocket.Upgrader {
	return websocket.Upgrader{
		ReadBufferSize:  readBuffer,
		WriteBufferSize: writeBuffer,
		WriteBufferPool: new(sync.Pool),
		Subprotocols:    []string{Protocol},
		CheckOrigin:     func(*http.Request) bool { return true }, // done before, with our own words
		Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
			cfg.Refuse(w, r, fault.Wrap(reason, fault.Invalid, "bad_upgrade", "this address speaks WebSocket, subprotocol %s", Protocol))
		},
	}
}

// Handler serves the stream's address. It returns as soon as the connection
// is upgraded: the server's goroutine and its buffers are free again.
func (h *Hub) Handler() http.Handler { return http.HandlerFunc(h.accept) }

func (h *Hub) accept(w http.ResponseWriter, r *http.Request) {
	if reason, err := h.admissible(r); err != nil {
		h.metrics.refused.Add(1, reason)
		h.cfg.Refuse(w, r, err)
		return
	}
	if ok, stopping := h.reserve(); !ok {
		h.metrics.refused.Add(1, "full")
		w.Header().Set("Retry-After", "5")
		h.cfg.Refuse(w, r, unavailable(stopping))
		return
	}
	s := h.newSocket()
	ws, err := h.upgrader.Upgrade(&hijackTap{w, s}, r, nil)
	if err != nil {
		h.metrics.refused.Add(1, "upgrade")
		h.release()
		return // gorilla has answered or hung up
	}
	s.begin(ws) //nolint:contextcheck // the connection outlives the request and its context
}

func unavailable(stopping bool) error {
	if stopping {
		return fault.New(fault.Unavailable, "draining", "this node is going away; connect again")
	}
	return fault.New(fault.Unavailable, "too_many_connections", "this node holds as many connections as it may; try again in a few seconds")
}

// admissible judges the request before anything is spent on it.
func (h *Hub) admissible(r *http.Request) (reason string, err error) {
	if origin := r.Header.Get("Origin"); origin != "" && !h.origins[normalOrigin(origin)] {
		return "origin", fault.New(fault.Forbidden, "bad_origin", "pages from %s may not open the stream; add it to the allowed origins", origin)
	}
	if q := r.URL.Query(); q.Has("token") || q.Has("access_token") {
		return "token_in_url", fault.New(fault.Invalid, "token_in_url", "send the token in the hello frame: addresses end up in logs")
	}
	select {
	case <-h.ready:
		return "", nil
	default:
		return "not_ready", fault.New(fault.Unavailable, "not_ready", "the stream is starting; try again in a second")
	}
}

func originSet(origins []string) map[string]bool {
	set := make(map[string]bool, len(origins))
	for _, o := range origins {
		set[normalOrigin(o)] = true
	}
	return set
}

// normalOrigin writes an origin as browsers do: lower case, no path, no slash.
func normalOrigin(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// hijackTap puts the socket's wire between the network and gorilla.
type hijackTap struct {
	http.ResponseWriter
	s *socket
}

// Hijack goes through the ResponseController, which looks beneath middleware.
func (t *hijackTap) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.s.wire = newWire(conn, t.s)
	return t.s.wire, rw, nil
}

func (h *Hub) newSocket() *socket {
	sh := h.shards[h.turn.Add(1)%uint64(len(h.shards))]
	return &socket{hub: h, shard: sh, name: id.New("con"), began: time.Now()}
}

// begin starts an upgraded socket's life.
func (s *socket) begin(ws *websocket.Conn) {
	s.ws = ws
	ws.SetPingHandler(s.answerPing)
	s.allowance.refill(s.began)
	s.hub.enter(s)
	if ws.Subprotocol() == "" {
		s.close(CloseProtocol, "ask for the subprotocol "+Protocol)
	}
	go s.read() // counted in lives by reserve, and ended by leave
}
