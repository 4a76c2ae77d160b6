package respond

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// WatchConfig is what the watch needs from its house.
type WatchConfig struct {
	Store Store
	Reach Reach
	Pager Pager
	// Trouble says why nothing gets through a lane; empty: nothing is known.
	Trouble func(push.Lane) string
	// Node is this process's name in leases, Lease how long they last; 30 s.
	Node  string
	Lease time.Duration
	// Lead is how long before a shift its person is reminded; zero: not at all.
	Lead time.Duration
	// ProbeEvery is how often the devices of those on call are probed; zero: never.
	ProbeEvery time.Duration
	Now        func() time.Time
	Log        *slog.Logger
	Meter      *meter.Meter
}

// Watch looks ahead: can those be reached who are on call, or soon will be? It
// changes no incident, so it has no business at the desk; but it is told from
// the same catalogue who is on call, and what it sends goes the desk's way: a
// delivery in a transaction, handed to the pager after the commit.
type Watch struct {
	WatchConfig
	unpageable *meter.Gauge
	told       spoken
}

// NewWatch builds a watch.
func NewWatch(c WatchConfig) *Watch {
	if c.Lease <= 0 {
		c.Lease = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Trouble == nil {
		c.Trouble = func(push.Lane) string { return "" }
	}
	return &Watch{
		WatchConfig: c,
		unpageable:  c.Meter.Gauge("nightbell_users_unpageable", "People whom a page would not wake, as far as can be known, by whether they are on call.", "on_call"),
	}
}

func (w *Watch) now() time.Time { return w.Now().UTC().Truncate(time.Microsecond) }

// Reachability says whether a page would wake somebody.
type Reachability struct {
	Person Person
	// OnCall: an incident of some service could wake them now.
	OnCall bool
	push.Ring
}

// Pageability judges the named people, or everybody if none is named, by name.
// Unknown ids are left out.
func (w *Watch) Pageability(ctx context.Context, userIDs ...string) ([]Reachability, error) {
	cat, now := w.Store.Catalog(), w.now()
	ways, err := w.Reach.Ways(ctx, userIDs)
	if err != nil {
		return nil, err
	}
	onCall := cat.onCallNow(now)
	out := make([]Reachability, 0, len(userIDs))
	for _, p := range cat.People {
		if len(userIDs) > 0 && !slices.Contains(userIDs, p.ID) {
			continue
		}
		out = append(out, Reachability{Person: p, OnCall: onCall[p.ID], Ring: push.Pageability(w.facts(p, ways[p.ID]), now)})
	}
	slices.SortFunc(out, func(a, b Reachability) int {
		return cmp.Or(cmp.Compare(a.Person.Name, b.Person.Name), cmp.Compare(a.Person.ID, b.Person.ID))
	})
	return out, nil
}

// facts are those of the devices that a rule for high urgency leads to; where
// none does, all of a person's devices ring.
func (w *Watch) facts(p Person, ways []push.Way) push.Facts {
	for i := range ways {
		ways[i].Trouble = w.Trouble(ways[i].Device.Lane())
	}
	ruled := slices.DeleteFunc(slices.Clone(ways), func(way push.Way) bool { return !ruledFor(p.Rules, way.Device) })
	if usable := slices.ContainsFunc(ruled, func(way push.Way) bool { return way.Device.Usable() }); !usable {
		return push.Facts{Disabled: p.Disabled, Ways: ways}
	}
	return push.Facts{Disabled: p.Disabled, Ruled: true, Ways: ruled}
}

// ruledFor reports whether a rule leads to the device when it matters.
func ruledFor(rules []oncall.Rule, d push.Device) bool {
	return slices.ContainsFunc(rules, func(r oncall.Rule) bool {
		return r.Urgency == "high" && string(r.Method) == d.Method() && (r.DeviceID == "" || r.DeviceID == d.ID)
	})
}

// onCallNow are the people whom some service's policy could wake at a moment,
// whatever its level, and those who have a shift.
func (c *Catalog) onCallNow(at time.Time) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.Services {
		plan := oncall.Freeze(c.Policies[s.PolicyID])
		for i := range plan.Levels {
			for _, u := range plan.Who(i+1, 1, at, c) {
				out[u] = true
			}
		}
	}
	for id := range c.Schedules {
		for _, u := range c.OnCall(id, at) {
			out[u] = true
		}
	}
	return out
}

// stakeholder is the role that is never paged.
const stakeholder = "stakeholder"

// Measure counts the people whom a page would not wake. Who is not on call and
// cannot be, because the account is disabled or only looks on, is not counted.
func (w *Watch) Measure(ctx context.Context) error {
	all, err := w.Pageability(ctx)
	if err != nil {
		return err
	}
	var on, off float64
	for _, r := range all {
		switch {
		case r.Pageable():
		case r.OnCall:
			on++
		case !r.Person.Disabled && r.Person.Role != stakeholder:
			off++
		}
	}
	w.unpageable.Set(on, "true")
	w.unpageable.Set(off, "false")
	return nil
}
