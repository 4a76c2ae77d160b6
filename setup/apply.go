package setup

import (
	"context"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// maxTries bounds how often Apply plans anew because the configuration moved
// (any change counts, a phone that registers too).
const maxTries = 5

// Apply plans the file on the store's configuration and writes the changes in
// one transaction: all of the file or nothing. What it did comes back.
func Apply(ctx context.Context, store Store, f File, now time.Time) (Diff, error) {
	for try := 1; ; try++ {
		current, err := store.Configuration(ctx)
		if err != nil {
			return Diff{}, fmt.Errorf("reading the configuration: %w", err)
		}
		d, err := Plan(f, current, now) //nolint:contextcheck // a plan is a computation; hashing has its own bound
		if err != nil || d.Empty() {
			return d, err
		}
		err = store.Apply(ctx, d.Changes)
		if err == nil {
			return d, nil
		}
		if try == maxTries || !fault.Is(err, "configuration_moved") {
			return Diff{}, fmt.Errorf("writing the configuration: %w", err)
		}
	}
}
