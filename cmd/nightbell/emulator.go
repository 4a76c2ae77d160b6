package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/app"
)

type emulatorCmd struct {
	Listen   string `default:"127.0.0.1:8443" placeholder:"HOST:PORT" help:"FCM, OAuth and the control API; APNs and Web Push take the three ports after it. Default 127.0.0.1:8443."`
	Control  string `placeholder:"HOST:PORT" help:"Serve the control API here too, without TLS. Loopback only: whoever reaches it decides what the phones get."`
	Dir      string `default:"emulator" placeholder:"DIR" help:"Where certificate, keys and configuration are written. Default emulator."`
	BundleID string `default:"com.example.nightbell" placeholder:"ID" help:"The iOS app. Default com.example.nightbell."`
	Project  string `default:"nightbell-emulated" placeholder:"ID" help:"The Firebase project. Default nightbell-emulated."`
}

// Help is shown by nightbell emulator --help.
func (emulatorCmd) Help() string {
	return `Answers as APNs, FCM and a push service of browsers do, as strictly, and can be told to be slow, broken or gone. It remembers what each phone got. The control API is described in the package documentation of push/pushtest.

Example:

    nightbell emulator --dir /tmp/emulator &
    nightbell serve --config /tmp/emulator/nightbell.yaml`
}

// Run is the command.
func (c emulatorCmd) Run(w *world) error {
	e := app.NewEmulator(app.EmulatorConfig{
		Listen: c.Listen, Control: c.Control, Dir: c.Dir, BundleID: c.BundleID, Project: c.Project,
		Log: app.NewLogger(app.LogConfig{Level: "info"}, w.stderr),
	})
	return w.runUntilSignal(announced{e, func() { fmt.Fprint(w.stdout, e.Describe()) }}, 5*time.Second)
}

// announced is a node that says something once it is up.
type announced struct {
	node
	say func()
}

// Start is the node's, and then says it.
func (a announced) Start(ctx context.Context) error {
	if err := a.node.Start(ctx); err != nil {
		return err
	}
	a.say()
	return nil
}
