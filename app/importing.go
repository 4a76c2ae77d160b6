package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nightbell/nightbell/setup"
)

// ImportExample is a commented file to start from.
func ImportExample() []byte { return setup.Example() }

// Import compares a setup file with the database and, unless it is a dry run,
// applies the difference in one transaction. The report is for people.
func Import(ctx context.Context, cfg Config, path string, dryRun bool, opt Options) (report string, err error) {
	f, err := setup.Load(path)
	if err != nil {
		return "", err
	}
	return ImportFile(ctx, cfg, f, dryRun, opt)
}

// ImportFile is Import for a file that has been read.
func ImportFile(ctx context.Context, cfg Config, f setup.File, dryRun bool, opt Options) (report string, err error) {
	opt = opt.withDefaults()
	now := opt.Now().UTC().Truncate(time.Microsecond)
	if dryRun && cfg.unmade() { // then all is new, and opening would make it
		diff, err := setup.Plan(f, setup.State{}, now)
		if err != nil {
			return "", err
		}
		return sayImport(diff, dryRun), nil
	}
	w, err := openWorkshop(ctx, cfg, opt)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	diff, err := importInto(ctx, w.db.Setup(), f, dryRun, now)
	if err != nil {
		return "", err
	}
	return sayImport(diff, dryRun), nil
}

func importInto(ctx context.Context, store setup.Store, f setup.File, dryRun bool, now time.Time) (setup.Diff, error) {
	if !dryRun {
		return setup.Apply(ctx, store, f, now)
	}
	current, err := store.Configuration(ctx)
	if err != nil {
		return setup.Diff{}, fmt.Errorf("reading the configuration: %w", err)
	}
	return setup.Plan(f, current, now)
}

func sayImport(d setup.Diff, dryRun bool) string {
	var b strings.Builder
	fmt.Fprintln(&b, d)
	switch {
	case d.Empty():
		fmt.Fprintln(&b, "Nothing to change.")
	case dryRun:
		fmt.Fprintln(&b, "Dry run: nothing was written.")
	default:
		fmt.Fprintln(&b, "Applied.")
		for _, k := range d.Keys {
			fmt.Fprintf(&b, "Routing key of %s for service %s: %s\n", k.Integration, k.Service, k.RoutingKey)
		}
	}
	return b.String()
}
