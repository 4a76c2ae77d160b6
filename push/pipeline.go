package push

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/meter"
)

// Config says what a [Pipeline] works with. Store and Senders are needed;
// zero values of the rest get the defaults named here.
type Config struct {
	Store Store
	// Senders by provider. A lane whose provider has none is treated like one
	// with a broken configuration: its pages wait and an error says so.
	Senders map[Provider]Sender
	// Signer makes the buttons' tokens; nil sends pages without buttons.
	Signer Signer
	// BaseURL is the server's public address, carried by every push.
	BaseURL string
	// Words, Options and Badges are the [Composer]'s; each may be nil.
	Words   *Words
	Options func(p Provider, app string) AppOptions
	Badges  *Badges
	// Node is this process's name, for the log.
	Node string
	// Lease is how long a claim lasts; 30 s. Fast-path jobs carry their own.
	// A send may take at most half of it.
	Lease time.Duration
	// Poll is the longest rest between claims; 1 s.
	Poll time.Duration
	// Batch is the most deliveries claimed or recorded at once; 500.
	Batch int
	// MaxInFlight is the most sends without an answer, per lane; 500.
	MaxInFlight int
	// MaxWaiting is the most deliveries waiting in memory, per lane and kind; 10,000.
	MaxWaiting int
	// Timeout is one send's deadline by provider; APNs 10 s, FCM 15 s.
	Timeout map[Provider]time.Duration
	// Probe is how often a lane with a broken configuration is tried; 30 s.
	Probe time.Duration
	// Now is the clock of leases and due times; time.Now. Rand is in [0,1) and
	// safe for concurrent use; math/rand/v2.
	Now   func() time.Time
	Rand  func() float64
	Log   *slog.Logger
	Meter *meter.Meter
}

func (c Config) withDefaults() Config {
	c.Lease = positive(c.Lease, 30*time.Second)
	c.Poll = positive(c.Poll, time.Second)
	c.Batch = positive(c.Batch, 500)
	c.MaxInFlight = positive(c.MaxInFlight, 500)
	c.MaxWaiting = positive(c.MaxWaiting, 10_000)
	c.Probe = positive(c.Probe, 30*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Node != "" {
		c.Log = c.Log.With("node", c.Node)
	}
	return c
}

func positive[N int | time.Duration](n, def N) N {
	if n <= 0 {
		return def
	}
	return n
}

// timeout is one send's deadline. FCM's is longer because Google asks for it.
func (c Config) timeout(p Provider) time.Duration {
	d := c.Timeout[p]
	switch {
	case d > 0:
	case p == FCM:
		d = 15 * time.Second
	default:
		d = 10 * time.Second
	}
	return min(d, c.Lease/2)
}

// Pipeline turns deliveries into pushes and answers into facts: it claims what
// is due or is handed it after a commit, sends it through the lane of its
// device, and records what came of it.
//
// The database is the truth and leases are the safety net: whatever this node
// holds and does not record comes back to some node when its lease runs out.
//
// Run and Stop are each called once; Submit, Cancel and Wake at any time. Those
// who submit are stopped first: what comes after Stop is left to its lease.
type Pipeline struct {
	conf     Config
	composer *Composer
	retry    retry
	count    counters
	lanes    lanes
	hands    hands
	// revoked doubts pages read before their incident was stopped, overtaken
	// whatever is quiet and read before a newer page.
	revoked   revoked
	overtaken revoked
	// moved doubts what was read before its device changed hands. It compares
	// moments in microseconds, because devices have no revisions.
	moved    revoked
	recorder *recorder

	claims *claims

	// life ends when a stopping pipeline runs out of time; flight, the parent of
	// every send, a little earlier, so that what was cut can be written down.
	life    context.Context
	die     context.CancelFunc
	flight  context.Context
	cut     context.CancelFunc
	workers sync.WaitGroup
	phase   atomic.Int32
}

// Phases of a pipeline's life.
const (
	phaseNew int32 = iota
	phaseRunning
	phaseStopping
)

// NewPipeline makes a pipeline. What is submitted before Run waits for it.
func NewPipeline(c Config) *Pipeline {
	c = c.withDefaults()
	p := &Pipeline{
		conf:     c,
		composer: &Composer{Signer: c.Signer, BaseURL: c.BaseURL, Words: c.Words, Options: c.Options, Badges: c.Badges},
		retry:    retry{rand: c.Rand, probe: c.Probe},
		count:    newCounters(c.Meter),
		revoked:  revoked{keep: c.Lease}, overtaken: revoked{keep: c.Lease}, moved: revoked{keep: c.Lease},
	}
	p.life, p.die = context.WithCancel(context.Background())
	p.flight, p.cut = context.WithCancel(p.life)
	p.lanes = lanes{all: map[Lane]*lane{}, build: p.newLane}
	p.recorder = p.newRecorder()
	p.claims = newClaims(p)
	return p
}

func (p *Pipeline) newLane(key Lane) *lane {
	sender := p.conf.Senders[key.Provider]
	if sender == nil {
		sender = noSender{key.Provider}
	}
	return &lane{
		key: key, sender: sender, timeout: p.conf.timeout(key.Provider), p: p,
		open:    p.phase.Load() == phaseRunning,
		backlog: backlog{bound: p.conf.MaxWaiting},
		gate:    newGate(p.conf.MaxInFlight, p.conf.Probe, p.conf.Rand),
	}
}

// now is the clock as the database keeps it.
func (p *Pipeline) now() time.Time { return stamp(p.conf.Now()) }

// Submit takes committed deliveries that are leased to this node. It never
// blocks: what does not fit stays in the database and comes back when its
// lease runs out. It implements respond.Pager.
func (p *Pipeline) Submit(jobs []Job) {
	if p.phase.Load() == phaseStopping {
		return
	}
	now := p.now()
	for _, j := range jobs {
		if !p.hands.take(j.Delivery.ID, now) {
			continue
		}
		h := &held{out: Outcome{Job: j}, asOf: j.Delivery.CreatedAt}
		if h.asOf.IsZero() {
			h.asOf = now
		}
		if j.Delivery.Kind == Page {
			p.overtaken.note(j.Delivery.IncidentID, j.revision(), now)
		}
		if l := p.lanes.find(j.Device.Lane()); l == nil || !l.add(h) {
			p.hands.drop(j.Delivery.ID)
			p.count.unsent.Add(1, "overflow")
		}
	}
}

// Cancel makes this node ask the database again before it sends a page of the
// incident that it read before the revision. It is called after the commit
// that cancelled them, on every node that learns of it (a node that did not
// make the change may call it when the timeline says so). It implements
// respond.Pager.
func (p *Pipeline) Cancel(incidentID string, revision int64) {
	p.revoked.note(incidentID, revision, p.now())
}

// Moved makes this node ask the database again before it sends to the device
// what it read before now. It is called after the commit that removed the device
// or gave it to somebody else; other nodes learn of it within freshPage.
func (p *Pipeline) Moved(deviceID string) {
	now := p.now()
	p.moved.note(deviceID, now.UnixMicro(), now)
}

// Mended tells the lanes of the app that somebody has changed its
// credentials: one that was paused probes at once, and what the old ones were
// told in the meantime counts no more.
func (p *Pipeline) Mended(provider Provider, app string) {
	for _, l := range p.lanes.list() {
		if l.key.Provider == provider && l.key.App == app {
			l.mended()
		}
	}
	p.Wake()
}

// Wake says that something may be due now. It never blocks.
func (p *Pipeline) Wake() { p.claims.wake() }
