package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// standIn is a node that does what a test tells it.
type standIn struct {
	started, stopped func(context.Context) error
	failed           chan error
	stops            int
}

func newStandIn() *standIn {
	nothing := func(context.Context) error { return nil }
	return &standIn{started: nothing, stopped: nothing, failed: make(chan error, 1)}
}

func (s *standIn) Start(ctx context.Context) error { return s.started(ctx) }
func (s *standIn) Failed() <-chan error            { return s.failed }
func (s *standIn) Stop(ctx context.Context) error  { s.stops++; return s.stopped(ctx) }

func until(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestTheFirstSignalStopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, signals := newStandIn(), make(chan os.Signal, 4)
		n.stopped = func(context.Context) error { time.Sleep(3 * time.Second); return nil }
		w := world{stderr: new(bytes.Buffer), signals: signals}
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM // at the same moment: the group's copy of it
		if err := w.runUntilSignal(n, 25*time.Second); err != nil || n.stops != 1 {
			t.Errorf("%v after %d stops", err, n.stops)
		}
	})
}

func TestTheSecondSignalStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, signals, said := newStandIn(), make(chan os.Signal, 4), new(bytes.Buffer)
		n.stopped = until
		w := world{stderr: said, signals: signals}
		began := time.Now()
		go func() {
			signals <- os.Interrupt
			time.Sleep(time.Second)
			signals <- os.Interrupt
		}()
		err := w.runUntilSignal(n, 25*time.Second)
		if !errors.Is(err, errSaid) || !strings.Contains(said.String(), "second signal") || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %v: %s", err, time.Since(began), said)
		}
	})
}

func TestAShutdownEndsWithItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, signals := newStandIn(), make(chan os.Signal, 1)
		n.stopped = until
		signals <- os.Interrupt
		w := world{stderr: new(bytes.Buffer), signals: signals}
		began := time.Now()
		if err := w.runUntilSignal(n, 25*time.Second); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 25*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestASignalBreaksOffTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, signals := newStandIn(), make(chan os.Signal, 1)
		n.started = until
		signals <- os.Interrupt
		w := world{stderr: new(bytes.Buffer), signals: signals}
		if err := w.runUntilSignal(n, 25*time.Second); !errors.Is(err, context.Canceled) || n.stops != 0 {
			t.Errorf("%v after %d stops", err, n.stops)
		}
	})
}

func TestANodeThatFailsIsStoppedAndItsReasonTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newStandIn()
		n.failed <- errors.New("the listener broke")
		w := world{stderr: new(bytes.Buffer), signals: make(chan os.Signal)}
		if err := w.runUntilSignal(n, 25*time.Second); err == nil || err.Error() != "the listener broke" || n.stops != 1 {
			t.Errorf("%v after %d stops", err, n.stops)
		}
	})
}

// watcher is an output that says when it has been written a word.
type watcher struct {
	mu   sync.Mutex
	text strings.Builder
	word string
	seen chan struct{}
}

func (o *watcher) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if o.seen != nil && strings.Contains(o.text.String(), o.word) {
		close(o.seen)
		o.seen = nil
	}
	return len(b), nil
}

// TestServeAndEmulatorRunUntilTheyAreTold runs the real commands together:
// the node pushes to the emulator by the configuration that it wrote.
func TestServeAndEmulatorRunUntilTheyAreTold(t *testing.T) {
	dir := t.TempDir()
	emulator := begin(t, "Standing in for ", "emulator", "--listen", "127.0.0.1:0", "--dir", filepath.Join(dir, "emulator"))
	serve := begin(t, "nightbell is up", "serve", "--config", filepath.Join(dir, "emulator", "nightbell.yaml"),
		"--data-dir", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0")
	if code, log := serve(); code != exitDone || !strings.Contains(log, "step=database") {
		t.Errorf("serve: exit code %d\n%s", code, log)
	}
	code, out, _ := call(t, "", nil, "doctor", "push", "--config", filepath.Join(dir, "emulator", "nightbell.yaml"), "--data-dir", filepath.Join(dir, "data"))
	for _, want := range []string{"ios, production: Apple takes the key", "android: Google takes the account", "0 on call"} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("doctor push: exit code %d, no %q in\n%s", code, want, out)
		}
	}
	if code, log := emulator(); code != exitDone {
		t.Errorf("emulator: exit code %d\n%s", code, log)
	}
	code, out, _ = call(t, "", nil, "doctor", "--config", filepath.Join(dir, "emulator", "nightbell.yaml"), "--data-dir", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0")
	for _, want := range []string{"ios: key", "android: service account of project nightbell-emulated", "schema version"} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("doctor: exit code %d, no %q in\n%s", code, want, out)
		}
	}
}

// begin runs a command until it has said the word; end stops it.
func begin(t *testing.T, word string, args ...string) (end func() (code int, said string)) {
	t.Helper()
	seen, signals, done := make(chan struct{}), make(chan os.Signal, 1), make(chan int, 1)
	out := &watcher{word: word, seen: seen}
	go func() {
		done <- run(world{args: args, stdin: strings.NewReader(""), stdout: out, stderr: out, signals: signals})
	}()
	select {
	case <-seen:
	case code := <-done:
		t.Fatalf("%v ended with %d:\n%s", args, code, out.text.String())
	}
	return func() (int, string) {
		signals <- syscall.SIGTERM
		code := <-done
		return code, out.text.String()
	}
}
