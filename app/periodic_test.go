package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestChoresAreRepeatedWhateverTheySayAndHangAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		runs := 0
		c := startChores(slog.New(slog.NewTextHandler(&log, nil)),
			chore{"failing", 5 * time.Second, func(context.Context) error { runs++; return errors.New("broken") }},
			chore{"hanging", time.Second, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		)
		time.Sleep(12 * time.Second) // fake time
		synctest.Wait()
		if runs != 3 {
			t.Errorf("ran %d times in 12 s, want 3: at 0, 5 and 10", runs)
		}
		if err := c.stop(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "what=failing") || strings.Contains(log.String(), "what=hanging") {
			t.Errorf("the log should complain of the failing chore, and not of one cut by the stop:\n%s", log.String())
		}
	})
}
