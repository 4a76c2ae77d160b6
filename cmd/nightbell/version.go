package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/nightbell/nightbell/app"
)

type versionCmd struct{}

// Run is the command.
func (versionCmd) Run(w *world) error {
	_, err := fmt.Fprintf(w.stdout, "nightbell %s, schema %d, %s %s/%s\n", versionLine(), app.NewestSchema(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionLine gives the version and the commit it was built from, as far as
// the build knows them.
func versionLine() string {
	v, commit := version, ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "dev"
	}
	if commit != "" {
		v += " (" + commit + ")"
	}
	return v
}
