package main

import (
	"cmp"
	"maps"

	"github.com/nightbell/nightbell/app"
)

const description = `Nightbell wakes the right person and lets them answer from the phone.

    nightbell demo        shows it all in this terminal; needs nothing
    nightbell doctor      says what is missing for a real one
    nightbell user add --name "Ana Lima" --email ana@example.com --role owner
    nightbell serve       runs it

Settings come from defaults, then a YAML file (--config), then NIGHTBELL_* variables, then flags. Each is explained in docs/configuration.md and nightbell.example.yaml.

Exit codes: 0 done, 1 failed (one sentence on standard error says why), 2 wrong usage.`

// cli is the command line. Each command is a struct with a Run method in a
// file of its name; its Help method shows how to use it.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run a node: take events, page people, serve the apps."`
	Demo     demoCmd     `cmd:"" help:"Show it all in this terminal, with two stand-in phones. Needs nothing."`
	Doctor   doctorCmd   `cmd:"" help:"Check configuration, database, keys, disk and port, and say how to repair them."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the database's schema up to date."`
	User     userCmd     `cmd:"" help:"Manage people: user add."`
	Import   importCmd   `cmd:"" help:"Import people, schedules, policies, services and integrations from a YAML file."`
	Token    tokenCmd    `cmd:"" help:"Mint an access token for a user, for scripts."`
	Emulator emulatorCmd `cmd:"" help:"Stand in for APNs, FCM and browsers, to develop apps and to test."`
	Version  versionCmd  `cmd:"" help:"Print version, commit and schema version."`
}

// settings are the flags of commands that read the configuration.
type settings struct {
	Config   string            `short:"c" placeholder:"FILE" help:"YAML configuration file (NIGHTBELL_CONFIG)."`
	Database string            `placeholder:"URL" help:"postgres:// URL or SQLite file (NIGHTBELL_DATABASE; default nightbell.db in the data directory)."`
	DataDir  string            `placeholder:"DIR" help:"Directory of the SQLite file and the secret (NIGHTBELL_DATA_DIR; default data)."`
	Set      map[string]string `placeholder:"NAME=VALUE" mapsep:"none" help:"Any other setting, such as --set log.level=debug. May be repeated."`
}

// load reads the configuration, with more flags of the command by setting name.
func (s settings) load(w *world, more map[string]string) (app.Config, error) {
	flags := map[string]string{}
	maps.Copy(flags, s.Set)
	given(flags, map[string]string{"database": s.Database, "data_dir": s.DataDir})
	given(flags, more)
	return app.Load(app.Sources{File: cmp.Or(s.Config, w.getenv("NIGHTBELL_CONFIG")), Environ: w.environ, Flags: flags})
}

// given copies the flags that were used: an empty one was not.
func given(into, flags map[string]string) {
	for name, value := range flags {
		if value != "" {
			into[name] = value
		}
	}
}
