package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/respond"
)

// statusOf is the one table from a fault's kind to a status.
func statusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// httpError is a refusal that only HTTP knows: a method, a media type, a
// request that the contract does not allow.
type httpError struct {
	status int
	items  []ProblemItem // at least one
}

// Error implements error.
func (e *httpError) Error() string { return e.items[0].Detail }

func newHTTPError(status int, code, field, detail string) *httpError {
	return &httpError{status, []ProblemItem{problemItem(code, field, detail)}}
}

// maxField bounds the name of a field that a client made up.
const maxField = 200

func problemItem(code, field, detail string) ProblemItem {
	item := ProblemItem{Code: code, Detail: detail}
	if len(field) > maxField {
		field = strings.ToValidUTF8(field[:maxField], "")
	}
	if field != "" {
		item.Field = &field
	}
	return item
}

// refuse answers with the problem behind err. Trouble of our own is logged
// with its cause and shown as a plain sentence.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	x, ok := w.(*exchange)
	if !ok {
		x = begin(w, r, "other")
	}
	if x.status != 0 {
		s.Log.DebugContext(r.Context(), "the client left before its answer was written", "request_id", x.id, "error", err)
		return
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "a request failed", "request_id", x.id, "route", x.route, "error", err)
	}
	writeProblem(x, p)
}

// unread refuses a body that the contract takes and the decoder does not: 1.0
// is a whole number to the one only.
func (s *server) unread(w http.ResponseWriter, r *http.Request, err error) {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		err = newHTTPError(http.StatusBadRequest, "wrong_type", wrong.Field, subject(wrong.Field)+" cannot be read; write whole numbers in digits alone")
	}
	s.refuse(w, r, err)
}

// Refuse answers as the API does, for the stream, which answers by itself.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(begin(w, r, "/v1/stream"), problemOf(err))
}

// problemOf sorts an error into what may be shown of it.
func problemOf(err error) Problem {
	var refused *httpError
	var said *fault.Error
	var param *InvalidParamFormatError
	switch {
	case errors.As(err, &refused):
		p := problem(refused.status, refused.items[0])
		if len(refused.items) > 1 {
			p.Errors = refused.items
		}
		return p
	case errors.As(err, &said) && said.Kind != fault.Internal:
		p := problem(statusOf(said.Kind), problemItem(said.Code, said.Field, said.Message))
		var revoked *respond.Revoked
		if errors.As(err, &revoked) {
			p.Incident = &revoked.Incident
		}
		return p
	case errors.As(err, &param):
		return problem(http.StatusBadRequest, problemItem("bad_value", param.ParamName, param.ParamName+" cannot be read; look at its description in the API"))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, problemItem("timeout", "", "the server took too long; what was asked for may have been done, look before you try again"))
	default:
		return problem(http.StatusInternalServerError, problemItem("internal", "", "something went wrong here; try again, and if it stays, give the operator the request_id"))
	}
}

func problem(status int, item ProblemItem) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: item.Code, Detail: item.Detail, Field: item.Field}
}

// writeProblem sends a problem (RFC 9457) and the headers that belong to it.
func writeProblem(x *exchange, p Problem) {
	p.RequestId = &x.id
	h := x.Header()
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="nightbell"`)
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "60")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close") // what follows is not read
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{}`) // strings and numbers always marshal
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	x.WriteHeader(p.Status)
	_, _ = x.Write(append(body, '\n')) // a client that has left needs no answer
}

// panicked is the answer to a request that made us panic.
func (s *server) panicked(x *exchange) { writeProblem(x, problemOf(errors.New("panic"))) }

// noSuchOperation tells a wrong address from a wrong method.
func (s *server) noSuchOperation(x *exchange, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := *r
		if other.Method = m; s.operation(&other) != nil {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		s.refuse(x, r, newHTTPError(http.StatusNotFound, "no_such_path", "", "there is nothing at this address; openapi.yaml lists what there is"))
		return
	}
	s.wrongMethod(x, r, allowed...)
}

func (s *server) wrongMethod(x *exchange, r *http.Request, allowed ...string) {
	x.Header().Set("Allow", strings.Join(allowed, ", "))
	s.refuse(x, r, newHTTPError(http.StatusMethodNotAllowed, "method_not_allowed", "", "this address takes "+strings.Join(allowed, ", ")+" only"))
}
