package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatWasOpenedLastIsClosedFirst(t *testing.T) {
	var c cleanups
	var order []string
	for _, name := range []string{"database", "claims", "sockets", "HTTP"} {
		c.add(name, func(context.Context) error { order = append(order, name); return nil })
	}
	var log strings.Builder
	if err := c.unwind(t.Context(), slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if want := []string{"HTTP", "sockets", "claims", "database"}; !slices.Equal(order, want) {
		t.Errorf("closed in the order %v, want %v", order, want)
	}
	for _, name := range order {
		if !strings.Contains(log.String(), "step="+name) {
			t.Errorf("the log does not name the step %s:\n%s", name, log.String())
		}
	}
	if err := c.unwind(t.Context(), slog.New(slog.DiscardHandler)); err != nil || len(order) != 4 {
		t.Error("stopping twice ran the steps twice")
	}
}

func TestAStepThatHangsLeavesTimeToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cleanups
		var left time.Duration
		deadline := time.Now().Add(25 * time.Second)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		c.add("database", func(context.Context) error { left = time.Until(deadline); return nil })
		c.add("polite but slow", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		deaf := make(chan struct{})
		c.add("deaf", func(context.Context) error { <-deaf; return nil })
		c.add("failing", func(context.Context) error { return errors.New("broken") })

		err := c.unwind(ctx, slog.New(slog.DiscardHandler))
		close(deaf)
		for _, want := range []string{"deaf: did not end in time", "polite but slow: context deadline exceeded", "failing: broken"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q: %v", want, err)
			}
		}
		if left <= 0 {
			t.Error("the database was closed after the deadline")
		}
	})
}
