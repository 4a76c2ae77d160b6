package push

import (
	"context"
	"fmt"
	"time"
)

const (
	claimPause    = 100 * time.Millisecond
	claimMaxPause = 3 * time.Second
	// claimDeadline bounds one call of the store.
	claimDeadline = 10 * time.Second
	// claimRest is the least rest when the store says something is due but
	// gave nothing: another node has its hand on it.
	claimRest = 20 * time.Millisecond
	// fullPause is how long a delivery is put off when its lane is open but
	// full; a full lane needs some seconds to drain.
	fullPause = 5 * time.Second
	// spread keeps what was put off from coming back all at once.
	spread = 2 * time.Second
)

// claims is the loop that asks the store for what is due.
//
// It is not a queue.Runner: a runner's capacity is one number, and here each
// lane has its own. What is claimed for a lane that is closed or full is put
// off at once, so a stalled lane's deliveries move out of the way of the
// others instead of filling this node.
type claims struct {
	p     *Pipeline
	nudge chan struct{}
	// ending ends when the loop shall: with quit, or the pipeline's life.
	ending context.Context
	quit   context.CancelFunc
	done   chan struct{}
}

func newClaims(p *Pipeline) *claims {
	ending, quit := context.WithCancel(p.life)
	return &claims{p: p, nudge: make(chan struct{}, 1), ending: ending, quit: quit, done: make(chan struct{})}
}

func (c *claims) wake() {
	select {
	case c.nudge <- struct{}{}:
	default:
	}
}

// run claims until ctx ends or stop is called.
func (c *claims) run(ctx context.Context) {
	defer close(c.done)
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(c.ending, end)()
	pause := claimPause
	for ctx.Err() == nil {
		c.p.tend()
		rest, err := c.round()
		if err != nil {
			c.p.conf.Log.Error("the store could not be asked for due deliveries; trying again", "err", err, "wait", pause)
			wait(ctx, pause, nil)
			pause = min(2*pause, claimMaxPause)
			continue
		}
		pause = claimPause
		if rest > 0 {
			wait(ctx, rest, c.nudge)
		}
	}
}

// round claims once and says how long to rest; 0 means there may be more.
//
// The calls live as long as the pipeline, not as ctx: a claim that committed
// must not lose its answer to a stop, or its deliveries wait for their leases.
func (c *claims) round() (time.Duration, error) {
	p := c.p
	if p.recorder.failing.Load() {
		return claimPause, nil // sending what cannot be written down would repeat it
	}
	ctx, end := context.WithTimeout(p.life, claimDeadline)
	defer end()
	now := p.now()
	jobs, err := p.conf.Store.Claim(ctx, now, p.conf.Batch, now.Add(p.conf.Lease))
	p.receive(jobs, now)
	if err != nil {
		p.count.troubles.Add(1, "claim")
		return 0, fmt.Errorf("claiming deliveries: %w", err)
	}
	if len(jobs) >= p.conf.Batch {
		return 0, nil
	}
	at, ok, err := p.conf.Store.NextDue(ctx)
	switch {
	case err != nil:
		p.count.troubles.Add(1, "next_due")
		return 0, fmt.Errorf("asking when the next delivery is due: %w", err)
	case !ok:
		return p.conf.Poll, nil
	}
	return min(max(at.Sub(p.now()), claimRest), p.conf.Poll), nil
}

// stop ends run and waits for it, no longer than ctx.
func (c *claims) stop(ctx context.Context) {
	c.quit()
	select {
	case <-c.done:
	case <-ctx.Done():
	}
}

// receive sorts claimed jobs into their lanes. asOf is when they were read.
func (p *Pipeline) receive(jobs []Job, asOf time.Time) {
	for _, j := range jobs {
		if !p.hands.take(j.Delivery.ID, asOf) {
			continue
		}
		h := &held{out: Outcome{Job: j}, asOf: asOf}
		if p.finished(h, asOf) {
			continue // also when its lane is closed
		}
		if j.Delivery.Kind == Page {
			p.overtaken.note(j.Delivery.IncidentID, j.revision(), asOf)
		}
		l := p.lanes.find(j.Device.Lane())
		if l == nil {
			p.conf.Log.Error("too many push apps at once; a delivery is put off", "app", j.Device.App, "limit", maxLanes)
			p.putOff(h, p.conf.Probe)
			continue
		}
		if closed := l.closedFor(asOf); closed > freshPage/2 {
			p.putOff(h, closed)
		} else if !l.add(h) {
			p.putOff(h, fullPause)
		}
	}
}

// tend looks after the lanes once a round: what waits in a closed one for too
// long is put off until it may open, so that it is read anew by then.
func (p *Pipeline) tend() {
	now := p.now()
	for _, l := range p.lanes.list() {
		p.count.load(l)
		old, closed := l.tooOld(now.Add(-freshPage), now)
		for _, h := range old {
			p.putOff(h, closed)
		}
	}
}
