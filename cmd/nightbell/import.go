package main

import (
	"errors"
	"fmt"

	"github.com/nightbell/nightbell/app"
)

type importCmd struct {
	settings
	File    string `arg:"" optional:"" help:"The YAML file."`
	DryRun  bool   `help:"Only print the difference."`
	Example bool   `help:"Print a commented example file and exit."`
}

// Help is shown by nightbell import --help.
func (importCmd) Help() string {
	return `Prints what differs (+ new, ~ changed) and applies it in one transaction. Things are known by name or e-mail; importing the same file again changes nothing, and nothing is ever deleted.

Examples:

    nightbell import --example > team.yaml
    nightbell import team.yaml --dry-run
    nightbell import team.yaml`
}

// Run is the command.
func (c importCmd) Run(w *world) error {
	if c.Example {
		_, err := w.stdout.Write(app.ImportExample())
		return err
	}
	if c.File == "" {
		return errors.New("no file was named; `nightbell import --example` prints one to start from")
	}
	cfg, err := c.load(w, nil)
	if err != nil {
		return err
	}
	ctx, stop := w.interruptible()
	defer stop()
	report, err := app.Import(ctx, cfg, c.File, c.DryRun, app.Options{Log: app.NewLogger(cfg.Log, w.stderr)})
	if err != nil {
		return err
	}
	fmt.Fprint(w.stdout, report)
	return nil
}
