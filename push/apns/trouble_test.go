package apns_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// TestAfterAnyTroubleTheLaneWorks lets everything go wrong at once and then
// asks that nothing is left of it: no turn lost, no connection stuck.
func TestAfterAnyTroubleTheLaneWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		w.em.Inject(trouble(r))
	}
	ctx, stop := context.WithCancel(t.Context())
	var senders, maintenance sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			for range 25 {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				w.sender.Send(ctx, w.message())
				cancel()
			}
		})
	}
	maintenance.Go(func() {
		after := func(n int) bool {
			return w.em.Wait(ctx, func() bool { return w.em.Accepted(push.APNs) > n }) == nil
		}
		if after(50) {
			w.em.GoAway(push.APNs, "Shutdown")
		}
		if after(100) {
			w.em.Cut(push.APNs)
		}
	})
	senders.Wait()
	stop()
	maintenance.Wait()
	w.em.Clear()
	if got := w.burst(300); got[accepted] != 300 {
		t.Errorf("afterwards: %+v", got)
	}
	if _, open := w.em.Connections(push.APNs); open > 2 {
		t.Errorf("%d connections are still open", open)
	}
}

func trouble(r *rand.Rand) pushtest.Fault {
	f := pushtest.Fault{Times: 1 + r.IntN(5), Skip: r.IntN(20), Deliver: r.IntN(2) == 0}
	switch r.IntN(6) {
	case 0:
		f.GoAway = true
	case 1:
		f.Refuse = true
	case 2:
		f.Cut = true
	case 3:
		f.Hang = true
	case 4:
		f.Latency = pushtest.Duration(time.Duration(r.IntN(200)) * time.Millisecond)
	default:
		f.Status, f.Body = 502, "bad gateway"
	}
	return f
}
