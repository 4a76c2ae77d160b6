// Command nightbell wakes the right person and lets them answer from the phone.
//
// It parses, listens for signals and exits; the work is done in package app.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker (see Makefile); empty means a plain go build.
var version string

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(run(world{
		args: os.Args[1:], environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		signals: signals,
	}))
}
