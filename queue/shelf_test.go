package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a store in memory: ids with due times and leases.
type shelf struct {
	mu     sync.Mutex
	due    map[string]time.Time
	leased map[string]time.Time
	// broken makes every question fail; locked makes Claim give nothing.
	broken, locked bool
	claims, looks  int
}

func newShelf() *shelf {
	return &shelf{due: map[string]time.Time{}, leased: map[string]time.Time{}}
}

func (s *shelf) put(id string, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due[id] = due
}

// settle takes an item off the shelf: its work is done.
func (s *shelf) settle(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.due, id)
	delete(s.leased, id)
}

func (s *shelf) set(change func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *shelf) counts() (claims, looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims, s.looks
}

// ready is when an item may be claimed: at its due time, or when its lease ends.
func (s *shelf) ready(id string) time.Time {
	if lease, ok := s.leased[id]; ok {
		return lease
	}
	return s.due[id]
}

func (s *shelf) Claim(_ context.Context, now time.Time, n int, until time.Time) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims++
	if s.broken {
		return nil, errors.New("connection refused")
	}
	var out []string
	for id := range s.due {
		if len(out) < n && !s.locked && !s.ready(id).After(now) {
			s.leased[id] = until
			out = append(out, id)
		}
	}
	return out, nil
}

func (s *shelf) NextDue(context.Context) (at time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if s.broken {
		return at, false, errors.New("connection refused")
	}
	for id := range s.due {
		if r := s.ready(id); !ok || r.Before(at) {
			at, ok = r, true
		}
	}
	return at, ok, nil
}

// diary notes when each item was taken into hand.
type diary struct {
	mu    sync.Mutex
	began time.Time
	taken map[string][]time.Duration
}

func newDiary() *diary { return &diary{began: time.Now(), taken: map[string][]time.Duration{}} }

func (d *diary) note(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken[id] = append(d.taken[id], time.Since(d.began))
}

func (d *diary) of(id string) []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken[id]
}

func (d *diary) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.taken)
}

// running is a runner with its owner: stop ends it and gives what Run returned.
type running struct {
	*queue.Runner[string]
	cancel context.CancelFunc
	result chan error
}

func start(t *testing.T, r *queue.Runner[string]) *running {
	ctx, cancel := context.WithCancel(t.Context())
	run := &running{Runner: r, cancel: cancel, result: make(chan error, 1)}
	go func() { run.result <- r.Run(ctx) }()
	synctest.Wait()
	return run
}

func (r *running) stop() error {
	r.cancel()
	return <-r.result
}

// mustStop is stop for a runner that has nothing to complain of.
func (r *running) mustStop(t *testing.T) {
	t.Helper()
	if err := r.stop(); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// pass lets fake time go by, and everything that is due in it happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
