package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nightbell/nightbell/app"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/setup"
)

// Config is what the demo's command line says.
type Config struct {
	// Listen is the node's host:port.
	Listen string
	// Data is a directory to keep; empty: a temporary one, removed by Stop.
	Data string
	// Quick escalates after quickDelay instead of half a minute.
	Quick bool
	// Out gets the banner and the phones' screens; Color says that it is a
	// terminal that may be coloured.
	Out     io.Writer
	Color   bool
	Log     *slog.Logger
	Version string
}

const quickDelay = 5 * time.Second

// Demo is a node with two stand-in phones. It has the life of an [app.App]:
// Start once, Stop once.
type Demo struct {
	cfg      Config
	scratch  string // the demo's own files: the emulator's CA, and a temporary database
	emulator *pushtest.Emulator
	screen   *screen
	teller   *teller
	names    map[string]string // of the people, by user id
	node     *app.App
	delay    time.Duration
	stopOnce sync.Once
	stopErr  error
}

// New makes a demo; nothing runs yet.
func New(cfg Config) *Demo {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Demo{cfg: cfg, names: map[string]string{}}
}

// Start brings everything up, registers the phones and prints the banner.
// When it fails, nothing of it remains.
func (d *Demo) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			err = errors.Join(err, d.Stop(stop))
		}
	}()
	if d.scratch, err = os.MkdirTemp("", "nightbell-demo-"); err != nil {
		return fmt.Errorf("making a temporary directory: %w; set TMPDIR to one that can be written", err)
	}
	if d.emulator, err = pushtest.Start(pushtest.Config{Log: d.cfg.Log}); err != nil {
		return fmt.Errorf("starting the stand-in for APNs and FCM: %w", err)
	}
	seed, err := d.organisation()
	if err != nil {
		return err
	}
	conf, err := d.configuration()
	if err != nil {
		return err
	}
	node, err := app.New(conf, app.Options{Log: d.cfg.Log, Version: d.cfg.Version, Seed: &seed})
	if err != nil {
		return err
	}
	if err := node.Start(ctx); err != nil {
		return err
	}
	d.node = node
	for _, p := range people {
		if err := d.pickUp(ctx, p); err != nil {
			return fmt.Errorf("registering %s: %w", p.phone, err)
		}
	}
	d.screen = newScreen(d.cfg.Out, ink(d.cfg.Color), node.URL())
	d.emulator.OnShow(d.screen.show)
	fmt.Fprint(d.cfg.Out, d.banner())
	d.teller = &teller{log: node, out: d.cfg.Out, ink: ink(d.cfg.Color), names: d.names}
	return d.teller.start(ctx)
}

// organisation is setup's demo, with the pace the user asked for.
func (d *Demo) organisation() (setup.File, error) {
	f, err := setup.Demo(time.Now())
	if err != nil {
		return f, fmt.Errorf("reading the demo's organisation: %w", err)
	}
	for i := range f.Policies {
		for j := range f.Policies[i].Levels {
			level := &f.Policies[i].Levels[j]
			if d.cfg.Quick {
				level.Delay = quickDelay
			}
			d.delay = level.Delay
		}
	}
	return f, nil
}

// configuration points a plain node at the emulator: its senders are the real
// ones, only the addresses and the keys differ.
func (d *Demo) configuration() (app.Config, error) {
	account, err := d.emulator.NewServiceAccount(project)
	if err != nil {
		return app.Config{}, err
	}
	ca := filepath.Join(d.scratch, "ca.pem")
	if err := os.WriteFile(ca, d.emulator.CAPEM(), 0o600); err != nil {
		return app.Config{}, fmt.Errorf("writing the emulator's certificate: %w", err)
	}
	ios := d.emulator.NewAPNsApp(bundleID)
	c := app.Defaults()
	c.Listen, c.DataDir, c.Node = d.cfg.Listen, d.cfg.Data, "demo"
	if c.DataDir == "" {
		c.DataDir = filepath.Join(d.scratch, "data")
	}
	c.ShutdownDeadline = Deadline
	c.Push.CAFile = ca
	c.Push.APNs = app.APNsConfig{
		EndpointProduction: d.emulator.APNsURL(pushtest.Production),
		EndpointSandbox:    d.emulator.APNsURL(pushtest.Sandbox),
		Apps:               []app.APNsApp{{Name: iosApp, BundleID: bundleID, TeamID: ios.TeamID, KeyID: ios.KeyID, Key: ios.KeyPEM}},
	}
	c.Push.FCM = app.FCMConfig{
		Endpoint: d.emulator.FCMURL(),
		Apps:     []app.FCMApp{{Name: androidApp, ServiceAccount: string(account)}},
	}
	return c, nil
}

// Deadline is how long the demo may take to stop: it has little to finish.
const Deadline = 5 * time.Second

// Failed gives the reason when the node ends by itself.
func (d *Demo) Failed() <-chan error { return d.node.Failed() }

// Stop ends node, phones and screen, and removes the temporary directory. A
// second call gives the same answer.
func (d *Demo) Stop(ctx context.Context) error {
	d.stopOnce.Do(func() { d.stopErr = d.stop(ctx) })
	return d.stopErr
}

func (d *Demo) stop(ctx context.Context) error {
	var errs []error
	if d.teller != nil {
		d.teller.close() // before the node it reads from
	}
	if d.node != nil {
		errs = append(errs, d.node.Stop(ctx))
	}
	if d.emulator != nil {
		errs = append(errs, d.emulator.Close())
	}
	if d.screen != nil {
		d.screen.close()
	}
	if d.scratch != "" {
		errs = append(errs, os.RemoveAll(d.scratch))
	}
	return errors.Join(errs...)
}
