package main

import (
	"context"
	"fmt"

	"github.com/nightbell/nightbell/app"
)

type doctorCmd struct {
	settings
	Part      string `arg:"" optional:"" enum:",push" default:"" help:"push: ask the push providers whether they take the keys."`
	Listen    string `placeholder:"HOST:PORT" help:"As for serve."`
	PublicURL string `placeholder:"URL" help:"As for serve."`
}

// Help is shown by nightbell doctor --help.
func (doctorCmd) Help() string {
	return `Changes nothing. Exits with 1 when something would keep Nightbell from working; warnings alone do not.

"doctor push" goes out to the push providers: are they reached, do the clocks agree, do they take the keys, topics and
projects? No phone gets anything. Apple counts its question as an error, so do not put it into a cron job.

Example:

    nightbell doctor --config /etc/nightbell.yaml
    nightbell doctor push --config /etc/nightbell.yaml`
}

// marks are the same width, so that the names line up.
var marks = map[app.Health]string{app.Healthy: "ok  ", app.Doubtful: "warn", app.Broken: "FAIL"}

// Run is the command.
func (c doctorCmd) Run(w *world) error {
	ctx, stop := w.interruptible()
	defer stop()
	cfg, err := c.load(w, map[string]string{"listen": c.Listen, "public_url": c.PublicURL})
	found := app.Doctor
	if c.Part == "push" {
		found = func(ctx context.Context, cfg app.Config, err error) []app.Finding {
			return app.DoctorPush(ctx, cfg, err, app.Options{})
		}
	}
	broken := 0
	for _, f := range found(ctx, cfg, err) {
		fmt.Fprintf(w.stdout, "%s  %-14s %s\n", marks[f.Health], f.Part, f.Says)
		if f.Fix != "" {
			fmt.Fprintf(w.stdout, "      %-14s → %s\n", "", f.Fix)
		}
		if f.Health == app.Broken {
			broken++
		}
	}
	if broken > 0 {
		fmt.Fprintf(w.stderr, "nightbell: %d of the above must be repaired first\n", broken)
		return errSaid
	}
	return nil
}
