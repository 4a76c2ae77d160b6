package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/nightbell/nightbell/meter"
)

// ErrStopping is the cause of an item's context when the node stops and the
// drain deadline has passed: work cut short by it should cost no attempt.
var ErrStopping = errors.New("the node is stopping")

// ErrLeaseOver is the cause of an item's context when its lease is about to run
// out and another node may claim it. It comes at nine tenths of the lease, so
// that how the work ended can still be recorded under it.
var ErrLeaseOver = errors.New("the lease is running out")

// Config says how a [Runner] works. Zero values get the defaults.
type Config struct {
	// Name labels the metrics and the log.
	Name string
	// Batch is the most items claimed at once; 100.
	Batch int
	// Workers is the most items in hand at once; 32.
	Workers int
	// Lease is how long a claim lasts; 30 s. An item may take nine tenths of it.
	Lease time.Duration
	// Poll is the longest sleep: another node's work is found by it; 1 s.
	Poll time.Duration
	// Drain is how long a stopping runner waits for the items in hand before it
	// cancels them; 10 s. Cancelled ones get a quarter of it to return.
	Drain time.Duration
	// Now is the clock that leases and due times are told by; time.Now.
	Now   func() time.Time
	Log   *slog.Logger
	Meter *meter.Meter
}

func (c Config) withDefaults() Config {
	c.Batch = positive(c.Batch, 100)
	c.Workers = positive(c.Workers, 32)
	c.Lease = positive(c.Lease, 30*time.Second)
	c.Poll = positive(c.Poll, time.Second)
	c.Drain = positive(c.Drain, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("queue", c.Name)
	return c
}

func positive[N int | time.Duration](n, def N) N {
	if n <= 0 {
		return def
	}
	return n
}

// Runner hands due items to a function, each in its own goroutine, a bounded
// number at a time. Several nodes may run over one store: the leases keep
// them apart.
type Runner[T any] struct {
	conf   Config
	source Source[T]
	do     func(ctx context.Context, item T)
	wake   chan struct{}
	// free holds a token for each item that may still be taken into hand.
	free chan struct{}
	// pause grows with the store's trouble; each answer begins it afresh. Only
	// Run's own goroutine touches it.
	pause backoff
	count counters
}

// New makes a runner. do is called with an item under lease; its context ends
// shortly before the lease, or with the drain deadline of a stopping node. What do does
// not settle in the store comes back when its lease runs out.
func New[T any](c Config, source Source[T], do func(ctx context.Context, item T)) *Runner[T] {
	c = c.withDefaults()
	r := &Runner[T]{
		conf: c, source: source, do: do,
		wake: make(chan struct{}, 1), free: make(chan struct{}, c.Workers), count: newCounters(c.Meter),
	}
	for range c.Workers {
		r.free <- struct{}{}
	}
	return r
}

// Wake says that something may be due now. It never blocks and may be called
// from anywhere, also before Run; several calls are one.
func (r *Runner[T]) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run claims and works until ctx ends, then waits for the items in hand as
// Drain says. It returns nil when all have returned, and an error that counts
// those which ignored their cancelled context. It is called once.
func (r *Runner[T]) Run(ctx context.Context) error {
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	for ctx.Err() == nil {
		if err := r.round(ctx, work); err != nil && ctx.Err() == nil {
			r.count.errors.Add(1, r.conf.Name)
			wait := r.pause.next()
			r.conf.Log.Error("the store could not be asked for due work; trying again", "err", err, "wait", wait)
			sleep(ctx, wait)
		}
	}
	return r.drain(cut)
}

// round claims until nothing more is due or nothing more fits, then rests
// until there is a reason to claim again.
func (r *Runner[T]) round(ctx, work context.Context) error {
	for {
		n := r.reserve(ctx)
		if n == 0 {
			return nil // stopping
		}
		now := r.now()
		got, err := r.claim(ctx, work, now, n)
		if err != nil {
			return err
		}
		if got < n {
			return r.rest(ctx, now)
		}
	}
}

// reserve waits until at least one item may be taken into hand, and takes the
// tokens of all that may, a batch at most. 0 means that ctx has ended.
func (r *Runner[T]) reserve(ctx context.Context) int {
	if ctx.Err() != nil {
		return 0 // before select, which picks at random when both are ready
	}
	select {
	case <-ctx.Done():
		return 0
	case <-r.free:
	}
	n := 1
	for n < r.conf.Batch {
		select {
		case <-r.free:
			n++
		default:
			return n
		}
	}
	return n
}

// lastAnswer is how long a stop waits for the answer to a claim under way: a
// claim that was cut may have leased all the same, and its items would wait for
// their leases with nobody to work them.
const lastAnswer = 2 * time.Second

// claim leases up to n items and starts them; tokens not used go back.
func (r *Runner[T]) claim(stopping, work context.Context, now time.Time, n int) (int, error) {
	until := now.Add(r.conf.Lease)
	ctx, end := context.WithTimeout(work, r.conf.Lease) // later, the claim is worth nothing
	defer end()
	defer context.AfterFunc(stopping, func() { time.AfterFunc(lastAnswer, end) })()
	items, err := r.source.Claim(ctx, now, n, until)
	for range n - len(items) {
		r.free <- struct{}{}
	}
	if len(items) > n {
		// The surplus has no token; its lease brings it back.
		items = items[:n]
	}
	r.count.claimed.Add(float64(len(items)), r.conf.Name)
	for _, item := range items {
		go r.handle(work, item, until)
	}
	if err != nil {
		return len(items), fmt.Errorf("claiming due work: %w", err)
	}
	r.pause = backoff{}
	return len(items), nil
}

// handle works one item and gives its token back, whatever happens. A panic
// costs this item only: its lease runs out and somebody takes it again.
func (r *Runner[T]) handle(work context.Context, item T, until time.Time) {
	ctx, end := context.WithTimeoutCause(work, until.Sub(r.now())-r.conf.Lease/10, ErrLeaseOver)
	began := time.Now()
	r.count.inHand.Add(1, r.conf.Name)
	defer func() {
		if p := recover(); p != nil {
			r.count.panics.Add(1, r.conf.Name)
			r.conf.Log.Error("work panicked; its lease will bring it back", "panic", p, "stack", string(debug.Stack()))
		}
		end()
		r.count.inHand.Add(-1, r.conf.Name)
		r.count.seconds.Observe(time.Since(began).Seconds(), r.conf.Name)
		r.free <- struct{}{}
	}()
	r.do(ctx, item)
}

func (r *Runner[T]) now() time.Time { return r.conf.Now().UTC().Truncate(time.Microsecond) }

// backoff doubles from 100 ms to 5 s, with full jitter over the upper half so
// that nodes do not come back together.
type backoff struct{ last time.Duration }

func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, 100*time.Millisecond), 5*time.Second)
	return b.last/2 + rand.N(b.last/2)
}
