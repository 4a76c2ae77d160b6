package api

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The stream takes the connection over, so it must get the server's own
// writer; operators' pages are handed on as they are.
func TestOtherDoors(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.Handler.(*server)
	var got http.ResponseWriter
	s.Stream = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w })
	s.Operations = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "operators: "+r.URL.Path) })
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/stream", nil))
	if got != http.ResponseWriter(w) {
		t.Errorf("the stream got a %T", got)
	}
	for _, path := range []string{"/metrics", "/readyz"} {
		w = httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Body.String() != "operators: "+path {
			t.Errorf("%s answers %q", path, w.Body)
		}
	}
	h.do(t, "", "POST", "/readyz", "").problem(405, "method_not_allowed", "")
	h.do(t, "ana", "GET", "/v1/me", "").into(200, nil)
	if log := h.log.String(); !strings.Contains(log, `"route":"/v1/me"`) || !strings.Contains(log, h.ana.ID) || strings.Contains(log, "Bearer") {
		t.Errorf("the log says %s", log)
	}
}

// http.ErrAbortHandler is how net/http is told to cut a connection: it passes.
func TestAbortPasses(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.Handler.(*server).Operations = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
}
