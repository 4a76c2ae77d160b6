package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/meter"
)

const (
	// maxEvent is PagerDuty's limit. Alertmanager cuts itself to 512,000 bytes.
	maxEvent = 512 << 10
	// eventLimit bounds one event's way to the disk; senders wait 10 to 30 s.
	eventLimit = 20 * time.Second
)

// eventRoute is one of the addresses that monitoring tools send to.
type eventRoute struct {
	label  string
	change bool
	key    string // the routing key in the address, if it has one
}

// eventRouteOf knows the addresses of events. Senders join addresses by hand,
// so doubled and trailing slashes are taken as they are meant: a redirect
// would be an error to them.
func eventRouteOf(p string) (eventRoute, bool) {
	if strings.Contains(p, "//") || strings.HasSuffix(p, "/") {
		p = path.Clean(p)
	}
	switch p {
	case "/v2/enqueue":
		return eventRoute{label: p}, true
	case "/v2/change/enqueue":
		return eventRoute{label: p, change: true}, true
	}
	if key, ok := strings.CutPrefix(p, "/integration/"); ok {
		if key, ok = strings.CutSuffix(key, "/enqueue"); ok && key != "" && !strings.Contains(key, "/") {
			return eventRoute{label: "/integration/{routing_key}/enqueue", key: key}, true
		}
	}
	return eventRoute{}, false
}

// events answers monitoring tools in PagerDuty's dialect.
type events struct {
	intake Intake
	log    *slog.Logger
	count  *meter.Counter
}

func newEvents(c Config) *events {
	return &events{
		intake: c.Intake, log: c.Log,
		count: c.Meter.Counter("nightbell_events_total", "Events received, by what they asked for and what came of it.", "action", "result"),
	}
}

// serve takes one event. Who is told what:
//
//	202 it is on disk; 400 it is wrong and will stay wrong;
//	413 it is too large; 5xx send it again. Never 429: some senders give up,
//	others come back with an empty body, which is therefore a 503 too.
func (e *events) serve(x *exchange, r *http.Request, route eventRoute) {
	x.quiet = true
	if r.Method != http.MethodPost {
		x.Header().Set("Allow", http.MethodPost)
		e.refuse(x, r, refusedMethod())
		return
	}
	body, err := readBody(r, maxEvent)
	if err != nil {
		e.refuse(x, r, readTrouble(err))
		return
	}
	// Scripts on Windows begin their JSON with it, and JSON has no place for it.
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if len(bytes.TrimSpace(body)) == 0 {
		e.refuse(x, r, refusedEmpty())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), eventLimit)
	defer cancel()
	if route.change {
		e.takeChange(ctx, x, r, body)
		return
	}
	e.takeAlert(ctx, x, r, route.key, body)
}

func (e *events) takeAlert(ctx context.Context, x *exchange, r *http.Request, key string, body []byte) {
	event, wrong := decodeEvent(key, body)
	if wrong != nil {
		e.refuse(x, r, *wrong)
		return
	}
	receipt, err := e.intake.Ingest(ctx, event)
	if err != nil {
		e.refuse(x, r, trouble(string(event.Action), err))
		return
	}
	e.count.Add(1, string(event.Action), "accepted")
	writeAccepted(x, receipt.DedupKey)
}

func (e *events) takeChange(ctx context.Context, x *exchange, r *http.Request, body []byte) {
	change, wrong := decodeChange(body)
	if wrong != nil {
		e.refuse(x, r, *wrong)
		return
	}
	if err := e.intake.IngestChange(ctx, change); err != nil {
		e.refuse(x, r, trouble("change", err))
		return
	}
	e.count.Add(1, "change", "accepted")
	writeAccepted(x, "")
}

// trouble says what the sender of a good event is told when it was not taken.
func trouble(action string, err error) eventRefusal {
	no := eventRefusal{action: action, cause: err}
	var said *fault.Error
	switch {
	case errors.As(err, &said) && said.Code == "unknown_routing_key":
		no.status, no.result, no.errs = http.StatusBadRequest, "unknown_key", []string{said.Message}
	case errors.As(err, &said) && said.Kind == fault.Invalid:
		no.status, no.result, no.errs = http.StatusBadRequest, "invalid", []string{said.Message}
	case errors.As(err, &said) && said.Kind != fault.Internal:
		no.status, no.result, no.errs = http.StatusServiceUnavailable, "unavailable", []string{said.Message}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		no.status, no.result = http.StatusServiceUnavailable, "unavailable"
		no.errs = []string{"the event was not confirmed in time; send it again, with the same dedup_key"}
	default:
		no.status, no.result = http.StatusInternalServerError, "error"
		no.errs = []string{"something went wrong here; send the event again"}
	}
	return no
}

// readTrouble is for bodies that could not be read to their end.
func readTrouble(err error) eventRefusal {
	if fault.KindOf(err) == fault.TooLarge {
		return refusedSize()
	}
	return eventRefusal{
		status: http.StatusServiceUnavailable, result: "cut", cause: err,
		errs: []string{"the body ended before it was complete; send it again"},
	}
}

// refuse answers, counts and logs a refusal. A refused event is a page that
// somebody may be waiting for, so the operator finds it in the log.
func (e *events) refuse(x *exchange, r *http.Request, no eventRefusal) {
	if no.action == "" {
		no.action = "unknown"
	}
	e.count.Add(1, no.action, no.result)
	level := slog.LevelInfo
	if no.status >= http.StatusInternalServerError && no.cause != nil {
		level = slog.LevelError
	}
	e.log.LogAttrs(r.Context(), level, "an event was refused", slog.String("request_id", x.id), slog.Int("status", no.status),
		slog.String("result", no.result), slog.Any("errors", no.errs), slog.Any("cause", no.cause), slog.String("remote", r.RemoteAddr))
	writeRefusal(x, no)
}

// panicked is the answer to an event that made us panic: send it again.
func (e *events) panicked(x *exchange) { writeRefusal(x, trouble("unknown", errors.New("panic"))) }
