package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/setup"
)

// NewUser is a person to be added from the command line.
type NewUser struct {
	Name     string `yaml:"name"`
	Email    string `yaml:"email"`
	Role     string `yaml:"role,omitempty"`
	TimeZone string `yaml:"time_zone,omitempty"`
	Password string `yaml:"password"`
}

// AddUser adds a person. Somebody who is there already is refused, not changed.
func AddUser(ctx context.Context, cfg Config, n NewUser, opt Options) (u auth.User, err error) {
	opt = opt.withDefaults()
	f, err := n.file()
	if err != nil {
		return auth.User{}, err
	}
	w, err := openWorkshop(ctx, cfg, opt)
	if err != nil {
		return auth.User{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	email := f.Users[0].Email
	switch _, err := w.db.Accounts().UserByEmail(ctx, email); {
	case err == nil:
		return auth.User{}, fault.New(fault.Conflict, "user_exists", "%s is a user already; to change them, import a file: nightbell import --help", email)
	case fault.KindOf(err) != fault.NotFound:
		return auth.User{}, err
	}
	if _, err := setup.Apply(ctx, w.db.Setup(), f, opt.Now().UTC().Truncate(time.Microsecond)); err != nil {
		return auth.User{}, err
	}
	return w.db.Accounts().UserByEmail(ctx, email)
}

// file writes the person down as an import would have them, so that one set
// of rules judges both.
func (n NewUser) file() (setup.File, error) {
	text, err := yaml.Marshal(map[string]any{"users": []NewUser{n}})
	if err != nil {
		return setup.File{}, err
	}
	f, err := setup.Parse(text)
	var problems *setup.Problems
	if errors.As(err, &problems) {
		var said []string
		for _, p := range problems.List {
			said = append(said, strings.TrimPrefix(p.Path, "users[0].")+": "+p.Text)
		}
		return f, fault.New(fault.Invalid, "bad_user", "nobody was added: %s", strings.Join(said, "; "))
	}
	return f, err
}

// MintToken makes an access token that speaks for the user with this e-mail.
// Whoever holds the database and the secret could do as much.
func MintToken(ctx context.Context, cfg Config, email string, ttl time.Duration, opt Options) (token string, err error) {
	opt = opt.withDefaults()
	if cfg.unmade() { // a mistyped directory must not become an instance
		return "", fault.New(fault.NotFound, "no_database", "there is no database at %s; check data_dir and database, or begin with nightbell user add", cfg.databaseURL())
	}
	w, err := openWorkshop(ctx, cfg, opt)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	secret, err := instanceSecret(cfg, &w.undo)
	if err != nil {
		return "", err
	}
	service := auth.New(auth.Config{Store: w.db.Accounts(), Secret: secret, Issuer: issuer, Now: opt.Now, Log: opt.Log})
	if err := service.Prepare(ctx); err != nil {
		return "", err
	}
	t, err := service.Mint(ctx, email, "nightbell token", ttl)
	return t.Access, err
}
