package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/setup"
)

// Options are what a node takes from its process rather than from its
// configuration. All may be left zero.
type Options struct {
	Log     *slog.Logger
	Version string
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Seed is imported before the node serves; for the demo.
	Seed *setup.File
	// DialWebPush replaces how push services of browsers are reached, and the
	// check of their addresses with it; for tests. Nil: directly, guarded.
	DialWebPush func(ctx context.Context, network, address string) (net.Conn, error)
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// App is one node. It is started once and stopped once.
type App struct {
	cfg   Config
	opt   Options
	log   *slog.Logger
	meter *meter.Meter

	listener net.Listener
	house    *house
	opened   cleanups
	stopOnce sync.Once
	stopErr  error
	failed   chan error
}

// New makes a node of a configuration, which it validates. Nothing is opened,
// made or listened to before Start.
func New(cfg Config, opt Options) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	return &App{
		cfg: cfg, opt: opt, log: opt.Log.With("node", cfg.nodeName()), meter: meter.New(),
		failed: make(chan error, 1),
	}, nil
}

// Start opens everything and returns when the node serves. When it fails, the
// error is one sentence for the operator, and nothing it had opened or made
// remains: no port, no goroutine, no directory.
func (a *App) Start(ctx context.Context) (err error) {
	var undo undo
	defer func() {
		if err != nil {
			a.abandon(ctx)
			undo.run()
		}
	}()
	began := time.Now()
	// The port comes first: of all that can fail it is the quickest to tell.
	if err := a.listen(ctx); err != nil {
		return err
	}
	h, err := a.build(ctx, &undo)
	if err != nil {
		return err
	}
	a.house = h
	a.run(h)
	a.settle(ctx, h)
	a.log.Info("nightbell is up", "version", a.opt.Version, "listen", a.Addr(), "url", a.URL(), "database", a.cfg.databaseName(), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// settle waits a moment for the live stream to have read the timeline, so that
// a node that says it is up can be used. It need not succeed: /readyz tells.
func (a *App) settle(ctx context.Context, h *house) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	select {
	case <-h.hub.Ready():
	case <-ctx.Done():
	}
}

// abandon closes what a failed start had opened. The start's context may be
// over already, so it has its own short time.
func (a *App) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = a.opened.unwind(ctx, slog.New(slog.DiscardHandler)) // the start's own error is the one to tell
}

// Stop ends the node in order: HTTP, sockets, claims and the work in hand, the
// database. The deadline of ctx bounds it all. A second call waits for nothing
// and gives the same answer.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		began := time.Now()
		a.log.Info("stopping", "deadline", a.cfg.ShutdownDeadline)
		a.stopErr = a.opened.unwind(ctx, a.log)
		a.log.Info("stopped", "took", time.Since(began).Round(time.Millisecond))
	})
	return a.stopErr
}

// Failed gives the reason when the node stops serving by itself; Stop is
// still to be called then.
func (a *App) Failed() <-chan error { return a.failed }

// fail reports the first reason; later ones follow from it.
func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default:
	}
}

func (a *App) listen(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("the address %s is already in use; stop the program that holds it, or choose another with --listen or NIGHTBELL_LISTEN", a.cfg.Listen)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("not allowed to listen on %s; choose a port above 1023, or allow it (setcap cap_net_bind_service=+ep)", a.cfg.Listen)
	case err != nil:
		return fmt.Errorf("cannot listen on %s: %w; choose an address of this machine with --listen", a.cfg.Listen, err)
	}
	a.listener = l
	a.opened.add("port", func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // HTTP closed it before
			return err
		}
		return nil
	})
	return nil
}

// Addr is where the node listens, as host:port.
func (a *App) Addr() string { return a.listener.Addr().String() }

// URL is how phones and people reach the node.
func (a *App) URL() string {
	if a.cfg.PublicURL != "" || a.listener == nil {
		return a.cfg.BaseURL()
	}
	c := a.cfg
	c.Listen = a.Addr() // the real port, where 0 was asked for
	return c.BaseURL()
}

// Entries gives what was committed after a place of the timeline, in order, at
// most limit; for the demo, which tells of it.
func (a *App) Entries(ctx context.Context, after int64, limit int) ([]incident.Entry, error) {
	return a.house.db.Timeline().Since(ctx, after, limit)
}
