package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/nightbell/nightbell/app"
	"github.com/nightbell/nightbell/app/demo"
)

type demoCmd struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the server listens. Default 127.0.0.1:8080."`
	Data   string `placeholder:"DIR" help:"Keep the data here. Default: a temporary directory, removed at the end."`
	Quick  bool   `help:"Escalate after 5 seconds instead of 30."`
}

// Help is shown by nightbell demo --help.
func (demoCmd) Help() string {
	return `Runs a real node on an embedded database. Ana has an iPhone and Ben a Pixel; both are stand-ins, pushed to by the real APNs and FCM senders through an emulator in the same process. Each notification is drawn here as the phone shows it, with a curl for each of its buttons.

Password and keys of the demo are public: never use it for anything real.

Examples:

    nightbell demo
    nightbell demo --quick --listen 127.0.0.1:9000`
}

// Run is the command.
func (c demoCmd) Run(w *world) error {
	d := demo.New(demo.Config{
		Listen: c.Listen, Data: c.Data, Quick: c.Quick,
		Out: w.stdout, Color: w.getenv("NO_COLOR") == "" && isTerminal(w.stdout),
		Log:     app.NewLogger(app.LogConfig{Level: "warn"}, w.stderr),
		Version: versionLine(),
	})
	return w.runUntilSignal(d, demo.Deadline)
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
