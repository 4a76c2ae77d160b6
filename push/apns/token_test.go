package apns_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/pushtest"
)

func TestProviderTokenRotatesMidBurst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.em.SetLatency(5 * time.Millisecond)
	if got := w.burst(100); got[accepted] != 100 {
		t.Fatalf("before: %+v", got)
	}
	// 02:10 → 02:31: the next slot has begun while pushes are on their way.
	var turn sync.WaitGroup
	turn.Go(func() {
		if err := w.em.Wait(t.Context(), func() bool { return w.em.Accepted(push.APNs) >= 150 }); err != nil {
			t.Error(err)
		}
		w.clock.advance(21 * time.Minute)
	})
	got := w.burst(300)
	turn.Wait()
	if got[accepted] != 300 {
		t.Errorf("during: %+v", got)
	}
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Errorf("after: %+v", r)
	}
	if opened, _ := w.em.Connections(push.APNs); opened != 1 {
		t.Errorf("%d connections", opened)
	}
}

func TestProviderTokenThroughADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 24 * 12 { // every five minutes
		m := w.message()
		if r := w.send(m); r.Class != push.ClassAccepted {
			t.Fatalf("at %s: %+v; %+v", w.clock.now().Format(time.TimeOnly), r, w.em.Refusals())
		}
		w.clock.advance(5 * time.Minute)
	}
}

func TestSleepingForHoursDoesNotStaleTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, nap := range []time.Duration{0, 59 * time.Minute, 61 * time.Minute, 30 * time.Hour} {
		w.clock.advance(nap)
		if r := w.send(w.message()); r.Class != push.ClassAccepted {
			t.Errorf("after %s: %+v", nap, r)
		}
	}
}

func TestExpiredProviderTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(w.message())
	expired := pushtest.Fault{Status: 403, Reason: "ExpiredProviderToken", Times: 1}

	w.em.Inject(expired)
	if r := w.send(w.message()); r.Class != push.ClassRetry || r.Reason != "ExpiredProviderToken" {
		t.Errorf("a token younger than 20 minutes must not be replaced: %+v", r)
	}
	w.clock.advance(20 * time.Minute)
	w.clock.advance(-time.Second) // 02:29:59, still the first slot
	w.clock.advance(time.Second / 2)
	w.em.Inject(expired)
	if r := w.send(w.message()); r.Class != push.ClassRetry {
		t.Errorf("still too young: %+v", r)
	}
}

func TestExpiredProviderTokenIsResentWithANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.advance(-9 * time.Minute) // 02:01
	w.send(w.message())
	w.clock.advance(25 * time.Minute) // 02:26, the slot's token is 25 minutes old
	w.em.Inject(pushtest.Fault{Status: 403, Reason: "ExpiredProviderToken", Times: 1})
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Fatalf("got %+v; refusals %+v", r, w.em.Refusals())
	}
	w.clock.advance(5 * time.Minute) // a new slot, but our last token is five minutes old
	if r := w.send(w.message()); r.Class != push.ClassAccepted {
		t.Fatalf("got %+v; refusals %+v", r, w.em.Refusals())
	}
}

func TestClockAheadThenSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := newClock()
	ahead.advance(3 * time.Hour)
	sender, err := apns.New(apns.Config{
		Apps:      []apns.App{{Name: "ios", Topic: bundle, TeamID: w.app.TeamID, KeyID: w.app.KeyID, KeyPEM: []byte(w.app.KeyPEM)}},
		Endpoints: map[string]string{"production": w.em.APNsURL("production")}, RootCAs: w.em.RootCAs(), Now: ahead.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	m := w.message()
	m.ExpiresAt = ahead.now().Add(time.Hour)
	if r := sender.Send(t.Context(), m); r.Class != push.ClassConfigBroken {
		t.Errorf("with a clock three hours ahead: %+v", r)
	}
	ahead.advance(-3 * time.Hour)
	if r := sender.Send(t.Context(), m); r.Class != push.ClassAccepted {
		t.Errorf("after the clock was set right: %+v", r)
	}
}
