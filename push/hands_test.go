package push

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a database whose answers to writes take a while to arrive.
type slow struct {
	*node
	takes time.Duration
}

func (s *slow) Release(ctx context.Context, ids []string) error {
	err := s.node.Release(ctx, ids)
	time.Sleep(s.takes)
	return err
}

// A handed-back page is due at once: the claim loop may be given it before
// the recorder has heard that it was handed back.
func TestPageClaimedWhileItIsHandedBackIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.conf.Store = &slow{s.node, 100 * time.Millisecond}
		s.recorder.store = s.conf.Store
		s.run(t)
		defer s.end(t)
		job := db.page("dlv_1", "inc_1", db.device("ana", APNs), "a")
		time.Sleep(time.Millisecond)
		s.Cancel("inc_1", db.revise("inc_1"))
		s.Submit([]Job{job})
		time.Sleep(time.Millisecond)
		s.Wake() // the store has released it, and its answer is on the way
		time.Sleep(2 * time.Second)
		wantState(t, db, "dlv_1", Accepted)
		if got := s.apns.got(); len(got) != 1 {
			t.Errorf("sent %v, want once and within two seconds", got)
		}
	})
}

// restarting is a database that is away until a moment and takes a while for
// each outcome afterwards.
type restarting struct {
	*node
	back         time.Time
	fails, takes time.Duration
}

func (r *restarting) Record(ctx context.Context, outcomes []Outcome) error {
	if time.Now().Before(r.back) {
		time.Sleep(r.fails)
		return errors.New("connection refused")
	}
	time.Sleep(r.takes)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.node.Record(ctx, outcomes)
}

func (r *restarting) NextDue(ctx context.Context) (time.Time, bool, error) {
	if time.Now().Before(r.back) {
		return time.Time{}, false, errors.New("connection refused")
	}
	return r.node.NextDue(ctx)
}

func wantEachOnce(t *testing.T, s *stage, n int) {
	t.Helper()
	times := map[string]int{}
	for _, id := range s.apns.got() {
		times[id]++
	}
	for i := range n {
		id := fmt.Sprintf("dlv_%03d", i)
		if times[id] != 1 {
			t.Errorf("%s was sent %d times, want once", id, times[id])
		}
		wantState(t, s.db, id, Accepted)
	}
}

// throughAnOutage sends pages that cannot be written down for a while.
func throughAnOutage(t *testing.T, away time.Duration, batch int, fails, takes time.Duration) {
	t.Helper()
	const pages = 40
	db := newRows()
	s := set(db, "a", func(c *Config) { c.Batch = batch })
	s.conf.Store = &restarting{s.node, time.Now().Add(away), fails, takes}
	s.recorder.store = s.conf.Store
	s.run(t)
	defer s.end(t)
	for i := range pages {
		dev := db.device(fmt.Sprintf("phone%d", i), APNs)
		s.Submit([]Job{db.page(fmt.Sprintf("dlv_%03d", i), "inc_1", dev, "a")})
	}
	time.Sleep(away + 2*time.Minute)
	wantEachOnce(t, s, pages)
}

// The database comes back while outcomes are written one by one: those that
// failed before are no worse than the others.
func TestDatabaseBackInTheMiddleOfABatchRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throughAnOutage(t, 5*time.Second, 500, 300*time.Millisecond, time.Millisecond)
	})
}

// The call's time is over before all could be written one by one.
func TestSlowDatabaseAfterAnOutageRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throughAnOutage(t, 1500*time.Millisecond, 500, 300*time.Millisecond, time.Second)
	})
}

// All leases have run out when the database is back, and what was sent is
// written down batch by batch.
func TestLongOutageRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throughAnOutage(t, 5*time.Minute, 4, 10*time.Millisecond, 500*time.Millisecond)
	})
}

// late is a database where a reassignment commits between a claim and the
// loading of what was claimed.
type late struct{ *node }

func (l late) Claim(ctx context.Context, now time.Time, limit int, until time.Time) ([]Job, error) {
	jobs, err := l.node.Claim(ctx, now, limit, until)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range jobs {
		d := l.deliveries[jobs[i].Delivery.ID]
		d.State = Cancelled
		jobs[i] = l.job(d)
	}
	return jobs, err
}

func TestCancelledBetweenClaimAndLoadingIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", nil)
		s.conf.Store = late{s.node}
		db.page("dlv_1", "inc_1", db.device("ana", APNs), "")
		s.run(t)
		defer s.end(t)
		time.Sleep(time.Second)
		if got := s.apns.got(); len(got) != 0 {
			t.Errorf("sent %v, want nothing", got)
		}
		wantState(t, db, "dlv_1", Cancelled)
		wantTold(t, db, "dlv_1") // who cancelled it has said so
	})
}
