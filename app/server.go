package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nightbell/nightbell/api"
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
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
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

// routes is everything the node answers over HTTP: the API, and beside it what
// only operators ask for.
func (a *App) routes(h *house, probes []probe) (http.Handler, error) {
	operations := http.NewServeMux()
	operations.HandleFunc("GET /healthz", livez)
	operations.HandleFunc("GET /readyz", readyz(probes))
	operations.Handle("GET /metrics", a.meter.Handler())
	return api.New(api.Config{
		Auth: h.auth, Desk: h.desk, Intake: h.desk, Incidents: h.db.Incidents(), Devices: h.db.Devices(),
		Apps: a.cfg.pushApps(), Stream: h.hub.Handler(), Operations: operations, Proxies: a.cfg.proxies(),
		Now: a.opt.Now, Log: a.log, Meter: a.meter,
	})
}
