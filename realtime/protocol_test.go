package realtime_test

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

// raw opens a connection that says nothing by itself.
func (f *frozen) raw(t *testing.T) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{realtime.Protocol}, NetDialContext: f.net.dial}
	ws, _, err := d.Dial("ws://nightbell.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

func (h *house) raw(t *testing.T) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{realtime.Protocol}}
	ws, _, err := d.Dial(strings.Replace(h.url, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

func writeRaw(t *testing.T, ws *websocket.Conn, frame string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

// expectRawClose reads to the end, checks the code and gives the reason.
func expectRawClose(t *testing.T, ws *websocket.Conn, code int) (reason string) {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if err == nil {
			continue
		}
		var e *websocket.CloseError
		if !errors.As(err, &e) || e.Code != code {
			t.Fatalf("connection ended with %v, want close code %d", err, code)
		}
		return e.Text
	}
}

func TestABrokenProtocolIsNamedAndEndsTheConnection(t *testing.T) {
	t.Parallel()
	const hello = `{"hello":{"token":"ana"}}`
	h := open(t, newLog(3))
	for name, c := range map[string]struct {
		frames []string
		says   string
	}{
		"no JSON":              {[]string{`hello`}, "JSON object"},
		"not first a hello":    {[]string{`{"pong":1}`}, "must be hello"},
		"two hellos":           {[]string{hello, hello}, "only after a reset"},
		"two fields":           {[]string{`{"pong":1,"ack":1}`}, "exactly one field"},
		"unknown frame":        {[]string{`{"subscribe":"all"}`}, "unknown field subscribe"},
		"unknown hello field":  {[]string{`{"hello":{"token":"ana","cursor":3}}`}, "unknown field hello.cursor"},
		"unknown filter":       {[]string{`{"hello":{"token":"ana","filter":{"team":"x"}}}`}, "unknown field hello.filter.team"},
		"after without epoch":  {[]string{`{"hello":{"token":"ana","after":3}}`}, "hello.epoch"},
		"negative cursor":      {[]string{`{"hello":{"token":"ana","after":-3,"epoch":"k1"}}`}, "hello.after"},
		"cursor of wrong type": {[]string{`{"hello":{"token":"ana","after":"3","epoch":"k1"}}`}, "hello.after has the wrong type"},
		"id of another kind":   {[]string{`{"hello":{"token":"ana","device":"inc_01J00000000000000000000000"}}`}, "hello.device"},
		"ack ahead":            {[]string{hello, `{"ack":99}`}, "not sent"},
		"unknown action":       {[]string{hello, `{"do":{"id":"1","explode":"inc_01J00000000000000000000000"}}`}, "unknown field do.explode"},
		"two actions":          {[]string{hello, `{"do":{"id":"1","resolve":"inc_01J00000000000000000000000","escalate":"inc_01J00000000000000000000000"}}`}, "exactly one of"},
		"too long":             {[]string{hello, `{"token":"` + strings.Repeat("x", 17<<10) + `"}`}, "16 KB"},
		"not UTF-8":            {[]string{"{\"token\":\"\xff\"}"}, "UTF-8"},
		"a name too long":      {[]string{`{"` + strings.Repeat("é", 300) + `":1}`}, "unknown field é"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := h.raw(t)
			for _, f := range c.frames {
				writeRaw(t, ws, f)
			}
			if reason := expectRawClose(t, ws, realtime.CloseProtocol); !strings.Contains(reason, c.says) {
				t.Errorf("reason %q does not say %q", reason, c.says)
			}
		})
	}
}

func TestBinaryFramesAreRefused(t *testing.T) {
	t.Parallel()
	ws := open(t, newLog(0)).raw(t)
	if err := ws.WriteMessage(websocket.BinaryMessage, []byte(`{"hello":{"token":"ana"}}`)); err != nil {
		t.Fatal(err)
	}
	expectRawClose(t, ws, realtime.CloseProtocol)
}

// A deflate bomb is no bomb where nothing is inflated: compression is not
// negotiated, and a frame that is compressed all the same is an RFC 6455 error.
func TestCompressedFramesAreNotInflated(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	var bomb bytes.Buffer
	z, _ := flate.NewWriter(&bomb, flate.BestCompression)
	_, _ = z.Write(make([]byte, 4<<20))
	_ = z.Flush()
	frame := []byte{0xC1, 0x80 | 126, byte(bomb.Len() >> 8), byte(bomb.Len()), 0, 0, 0, 0} // FIN, RSV1, text; masked with zeros
	ws := h.raw(t)
	if _, err := ws.NetConn().Write(append(frame, bomb.Bytes()...)); err != nil {
		t.Fatal(err)
	}
	expectRawClose(t, ws, websocket.CloseProtocolError)
}

func TestAFloodOfMessagesIsCut(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	for name, send := range map[string]func(*websocket.Conn) error{
		"frames":          func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.TextMessage, []byte(`{"pong":1}`)) },
		"WebSocket pings": func(ws *websocket.Conn) error { return ws.WriteMessage(websocket.PingMessage, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ws := h.raw(t)
			writeRaw(t, ws, `{"hello":{"token":"ana"}}`)
			for range 10_000 {
				if send(ws) != nil {
					break // the server has hung up already
				}
			}
			expectRawClose(t, ws, realtime.CloseProtocol)
		})
	}
}

