package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

// The promise (I7): whatever a client lives through, its cursor plus what it
// is sent is the log, whole and in order. Hundreds of clients come and go at
// random (politely, cut off, or having slept through more than the ring holds)
// while several writers append; each keeps its cursor and checks every number.
func TestNoClientEverMissesRepeatsOrReorders(t *testing.T) {
	t.Parallel()
	clients, entries, rounds := 200, 1000, 6
	if testing.Short() {
		clients = 60
	}
	h := open(t, newLog(100), smallRing)
	var written sync.WaitGroup
	for range 4 {
		written.Go(func() {
			for left := entries / 4; left > 0; {
				n := min(left, 1+rand.IntN(20))
				h.log.append(n, "inc_a")
				left -= n
			}
		})
	}
	head := int64(100 + entries)
	var resumed atomic.Int64
	var checked sync.WaitGroup
	for range clients {
		checked.Go(func() {
			cursor := rand.Int64N(100)
			for range rounds {
				visit := rand.Int64N(2 * int64(entries) / int64(rounds))
				cursor = watch(t, h, cursor, min(head, cursor+visit))
				resumed.Add(1)
			}
			if got := watch(t, h, cursor, head); got != head && !t.Failed() {
				t.Errorf("ended at %d, want %d", got, head)
			}
		})
	}
	written.Wait()
	checked.Wait()
	t.Logf("%d resumes by %d clients", resumed.Load(), clients)
}

// watch resumes at the cursor, reads up to the number, and goes in one of the
// ways people go. It gives the new cursor. A code that says "come back" is
// obeyed: on a busy machine the server may lose patience, never an event.
func watch(t *testing.T, h *house, cursor, upTo int64) int64 {
	for cursor < upTo && !t.Failed() {
		before := cursor
		var err error
		cursor, err = read(t, h, cursor, upTo)
		if code := realtimetest.CloseCode(err); err != nil && (code < realtime.CloseDrain || code >= realtime.CloseProtocol) {
			t.Errorf("resumed at %d, came to %d: %v", before, cursor, err)
		}
	}
	return cursor
}

// read is one connection.
func read(t *testing.T, h *house, cursor, upTo int64) (int64, error) {
	ctx := patience(t)
	c, err := realtimetest.Dial(ctx, h.url, "ana", cursor, "k1")
	if err != nil {
		return cursor, err
	}
	defer c.Cut()
	for cursor < upTo {
		e, err := c.Event(ctx)
		if err != nil {
			return cursor, err
		}
		if e.Seq != cursor+1 {
			return cursor, fmt.Errorf("got %d after %d", e.Seq, cursor)
		}
		cursor = e.Seq
	}
	if rand.IntN(2) == 0 {
		c.Close()
	}
	return cursor, nil
}

// The same, while the node itself restarts again and again.
func TestClientsOfARestartingNodeMissNothing(t *testing.T) {
	t.Parallel()
	log := newLog(0)
	const total, clients = 1200, 20
	var node atomic.Pointer[house]
	node.Store(open(t, log, smallRing))
	var checked sync.WaitGroup
	for range clients {
		checked.Go(func() {
			for cursor := int64(0); cursor < total && !t.Failed(); {
				var err error
				cursor, err = read(t, node.Load(), cursor, total)
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("stuck at %d", cursor)
				} // else the node went, or is going: the next one answers
			}
		})
	}
	for range 6 {
		log.append(total/6, "inc_a")
		fresh := open(t, log, smallRing)
		old := node.Swap(fresh)
		if err := old.hub.Stop(patience(t)); err != nil {
			t.Error(err)
		}
	}
	checked.Wait()
}

// smallRing makes clients fall out of memory, and into the database, early.
func smallRing(c *realtime.Config) { c.Ring = 64 }
