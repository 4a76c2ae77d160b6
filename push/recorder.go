package push

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nightbell/nightbell/crash"
)

const (
	// recordDeadline bounds one call; a commit whose answer is lost is recorded
	// again, which changes nothing ([Outcome.Apply]).
	recordDeadline = 15 * time.Second
	recordPause    = 100 * time.Millisecond
	recordMaxPause = 3 * time.Second
	// suspicion is after how many failures a batch is written one by one, to
	// find out whether one of it spoils the rest.
	suspicion = 3
	// patience is after how many failures the rows themselves are blamed,
	// if the store is well otherwise; about twenty seconds.
	patience = 10
)

// recorder writes down what happened, many at a time: while one batch commits
// the next gathers, so an idle pipeline records at once and a busy one in bulk.
//
// Nothing is dropped while the database is away; its bounded channel fills,
// the workers wait, and no more is sent than can be remembered.
type recorder struct {
	store Store
	batch int
	in    chan *held
	hands *hands
	wake  func()
	log   *slog.Logger
	count counters
	rand  func() float64

	// life ends when waiting for the database is given up at a stop.
	life context.Context
	// finish tells run that nothing more will be put.
	finish  chan struct{}
	done    chan struct{}
	failing atomic.Bool
}

func (p *Pipeline) newRecorder() *recorder {
	return &recorder{
		store: p.conf.Store, batch: p.conf.Batch, in: make(chan *held, 2*p.conf.Batch), hands: &p.hands,
		wake: p.Wake, log: p.conf.Log, count: p.count, rand: p.conf.Rand, life: p.life,
		finish: make(chan struct{}), done: make(chan struct{}),
	}
}

// put takes a job that leaves; it waits for room, and gives up with the recorder.
func (r *recorder) put(h *held) {
	select {
	case r.in <- h:
	case <-r.life.Done():
	}
}

// run writes until it is told to finish and nothing is left, or the
// pipeline's life ends.
func (r *recorder) run() {
	defer close(r.done)
	for {
		select {
		case <-r.life.Done():
			return
		case h := <-r.in:
			r.write(h)
		case <-r.finish:
			if len(r.in) == 0 {
				return
			}
			r.write(<-r.in)
		}
	}
}

// batch is what is written together.
type batch struct {
	outcomes []Outcome
	back     []string // to be released
	ids      []string // all of it
	hurry    bool
}

func (b *batch) add(h *held) {
	id := h.out.Job.Delivery.ID
	b.ids = append(b.ids, id)
	b.hurry = b.hurry || h.hurry || h.back
	if h.back {
		b.back = append(b.back, id)
	} else {
		b.outcomes = append(b.outcomes, h.out)
	}
}

// gather adds to b what is there already, up to a full batch.
func (r *recorder) gather(b *batch) {
	b.outcomes = slices.Grow(b.outcomes, min(len(r.in), r.batch))
	for len(b.ids) < r.batch {
		select {
		case h := <-r.in:
			b.add(h)
		default:
			return
		}
	}
}

// write records and hands back first and what else has come by now.
func (r *recorder) write(first *held) {
	b := &batch{}
	b.add(first)
	r.gather(b)
	if len(b.outcomes) > 0 {
		r.persist("record", func(ctx context.Context, failed int) error { return r.record(ctx, b, failed) })
	}
	r.release(b.back)
	for again := r.hands.finish(b.ids); len(again) > 0; again = r.hands.finish(again) {
		r.release(again)
		b.hurry = true
	}
	if b.hurry {
		r.wake()
	}
}

func (r *recorder) release(ids []string) {
	if len(ids) > 0 {
		r.persist("release", func(ctx context.Context, _ int) error { return r.store.Release(ctx, ids) })
	}
}

// record writes the outcomes of b. While it fails, what arrives joins them.
func (r *recorder) record(ctx context.Context, b *batch, failed int) error {
	if failed > 0 {
		r.gather(b)
	}
	if failed < suspicion {
		err := r.store.Record(ctx, b.outcomes)
		crash.Here(crash.Recorded)
		return err
	}
	return r.oneByOne(ctx, b, failed)
}

// oneByOne writes outcomes that together keep failing. Those that cannot be
// written are given up, loudly, when the others can, or when the store has
// long been well otherwise: one impossible row must not hold up all paging.
// Their leases bring them back. What merely came too early or too late for a
// store in trouble is written at the next try.
func (r *recorder) oneByOne(ctx context.Context, b *batch, failed int) error {
	all := len(b.outcomes)
	last := r.each(ctx, b)
	if n := len(b.outcomes); n > 0 && n < all {
		last = r.each(ctx, b) // the store may have come back between the first and the last
	}
	if len(b.outcomes) == 0 {
		return nil
	}
	if len(b.outcomes) == all && failed < patience || !r.well(ctx) {
		return last
	}
	for _, o := range b.outcomes {
		r.log.Error("an outcome cannot be recorded; its lease will bring the delivery back",
			"delivery", o.Job.Delivery.ID, "class", o.Result.Class, "err", last)
	}
	return nil
}

// each writes the outcomes of b by themselves and leaves those in it that failed.
func (r *recorder) each(ctx context.Context, b *batch) (last error) {
	b.outcomes = slices.DeleteFunc(b.outcomes, func(o Outcome) bool {
		err := r.store.Record(ctx, []Outcome{o})
		if err != nil {
			last = err
		}
		return err == nil
	})
	return last
}

// well reports whether the store answers other questions, and was given the
// time to write.
func (r *recorder) well(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	_, _, err := r.store.NextDue(ctx)
	return err == nil
}

// persist calls do until it succeeds or the recorder gives up. do is told how
// often it has failed.
func (r *recorder) persist(call string, do func(ctx context.Context, failed int) error) {
	pause := recordPause
	for failed := 0; r.life.Err() == nil; failed++ {
		ctx, end := context.WithTimeout(r.life, recordDeadline)
		err := do(ctx, failed)
		end()
		if err == nil {
			r.failing.Store(false)
			return
		}
		r.failing.Store(true)
		r.count.troubles.Add(1, call)
		r.log.Error("what was sent could not be written down; trying again", "call", call, "err", err, "wait", pause)
		wait(r.life, pause+time.Duration(r.rand()*float64(pause)/2), nil)
		pause = min(2*pause, recordMaxPause)
	}
}

// wait rests for d, or less when ctx ends or somebody wakes.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}
