package respond

import (
	"context"
	"log/slog"
	"time"

	"github.com/nightbell/nightbell/crash"
	"github.com/nightbell/nightbell/meter"
)

// Config is what the desk needs from its house.
type Config struct {
	Store Store
	// Pager is handed committed deliveries; required.
	Pager Pager
	// Node is this process's name in leases.
	Node string
	// Lease is how long deliveries inserted by this node stay its own before
	// another may take them; default 30 s.
	Lease time.Duration
	// Now is the clock; default time.Now.
	Now   func() time.Time
	Log   *slog.Logger
	Meter *meter.Meter
}

// Desk is where every change of an incident is made.
type Desk struct {
	store   Store
	pager   Pager
	node    string
	lease   time.Duration
	clock   func() time.Time
	log     *slog.Logger
	changes *meter.Counter
	commit  *meter.Histogram
	overdue *meter.Gauge
}

// New builds a desk.
func New(c Config) *Desk {
	if c.Lease <= 0 {
		c.Lease = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{
		store: c.Store, pager: c.Pager, node: c.Node, lease: c.Lease, clock: c.Now, log: c.Log,
		changes: c.Meter.Counter("nightbell_incident_changes_total", "Committed changes of incidents, by what was done.", "change"),
		commit:  c.Meter.Seconds("nightbell_commit_seconds", "From a request reaching the desk to its commit.", "door"),
		overdue: c.Meter.Gauge("nightbell_incidents_overdue", "Open incidents the auditor is worried about: late (their timer has passed), stuck (triggered with no timer) or exhausted (plan over, nobody acknowledged).", "why"),
	}
	d.tellOverdue(0, 0, 0) // the series exist from the start, before the first audit
	return d
}

// now is the moment of a change, at the precision both databases keep.
func (d *Desk) now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// write runs fn in the group-commit writer with a fresh unit of work each
// time, and only after the commit lets anything leave (I2).
func (d *Desk) write(ctx context.Context, door, key string, fn func(*work) error) error {
	start := d.clock()
	var last *work
	err := d.store.Write(ctx, key, func(tx Tx) error {
		last = &work{desk: d, tx: tx, now: d.now()}
		err := fn(last)
		crash.Here(crash.BeforeCommit)
		return err
	})
	if err != nil {
		return err
	}
	crash.Here(crash.Committed)
	d.commit.Observe(d.clock().Sub(start).Seconds(), door)
	last.leave()
	crash.Here(crash.BeforeAnswer)
	return nil
}
