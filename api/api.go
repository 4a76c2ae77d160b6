package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/phone"
)

// Limits of requests.
const (
	maxBody      = 1 << 20
	requestLimit = 30 * time.Second
)

// Config is what the API stands on.
type Config struct {
	Auth       Identity
	Desk       Desk
	Intake     Intake
	Incidents  Incidents
	Devices    Devices
	Deliveries Deliveries
	Holds      Holds
	Watch      Watch
	// Contacts keeps addresses; Carriers reach them. CodeKey is the secret key of
	// the codes' hashes.
	Contacts Contacts
	Carriers Carriers
	CodeKey  []byte
	// Words are the languages of what people read and hear outside of an app; nil:
	// the built-in ones.
	Words *push.Words
	// Telephone takes the callbacks of calls and text messages; nil: there is none.
	Telephone *Telephone
	// Apps names the push apps a provider has at the moment: a device of an app
	// that nobody can push to would never ring.
	Apps func(push.Provider) []string
	// PushApps lets admins set up more of them; nil: nobody may.
	PushApps PushApps
	// WebPush takes browsers' registrations; nil: Web Push is off.
	WebPush WebPush
	// Stream serves /v1/stream; it gets the connection itself, to take it over.
	// Nil: there is none.
	Stream http.Handler
	// Operations serves /healthz, /readyz and /metrics when it is not nil. It is
	// here so that one door sees every address: a mux before it would answer
	// unclean paths with redirects, which senders of events take for an error.
	Operations http.Handler
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: discard
	Meter   *meter.Meter
}

// server answers everything. Its handlers are in the files named after their
// nouns; they implement the generated StrictServerInterface.
type server struct {
	Config
	now      func() time.Time
	contract *contract
	mux      *http.ServeMux
	events   *events
	asking   asking
	requests *meter.Counter
	seconds  *meter.Histogram
}

// New builds the HTTP handler of the whole instance. It fails only when the
// embedded contract cannot be read.
func New(c Config) (http.Handler, error) {
	if c.Auth == nil || c.Desk == nil || c.Intake == nil || c.Incidents == nil || c.Devices == nil || c.Deliveries == nil || c.Holds == nil || c.Watch == nil {
		return nil, errors.New("building the API: Auth, Desk, Intake, Incidents, Devices, Deliveries, Holds and Watch are required")
	}
	if c.Contacts == nil || c.Carriers == nil || len(c.CodeKey) == 0 {
		return nil, errors.New("building the API: Contacts, Carriers and CodeKey are required")
	}
	contract, err := readContract()
	if err != nil {
		return nil, fmt.Errorf("reading openapi.yaml: %w", err)
	}
	return newServer(c, contract), nil
}

func newServer(c Config, contract *contract) *server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Apps == nil {
		c.Apps = func(push.Provider) []string { return nil }
	}
	if c.Words == nil {
		c.Words = push.BuiltinWords()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{
		Config: c, contract: contract, mux: http.NewServeMux(), events: newEvents(c),
		now:      func() time.Time { return c.Now().UTC().Truncate(time.Microsecond) },
		requests: c.Meter.Counter("nightbell_http_requests_total", "Requests answered, by route and status.", "route", "status"),
		seconds:  c.Meter.Seconds("nightbell_http_request_seconds", "From a request's first byte to its answer, by route.", "route"),
	}
	strict := NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: s.unread, ResponseErrorHandlerFunc: s.refuse,
	})
	HandlerWithOptions(strict, StdHTTPServerOptions{BaseRouter: s.mux, ErrorHandlerFunc: s.refuse})
	return s
}

// ServeHTTP finds the door for an address. Each door writes its own kind of
// refusals.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if route, ok := eventRouteOf(r.URL.Path); ok {
		x := begin(w, r, route.label)
		defer s.end(x, r, s.events.panicked)
		s.events.serve(x, r, route)
		return
	}
	if r.URL.Path == "/v1/stream" && s.Stream != nil {
		s.Stream.ServeHTTP(w, r) // takes the connection over, so it may not be wrapped
		return
	}
	x := begin(w, r, "other")
	defer s.end(x, r, s.panicked)
	switch r.URL.Path {
	case "/healthz", "/readyz", "/metrics":
		if s.Operations != nil {
			x.route, x.quiet = r.URL.Path, true
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				s.wrongMethod(x, r, http.MethodGet)
				return
			}
			s.Operations.ServeHTTP(x, r)
			return
		}
	case "/act":
		s.serveAct(x, r)
		return
	case phone.PathVoice, phone.PathPress, phone.PathStatus, phone.PathSMS:
		if answer := s.telephone(r.URL.Path); answer != nil {
			x.route = r.URL.Path
			s.serveTelephone(x, r, answer)
			return
		}
	case "/.well-known/jwks.json":
		s.serveKeys(x, r)
		return
	}
	s.serveV1(x, r)
}

// serveV1 settles who asks and what they send before a handler sees it.
func (s *server) serveV1(x *exchange, r *http.Request) {
	op := s.operation(r)
	if op == nil {
		s.noSuchOperation(x, r)
		return
	}
	x.route = op.route
	ctx, cancel := context.WithTimeout(r.Context(), requestLimit)
	defer cancel()
	ctx = withAddress(ctx, r, s.Proxies)
	if !op.public {
		who, device, err := s.identify(op, r.WithContext(ctx))
		if err != nil {
			s.refuse(x, r, err)
			return
		}
		x.user = who.UserID
		ctx = withDevice(withPrincipal(ctx, who), device)
	}
	r = r.WithContext(ctx)
	if err := op.check(r); err != nil {
		s.refuse(x, r, err)
		return
	}
	s.mux.ServeHTTP(x, r)
}

// operation finds what the contract says about a request, nil if nothing. The
// mux would answer an unclean path with a redirect; we do not. A path that is
// no text leads nowhere: PostgreSQL takes no such name to look for.
func (s *server) operation(r *http.Request) *operation {
	if path.Clean(r.URL.Path) != r.URL.Path || !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
		return nil
	}
	_, pattern := s.mux.Handler(r)
	return s.contract.operations[pattern]
}
