package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/api"
	"github.com/nightbell/nightbell/push"
)

// Timeouts of the server. Slow bodies and answers are bounded; sockets are
// taken over by realtime, which has its own.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

// serve begins to answer requests on the listener. In-flight requests finish
// when it is stopped; those that do not within the deadline are cut.
func (a *App) serve(handler http.Handler) {
	var open atomic.Int64
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		ConnState: func(c net.Conn, s http.ConnState) { bound(&open, c, s) },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(a.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.fail(fmt.Errorf("the HTTP server ended: %w", err))
		}
	}()
	a.opened.add("HTTP", func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
		}
		<-done
		return err
	})
}

// maxConns bounds open HTTP connections: each may hold a body of half a
// megabyte while its sender is slow. Sockets of the live stream have a limit of
// their own (realtime.max_connections) and are not counted.
const maxConns = 4096

// bound counts connections and closes a new one that is over the limit; its
// sender sees a broken connection and tries again, as all of them do.
func bound(open *atomic.Int64, c net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		if open.Add(1) > maxConns {
			_ = c.Close()
		}
	case http.StateHijacked, http.StateClosed:
		open.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// routes is everything the node answers over HTTP: the API, and beside it what
// only operators ask for.
func (a *App) routes(h *house, probes []probe) (http.Handler, error) {
	operations := http.NewServeMux()
	operations.HandleFunc("GET /healthz", livez)
	operations.HandleFunc("GET /readyz", readyz(probes))
	operations.Handle("GET /metrics", a.meter.Handler())
	conf := api.Config{
		Auth: h.auth, Desk: h.desk, Intake: h.desk, Incidents: h.db.Incidents(), Devices: phones{h.db.Devices(), h.pipeline.Moved},
		Holds: h.db.Devices(), Deliveries: h.db.DeliveryLog(), Watch: h.watch,
		Contacts: contacts{h.db.Contacts(), h.pipeline.Moved}, Carriers: h.carriers, CodeKey: h.codeKey,
		Telephone: h.callbacks(), Words: h.words,
		Apps: h.pushers.Names, PushApps: h.pushers, Stream: h.hub.Handler(), Operations: operations, Proxies: a.cfg.proxies(),
		Now: a.opt.Now, Log: a.log, Meter: a.meter,
	}
	if h.web != nil { // a nil sender in an interface would not be nil
		conf.WebPush = h.web
	}
	return api.New(conf)
}

// addresses is api.Contacts by a name that none of its methods has.
type addresses = api.Contacts

// contacts tells this node's pipeline of addresses that are gone.
type contacts struct {
	addresses
	moved func(deviceID string)
}

// RemoveContact leaves nothing on its way.
func (c contacts) RemoveContact(ctx context.Context, userID, id string) error {
	err := c.addresses.RemoveContact(ctx, userID, id)
	if err == nil {
		c.moved(id)
	}
	return err
}

// devices is api.Devices by a name that none of its methods has.
type devices = api.Devices

// phones tells this node's pipeline of devices that may have changed hands:
// what waits in its memory for them has been cancelled in the database.
type phones struct {
	devices
	moved func(deviceID string)
}

// RegisterDevice may take a token over from somebody else.
func (p phones) RegisterDevice(ctx context.Context, d push.Device) (push.Device, error) {
	stored, err := p.devices.RegisterDevice(ctx, d)
	if err == nil {
		p.moved(stored.ID)
	}
	return stored, err
}

// RemoveDevice leaves nothing on its way.
func (p phones) RemoveDevice(ctx context.Context, userID, id string) error {
	err := p.devices.RemoveDevice(ctx, userID, id)
	if err == nil {
		p.moved(id)
	}
	return err
}