func TestTheSubprotocolMustBeAskedFor(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	ws, _, err := websocket.DefaultDialer.Dial(strings.Replace(h.url, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	expectRawClose(t, ws, realtime.CloseProtocol)
}

func TestTokensAreJudgedByWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code int
	}{
		"unknown":           {fault.New(fault.Unauthenticated, "token_invalid", "no"), realtime.CloseBadToken},
		"expired":           {fault.New(fault.Unauthenticated, "token_expired", "no"), realtime.CloseTokenExpired},
		"not for this":      {fault.New(fault.Forbidden, "role", "no"), realtime.CloseForbidden},
		"trouble of ours":   {errors.New("database is down"), realtime.CloseOverloaded},
		"accepted too late": {nil, realtime.CloseTokenExpired}, // the zero viewer expired long ago
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, newLog(0), func(cfg *realtime.Config) { cfg.Auth = verdict{c.err} })
			conn, err := realtimetest.Dial(patience(t), h.url, "x", realtimetest.Live, "")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			expectClose(t, conn, c.code)
		})
	}
}

func TestAnEndedSessionLosesItsConnections(t *testing.T) {
	t.Parallel()
	log := newLog(0)
	h := open(t, log)
	ana, _ := h.dial(t, realtimetest.Live, "")
	bo, _ := h.dialWith(t, realtime.Hello{Token: "bo"})
	h.hub.Expel(nil)
	h.hub.Expel([]string{"ses_ana", "ses_of_another_node"})
	expectClose(t, ana, realtime.CloseBadToken)
	log.append(1, "inc_a")
	expect(t, bo, 1, 1)
}

type verdict struct{ err error }

func (v verdict) Viewer(context.Context, string) (realtime.Viewer, error) {
	return realtime.Viewer{UserID: "usr_x"}, v.err
}

func TestAnotherUsersTokenDoesNotTakeAConnectionOver(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	c, _ := h.dial(t, realtimetest.Live, "")
	token := "bo"
	if err := c.Send(realtime.ClientFrame{Token: &token}); err != nil {
		t.Fatal(err)
	}
	expectClose(t, c, realtime.CloseForbidden)

	after := int64(99)
	again, first := h.dialWith(t, realtime.Hello{Token: "ana", After: &after, Epoch: "k1"})
	if first.Reset == nil {
		t.Fatalf("got %+v, want a reset", first)
	}
	if err := again.Send(realtime.ClientFrame{Hello: &realtime.Hello{Token: "bo"}}); err != nil {
		t.Fatal(err)
	}
	expectClose(t, again, realtime.CloseForbidden)
}

func TestOnlyKnownOriginsMayConnect(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0), func(c *realtime.Config) { c.Origins = []string{"https://Bell.example.com/"} })
	for origin, want := range map[string]int{
		"":                              http.StatusSwitchingProtocols,
		"https://bell.example.com":      http.StatusSwitchingProtocols,
		"https://evil.example.com":      http.StatusForbidden,
		"http://bell.example.com":       http.StatusForbidden,
		"https://bell.example.com:8443": http.StatusForbidden,
		"null":                          http.StatusForbidden,
	} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		if got := upgrade(t, h.url, header); got != want {
			t.Errorf("origin %q: status %d, want %d", origin, got, want)
		}
	}
}

