package apns_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// Some answers are about the connection or the provider token, and this side
// can mend them at once: the push is not put off for that.
func TestWhatCanBeMendedAtOnceIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status      int
		reason      string
		connections int
	}{
		{403, "UnrelatedKeyIdInToken", 2},
		{400, "IdleTimeout", 2},
		{403, "ExpiredProviderToken", 1},
		{429, "TooManyProviderTokenUpdates", 1},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if r := w.send(w.message()); r.Class != push.ClassAccepted {
				t.Fatalf("before: %+v", r)
			}
			w.clock.advance(20 * time.Minute) // the next slot, so there is a token before
			if r := w.send(w.message()); r.Class != push.ClassAccepted {
				t.Fatalf("before: %+v", r)
			}
			if c.reason == "ExpiredProviderToken" {
				w.clock.advance(20 * time.Minute) // or a new one may not be made yet
			}
			w.em.Inject(pushtest.Fault{Provider: push.APNs, Status: c.status, Reason: c.reason, Times: 1})
			if r := w.send(w.message()); r.Class != push.ClassAccepted {
				t.Errorf("%+v", r)
			}
			if opened, _ := w.em.Connections(push.APNs); opened != c.connections {
				t.Errorf("%d connections were opened, want %d", opened, c.connections)
			}
			// Once is enough: the second time is the lane's to judge.
			w.em.Inject(pushtest.Fault{Provider: push.APNs, Status: c.status, Reason: c.reason, Times: 2})
			if r := w.send(w.message()); r.Class != push.ClassRetry || r.Reason != c.reason {
				t.Errorf("twice in a row: %+v", r)
			}
		})
	}
}
