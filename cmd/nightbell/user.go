package main

import (
	"fmt"

	"github.com/nightbell/nightbell/app"
)

type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add a person who can sign in."`
}

type userAddCmd struct {
	settings
	Name         string `required:"" placeholder:"NAME" help:"The person's name, as shown on phones."`
	Email        string `required:"" placeholder:"EMAIL" help:"The person's e-mail, to sign in with."`
	Role         string `default:"responder" placeholder:"ROLE" help:"owner, admin, manager, responder or stakeholder. Default responder."`
	TimeZone     string `default:"UTC" placeholder:"ZONE" help:"IANA name, such as Europe/Madrid. Default UTC."`
	PasswordFile string `placeholder:"FILE" help:"File that holds the password; - is standard input. Without it you are asked."`
}

// Help is shown by nightbell user add --help.
func (userAddCmd) Help() string {
	return `The password is never a flag: others could see it in the process list. A person added here is paged on all their phones until notification rules say otherwise.

Examples:

    nightbell user add --name "Ana Lima" --email ana@example.com --role owner
    pwgen 20 1 | nightbell user add --name Ben --email ben@example.com --password-file -`
}

// Run is the command.
func (c userAddCmd) Run(w *world) error {
	cfg, err := c.load(w, nil)
	if err != nil {
		return err
	}
	password, err := w.password(c.PasswordFile)
	if err != nil {
		return err
	}
	ctx, stop := w.interruptible()
	defer stop()
	user, err := app.AddUser(ctx, cfg, app.NewUser{
		Name: c.Name, Email: c.Email, Role: c.Role, TimeZone: c.TimeZone, Password: password,
	}, app.Options{Log: app.NewLogger(cfg.Log, w.stderr)})
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, `Added %s (%s, %s, %s).

Next:
  sign in      %s signs in to the app at %s
  by hand      nightbell token --user %s
  get paged    name %s in a schedule or policy: nightbell import --help
`, user.Name, user.Email, user.Role, user.ID, user.Name, cfg.BaseURL(), user.Email, user.Email)
	return nil
}
