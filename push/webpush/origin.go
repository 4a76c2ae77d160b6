package webpush

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/push/wire"
)

// maxOrigins bounds the push services we hold connections to. There are four,
// but WNS has a host for each of its data centres.
const maxOrigins = 64

// errTooManyOrigins says that no idle origin could make room.
var errTooManyOrigins = errors.New("too many push services at once")

// origin is one push service: its connections, its token and its limit.
type origin struct {
	pool   *wire.Pool
	old    *http.Transport // HTTP/1.1, for a service that speaks nothing newer
	isOld  atomic.Bool
	tokens *tokens
	flight chan struct{} // one token for each push on its way

	users int       // guarded by the sender's mutex
	used  time.Time // when users last became zero
}

func (s *Sender) newOrigin(t target) *origin {
	c := s.cfg
	clientTLS := &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &origin{
		pool: wire.New(wire.Config{
			Address: t.address, TLS: clientTLS, Conns: c.Conns, Dial: c.Dial, Proxy: c.Proxy, Log: c.Log,
			Opened: func() { s.opened.Add(1, "webpush", "production") },
		}),
		old: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				dial := c.Dial
				if address != t.address { // the operator's proxy, which may be private
					dial = (&net.Dialer{}).DialContext
				}
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, &wire.DialError{Address: address, Err: err}
				}
				s.opened.Add(1, "webpush", "production")
				return conn, nil
			},
			TLSClientConfig: clientTLS.Clone(), Proxy: c.Proxy, Protocols: protocols, DisableCompression: true,
			MaxConnsPerHost: 2 * c.Conns, MaxIdleConnsPerHost: 2 * c.Conns, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second,
		},
		tokens: &tokens{key: c.Key, audience: t.audience, subject: c.Subject, now: c.Now},
		flight: make(chan struct{}, c.MaxInFlight),
	}
}

// roundTrip sends one request and reads its answer, redirects included.
func (o *origin) roundTrip(req *http.Request) (*http.Response, error) {
	if !o.isOld.Load() {
		resp, err := o.pool.RoundTrip(req)
		if !errors.Is(err, wire.ErrNotHTTP2) {
			return resp, err
		}
		o.isOld.Store(true)
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, err := o.old.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, wire.AnswerLimit))
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func (o *origin) close() {
	o.pool.Close()
	o.old.CloseIdleConnections()
}

// borrow gives the origin of a target, which must be given back.
func (s *Sender) borrow(t target) (*origin, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, wire.ErrClosed
	}
	o := s.origins[t.audience]
	if o == nil {
		if len(s.origins) >= maxOrigins && !s.evictLocked() {
			return nil, errTooManyOrigins
		}
		o = s.newOrigin(t)
		s.origins[t.audience] = o
	}
	o.users++
	return o, nil
}

func (s *Sender) giveBack(o *origin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.users--
	o.used = s.cfg.Now()
}

// evictLocked forgets the origin that has been idle for longest.
func (s *Sender) evictLocked() bool {
	oldest := ""
	for name, o := range s.origins {
		if o.users == 0 && (oldest == "" || o.used.Before(s.origins[oldest].used)) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	gone := s.origins[oldest]
	delete(s.origins, oldest)
	s.work.Go(gone.close)
	return true
}
