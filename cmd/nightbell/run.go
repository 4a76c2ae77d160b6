package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/nightbell/nightbell/app"
)

// Exit codes, as `nightbell --help` tells them.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// world is what a command sees of the outside, so that a test can stand in.
type world struct {
	args, environ  []string
	stdin          io.Reader
	stdout, stderr io.Writer
	// signals ask to stop: the first gently, the second at once.
	signals <-chan os.Signal
}

// errSaid is a failure that has already been explained to the user.
var errSaid = errors.New("already said")

// run parses the command line, runs the command and gives the exit code.
func run(w world) int {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("nightbell"), kong.Description(description),
		kong.Writers(w.stdout, w.stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Bind(&w),
	)
	if err != nil {
		fmt.Fprintln(w.stderr, "nightbell: the command line is built wrongly; report this as a bug:", err)
		return exitFailed
	}
	args := w.args
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped {
		if len(w.args) == 0 {
			return exitUsage
		}
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(w.stderr, "nightbell: %v\nRun `nightbell --help`, or `nightbell COMMAND --help`.\n", err)
		return exitUsage
	}
	if err := parsed.Run(); err != nil {
		if !errors.Is(err, errSaid) {
			fmt.Fprintln(w.stderr, "nightbell:", app.Sentence(err))
		}
		return exitFailed
	}
	return exitDone
}

// interruptible gives a context that the first signal ends, for commands that
// do one thing. Call stop when done.
func (w *world) interruptible() (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-w.signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// getenv reads a variable of this world.
func (w *world) getenv(name string) string {
	for _, entry := range w.environ {
		if n, value, _ := strings.Cut(entry, "="); n == name {
			return value
		}
	}
	return ""
}
