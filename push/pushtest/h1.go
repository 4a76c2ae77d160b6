package pushtest

import (
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http2/hpack"
)

const controlPath = "/emulator"

// isControl tells the control API from the providers' paths.
func isControl(path string) bool {
	rest, ok := strings.CutPrefix(path, controlPath)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// h1Handler takes HTTP/1.1 requests, which some of Google's clients use, to
// the same handler as HTTP/2 ones.
func h1Handler(handle func(*call), control http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isControl(r.URL.Path) {
			control.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
		if err != nil {
			return // the client went away
		}
		c := &call{method: r.Method, path: r.URL.RequestURI(), conn: &session{raise: func(int) {}}}
		c.overlong = len(body) > bodyLimit
		c.body = body[:min(len(body), bodyLimit)]
		for name, values := range r.Header {
			for _, v := range values {
				c.fields = append(c.fields, hpack.HeaderField{Name: strings.ToLower(name), Value: v})
			}
		}
		reply := make(h1reply, 1)
		c.reply = reply
		handle(c)
		select {
		case a := <-reply:
			a.write(w)
		case <-r.Context().Done():
		}
	})
}

// h1reply passes the answer to the waiting handler. What only HTTP/2 can say
// becomes a cut connection.
type h1reply chan *answer

func (r h1reply) answer(a answer) { r <- &a }
func (r h1reply) refuse()         { r <- nil }
func (r h1reply) goAway(string)   { r <- nil }
func (r h1reply) cut()            { r <- nil }

func (a *answer) write(w http.ResponseWriter) {
	if a == nil {
		panic(http.ErrAbortHandler) // net/http's way to drop a connection
	}
	for _, f := range a.header {
		w.Header().Add(f.Name, f.Value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// serveControl answers a control request that came over HTTP/2.
func (e *Emulator) serveControl(c *call) {
	r, err := http.NewRequestWithContext(e.ctx, c.method, c.path, strings.NewReader(string(c.body)))
	if err != nil {
		c.reply.answer(answer{status: http.StatusBadRequest})
		return
	}
	for _, f := range c.fields {
		r.Header.Add(f.Name, f.Value)
	}
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	e.control.ServeHTTP(w, r)
	a := answer{status: w.status, body: w.body}
	for name, values := range w.header {
		for _, v := range values {
			a.header = append(a.header, field(strings.ToLower(name), v))
		}
	}
	c.reply.answer(a)
}

// recorder keeps a handler's answer.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

// Header is the answer's.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *recorder) WriteHeader(status int) { w.status = status }

// Write keeps the body.
func (w *recorder) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}