func upgrade(t *testing.T, url string, header http.Header) int {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.Dial(strings.Replace(url, "http", "ws", 1), header)
	if err == nil {
		ws.Close()
	} else if res == nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func TestWhatIsRefusedBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0), func(c *realtime.Config) { c.MaxConns = 1 })
	if got := upgrade(t, h.url+"/?token=ana", nil); got != http.StatusBadRequest {
		t.Errorf("token in the address: status %d", got)
	}
	res, err := http.Get(h.url)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"code":"bad_upgrade"`) {
		t.Errorf("plain GET: status %d, %s", res.StatusCode, body)
	}
	h.dial(t, realtimetest.Live, "")
	if got := upgrade(t, h.url, nil); got != http.StatusServiceUnavailable {
		t.Errorf("one too many: status %d", got)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestActionsOverTheSocket(t *testing.T) {
	t.Parallel()
	inc := id.New(id.Incident)
	actor := &deskFake{}
	h := open(t, newLog(0), func(c *realtime.Config) { c.Actor = actor })
	c, _ := h.dial(t, realtimetest.Live, "")
	ask := func(key, action string) realtime.Done {
		t.Helper()
		if err := c.Send(realtime.ClientFrame{Do: &realtime.Do{ID: key, Action: action, IncidentID: inc}}); err != nil {
			t.Fatal(err)
		}
		f, err := c.Next(patience(t))
		if err != nil || f.Done == nil {
			t.Fatalf("got %+v, %v; want done", f, err)
		}
		return *f.Done
	}
	if d := ask("k1", "acknowledge"); d.ID != "k1" || d.Error != nil || string(d.Answer) != `{"by":"usr_ana","did":"k1 acknowledge `+inc+`"}` {
		t.Errorf("acknowledge: %+v %s", d, d.Answer)
	}
	if d := ask("k2", "resolve"); d.Error == nil || *d.Error != (realtime.Refusal{Kind: "conflict", Code: "moved_on", Message: "too late"}) {
		t.Errorf("resolve: %+v", d.Error)
	}
	if d := ask("k3", "escalate"); d.Error == nil || d.Error.Code != "internal" || strings.Contains(d.Error.Message, "secret") {
		t.Errorf("escalate: %+v", d.Error)
	}
}

type deskFake struct{}

func (deskFake) Do(_ context.Context, v realtime.Viewer, key, action, inc string) ([]byte, error) {
	switch action {
	case "resolve":
		return nil, fault.New(fault.Conflict, "moved_on", "too late")
	case "escalate":
		return nil, errors.New("secret internals")
	}
	return []byte(`{"by":"` + v.UserID + `","did":"` + key + " " + action + " " + inc + `"}`), nil
}

func TestActionsOfOneConnectionAreBoundedAndOutliveIt(t *testing.T) {
	t.Parallel()
	inc := id.New(id.Incident)
	desk := &slowDesk{started: make(chan string, 10), release: make(chan struct{}), finished: make(chan error, 10)}
	h := open(t, newLog(0), func(c *realtime.Config) { c.Actor = desk })
	c, _ := h.dial(t, realtimetest.Live, "")
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		if err := c.Send(realtime.ClientFrame{Do: &realtime.Do{ID: key, Action: "acknowledge", IncidentID: inc}}); err != nil {
			t.Fatal(err)
		}
		if key != "5" {
			<-desk.started
		}
	}
	f, err := c.Next(patience(t))
	if err != nil || f.Done == nil || f.Done.ID != "5" || f.Done.Error == nil || f.Done.Error.Code != "too_many_actions" {
		t.Fatalf("got %+v, %v; want the fifth refused", f, err)
	}
	c.Cut() // the network is gone; what was asked for still happens
	close(desk.release)
	for range 4 {
		if err := <-desk.finished; err != nil {
			t.Errorf("an action ended with its connection: %v", err)
		}
	}
}

type slowDesk struct {
	started  chan string
	release  chan struct{}
	finished chan error
}

func (d *slowDesk) Do(ctx context.Context, _ realtime.Viewer, key, _, _ string) ([]byte, error) {
	d.started <- key
	<-d.release
	d.finished <- ctx.Err()
	return []byte(`{}`), nil
}
