package app

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// chore is something that is done again and again while the node runs.
type chore struct {
	name string
	// every is the pause between the end of one run and the start of the next;
	// the first run is at once.
	every time.Duration
	run   func(context.Context) error
}

// chores owns the goroutines of the periodic work.
type chores struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startChores starts each in its own goroutine: one that hangs delays no other.
func startChores(log *slog.Logger, all ...chore) *chores {
	ctx, cancel := context.WithCancel(context.Background())
	c := &chores{cancel: cancel}
	for _, ch := range all {
		c.done.Go(func() { ch.repeat(ctx, log) })
	}
	return c
}

func (ch chore) repeat(ctx context.Context, log *slog.Logger) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		ch.once(ctx, log)
		timer.Reset(ch.every)
	}
}

// choreLimit is how long one run may take.
const choreLimit = time.Minute

func (ch chore) once(ctx context.Context, log *slog.Logger) {
	limited, cancel := context.WithTimeout(ctx, choreLimit)
	defer cancel()
	if err := ch.run(limited); err != nil && ctx.Err() == nil {
		log.Warn("periodic work failed; it will be tried again", "what", ch.name, "again_in", ch.every, "error", err)
	}
}

// stop ends all and waits for them, no longer than ctx.
func (c *chores) stop(ctx context.Context) error {
	c.cancel()
	done := make(chan struct{})
	go func() { c.done.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
