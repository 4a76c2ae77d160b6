package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// cleanups closes what was opened, in reverse: what was opened last stands on
// what was opened before it.
type cleanups struct{ steps []cleanup }

type cleanup struct {
	name string
	run  func(context.Context) error
}

// add remembers how to close what has just been opened. The name is shown to
// the operator, as in "stopping HTTP".
func (c *cleanups) add(name string, run func(context.Context) error) {
	c.steps = append(c.steps, cleanup{name, run})
}

// reserve is what a step leaves of the remaining time to each step after it,
// so that one request that never ends cannot keep the database from closing.
const reserve = 10 // a tenth

// stuck is how long a step that ignores its deadline is waited for beyond it.
const stuck = time.Second

// unwind runs the steps, last added first, within ctx's deadline, and logs
// each by name with how long it took. All steps run, whatever the others say.
func (c *cleanups) unwind(ctx context.Context, log *slog.Logger) error {
	var failed []error
	for len(c.steps) > 0 {
		last := len(c.steps) - 1
		step := c.steps[last]
		c.steps = c.steps[:last]
		start := time.Now()
		err := step.within(ctx, last)
		took := time.Since(start).Round(time.Millisecond)
		if err != nil {
			log.Error("shutdown step failed", "step", step.name, "took", took, "error", err)
			failed = append(failed, fmt.Errorf("%s: %w", step.name, err))
			continue
		}
		log.Info("shutdown step done", "step", step.name, "took", took)
	}
	return errors.Join(failed...)
}

// within runs the step in its share of the time, with after steps to come.
func (s cleanup) within(ctx context.Context, after int) error {
	if deadline, ok := ctx.Deadline(); ok {
		remaining := time.Until(deadline)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, remaining-remaining*time.Duration(min(after, reserve-1))/reserve)
		defer cancel()
	}
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(stuck):
		return errors.New("did not end in time; going on without it")
	}
}
