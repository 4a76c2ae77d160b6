package api

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/id"
)

// Headers of every answer. The slices are shared and never written to.
var nosniff = []string{"nosniff"}
var noStore = []string{"no-store"}
var nowhere = []string{"no-referrer"}
var noFrames = []string{"default-src 'none'; frame-ancestors 'none'"}

// exchange is one request and its answer, as the log and the meter see it.
type exchange struct {
	http.ResponseWriter
	id     string
	route  string
	user   string
	quiet  bool // logged at debug: too frequent for people
	status int
	bytes  int64
	start  time.Time
}

// begin gives the request its name and the answer its headers.
func begin(w http.ResponseWriter, r *http.Request, route string) *exchange {
	x := &exchange{ResponseWriter: w, id: requestID(r), route: route, start: time.Now()}
	h := w.Header()
	h["X-Request-Id"] = []string{x.id}
	h["X-Content-Type-Options"] = nosniff
	h["Cache-Control"] = noStore
	h["Referrer-Policy"] = nowhere
	h["Content-Security-Policy"] = noFrames
	return x
}

// requestID keeps a sane id that a proxy gave, so that logs can be joined.
func requestID(r *http.Request) string {
	given := r.Header.Get("X-Request-Id")
	if given == "" || len(given) > 64 {
		return id.New(id.Request)
	}
	for i := range len(given) {
		c := given[i]
		sane := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
		if !sane {
			return id.New(id.Request)
		}
	}
	return given
}

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// end logs and counts the exchange; a panic becomes an answer by way of answer,
// and stays one request's trouble.
func (s *server) end(x *exchange, r *http.Request, answer func(*exchange)) {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) // net/http's own way to cut a connection
		}
		s.Log.ErrorContext(r.Context(), "a request made us panic", "request_id", x.id, "route", x.route, "panic", p, "stack", string(debug.Stack()))
		if x.status == 0 {
			answer(x)
		}
	}
	if x.status == 0 {
		x.status = http.StatusOK // nothing written: net/http says 200
	}
	took := time.Since(x.start)
	s.requests.Add(1, x.route, strconv.Itoa(x.status))
	s.seconds.Observe(took.Seconds(), x.route)
	level := slog.LevelInfo
	if x.quiet {
		level = slog.LevelDebug
	}
	if !s.Log.Enabled(r.Context(), level) {
		return
	}
	s.Log.LogAttrs(r.Context(), level, "request", slog.String("request_id", x.id), slog.String("method", r.Method),
		slog.String("route", x.route), slog.Int("status", x.status), slog.Int64("bytes", x.bytes),
		slog.Duration("took", took), slog.String("user", x.user), slog.String("remote", r.RemoteAddr))
}
