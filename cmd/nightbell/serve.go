package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/app"
)

type serveCmd struct {
	settings
	Listen    string `placeholder:"HOST:PORT" help:"Where the HTTP server listens (NIGHTBELL_LISTEN; default 127.0.0.1:8080)."`
	PublicURL string `placeholder:"URL" help:"How phones reach this instance (NIGHTBELL_PUBLIC_URL)."`
	LogLevel  string `placeholder:"LEVEL" help:"debug, info, warn or error (NIGHTBELL_LOG_LEVEL; default info)."`
	LogFormat string `placeholder:"FORMAT" help:"text or json (NIGHTBELL_LOG_FORMAT; default text)."`
	Migrate   *bool  `negatable:"" help:"Bring the schema up to date at start (NIGHTBELL_MIGRATE; default yes)."`
}

// Help is shown by nightbell serve --help.
func (serveCmd) Help() string {
	return `Runs until SIGINT or SIGTERM, then stops in order: HTTP, sockets, claims, work in hand, database, all within shutdown_deadline. A second signal stops at once; nothing that was accepted is lost by that.

Examples:

    nightbell serve
    nightbell serve --listen :8080 --public-url https://nightbell.example.com
    NIGHTBELL_CONFIG=/etc/nightbell.yaml nightbell serve --set log.format=json`
}

// Run is the command.
func (c serveCmd) Run(w *world) error {
	more := map[string]string{
		"listen": c.Listen, "public_url": c.PublicURL, "log.level": c.LogLevel, "log.format": c.LogFormat,
	}
	if c.Migrate != nil {
		more["migrate"] = strconv.FormatBool(*c.Migrate)
	}
	cfg, err := c.load(w, more)
	if err != nil {
		return err
	}
	node, err := app.New(cfg, app.Options{Log: app.NewLogger(cfg.Log, w.stderr), Version: versionLine()})
	if err != nil {
		return err
	}
	return w.runUntilSignal(node, cfg.ShutdownDeadline)
}

// node is something that runs until it is told to stop.
type node interface {
	Start(ctx context.Context) error
	// Failed gives the reason when it stops by itself.
	Failed() <-chan error
	Stop(ctx context.Context) error
}

// runUntilSignal starts n and stops it within the deadline at the first
// signal, or at once at the second.
func (w *world) runUntilSignal(n node, deadline time.Duration) error {
	signalled, err := w.start(n)
	if err != nil {
		return err
	}
	var failure error
	if !signalled {
		select {
		case <-w.signals:
		case failure = <-n.Failed():
		}
	}
	if err := w.stop(n, deadline); failure == nil {
		return err
	}
	return failure
}

// start waits for the start; a signal breaks it off. signalled means that the
// node was up before it heard of the signal.
func (w *world) start(n node) (signalled bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan error, 1)
	go func() { started <- n.Start(ctx) }()
	select {
	case err := <-started:
		return false, err
	case <-w.signals:
		cancel()
		return true, <-started
	}
}

const (
	// sameSignal is how soon a second signal is still the first one: timeout(1)
	// and some supervisors signal the process and its group.
	sameSignal = 300 * time.Millisecond
	// lastBreath is what a node gets after the second signal to take away its
	// temporary files.
	lastBreath = 500 * time.Millisecond
)

func (w *world) stop(n node, deadline time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- n.Stop(ctx) }()
	began := time.Now()
	for {
		select {
		case err := <-stopped:
			return err
		case <-w.signals:
		}
		if time.Since(began) > sameSignal {
			break
		}
	}
	cancel()
	fmt.Fprintln(w.stderr, "nightbell: stopping at once, as the second signal asks; work in hand will be taken up again")
	select {
	case err := <-stopped:
		return errors.Join(errSaid, err)
	case <-time.After(lastBreath):
	}
	return errSaid
}
