package main

import (
	"fmt"
	"time"

	"github.com/nightbell/nightbell/app"
)

type tokenCmd struct {
	settings
	User string        `required:"" placeholder:"EMAIL" help:"E-mail of the user the token speaks for."`
	TTL  time.Duration `default:"15m" help:"How long it is valid, at most 24h."`
}

// Help is shown by nightbell token --help.
func (tokenCmd) Help() string {
	return `Prints an access token with the rights of the user, without a password: whoever can read the database and the secret may do that. It makes a session that can be revoked.

Example:

    curl -H "Authorization: Bearer $(nightbell token --user ana@example.com)" http://127.0.0.1:8080/v1/incidents`
}

// Run is the command.
func (c tokenCmd) Run(w *world) error {
	cfg, err := c.load(w, nil)
	if err != nil {
		return err
	}
	ctx, stop := w.interruptible()
	defer stop()
	token, err := app.MintToken(ctx, cfg, c.User, c.TTL, app.Options{Log: app.NewLogger(cfg.Log, w.stderr)})
	if err != nil {
		return err
	}
	fmt.Fprintln(w.stdout, token)
	return nil
}
