package push

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxReserve is the most time kept back from a stop's deadline for cutting
// sends short and writing that down.
const maxReserve = 2 * time.Second

// Run sends until ctx ends or Stop is called. When ctx ends only the claiming
// does: Stop finishes what is in hand, and must be called in any case.
func (p *Pipeline) Run(ctx context.Context) error {
	if !p.phase.CompareAndSwap(phaseNew, phaseRunning) {
		return errors.New("push: Run was called twice, or after Stop")
	}
	go p.recorder.run() // ends with Stop
	for _, l := range p.lanes.list() {
		l.start()
	}
	p.claims.run(ctx)
	return nil
}

// Stop ends the pipeline within ctx: it stops claiming, gives back what has
// not been sent, lets what is in flight finish, cuts the rest shortly before
// the deadline (which costs no attempt) and writes everything down. The error
// says what could not be done; leases bring that back.
func (p *Pipeline) Stop(ctx context.Context) error {
	if p.phase.Swap(phaseStopping) != phaseRunning {
		p.die()
		return nil
	}
	defer context.AfterFunc(ctx, p.die)()
	p.claims.stop(ctx)
	for _, l := range p.lanes.list() {
		for _, h := range l.stop() {
			p.giveBack(h)
		}
	}
	landed := p.land(ctx)
	p.cut()
	if !landed {
		p.die()
		return fmt.Errorf("stopping push: some sends ignored their end: %w", context.Cause(ctx))
	}
	close(p.recorder.finish)
	<-p.recorder.done
	p.die()
	if n := len(p.recorder.in); n > 0 || ctx.Err() != nil {
		return fmt.Errorf("stopping push: not everything could be written down in time: %w", context.Cause(ctx))
	}
	return nil
}

// land waits for the sends in flight and cuts them when time gets short. It
// reports whether all have returned.
func (p *Pipeline) land(ctx context.Context) bool {
	down := make(chan struct{})
	go func() {
		p.workers.Wait()
		close(down)
	}()
	cut := time.NewTimer(untilCut(ctx))
	defer cut.Stop()
	for {
		select {
		case <-down:
			return true
		case <-cut.C:
			p.cut()
		case <-ctx.Done():
			p.cut()
			return false
		}
	}
}

// untilCut is how long sends may still take under ctx's deadline.
func untilCut(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Hour // no send lasts as long
	}
	left := time.Until(deadline)
	return left - min(left/4, maxReserve)
}
