package main

import (
	"fmt"

	"github.com/nightbell/nightbell/app"
)

type migrateCmd struct{ settings }

// Help is shown by nightbell migrate --help.
func (migrateCmd) Help() string {
	return `serve does the same at start unless migrate is off. Migrations only go forward, and the release before keeps running beside the newer schema, so: migrate first, then replace node after node. Back up before.

Example:

    nightbell migrate --database postgres://nightbell@db/nightbell --set secret_file=/run/secrets/nightbell`
}

// Run is the command.
func (c migrateCmd) Run(w *world) error {
	cfg, err := c.load(w, nil)
	if err != nil {
		return err
	}
	ctx, stop := w.interruptible()
	defer stop()
	from, to, err := app.Migrate(ctx, cfg, app.Options{Log: app.NewLogger(cfg.Log, w.stderr)})
	if err != nil {
		return err
	}
	if from == to {
		fmt.Fprintf(w.stdout, "The schema is up to date (version %d).\n", to)
		return nil
	}
	fmt.Fprintf(w.stdout, "The schema was brought from version %d to %d.\n", from, to)
	return nil
}
