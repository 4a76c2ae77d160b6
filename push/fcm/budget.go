package fcm

import (
	"context"
	"sync"
	"time"
)

// Google's limits, kept with something to spare, because passing them costs
// every phone: a project may send 600,000 messages a minute, one device may
// get 240 a minute and 5,000 an hour.
const (
	projectPerMinute = 540_000
	projectAtOnce    = 9_000
	// A full bucket and what flows in meanwhile: at most 230 in any minute and
	// 4,950 in any hour.
	devicePerMinute = 80
	deviceAtOnce    = 150
	// maxBuckets bounds the devices remembered: as many as can be short of
	// messages at the project's rate.
	maxBuckets = 50_000
)

// bucket is a token bucket: level as of at.
type bucket struct {
	level float64
	at    time.Time
}

// take takes one, or says how long until there is one.
func (b *bucket) take(now time.Time, perMinute, most float64) (wait time.Duration) {
	flow := perMinute / float64(time.Minute)
	b.level = min(most, b.level+flow*float64(max(0, now.Sub(b.at))))
	b.at = now
	if b.level >= 1 {
		b.level--
		return 0
	}
	return time.Duration((1-b.level)/flow) + time.Millisecond
}

// budget is what one project may send. A nil budget has no limits: the
// emulator's and other stand-ins' endpoints have their own.
type budget struct {
	mu      sync.Mutex
	project bucket
	devices map[string]bucket
}

func newBudget(now time.Time) *budget {
	return &budget{project: bucket{projectAtOnce, now}, devices: map[string]bucket{}}
}

// device takes one of the device's messages, or says how long to wait.
func (b *budget) device(token string, now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d, known := b.devices[token]
	if !known {
		b.makeRoom(now)
		d = bucket{deviceAtOnce, now}
	}
	wait := d.take(now, devicePerMinute, deviceAtOnce)
	b.devices[token] = d
	return wait
}

// makeRoom forgets devices whose bucket is full again; when all are in use,
// any: the limit of a device is then Google's to keep.
func (b *budget) makeRoom(now time.Time) {
	if len(b.devices) < maxBuckets {
		return
	}
	const refills = deviceAtOnce * time.Minute / devicePerMinute
	for token, d := range b.devices {
		if now.Sub(d.at) >= refills {
			delete(b.devices, token)
		}
	}
	for token := range b.devices {
		if len(b.devices) < maxBuckets*3/4 {
			return
		}
		delete(b.devices, token)
	}
}

// wait waits until the project may send one more; in a burst that is some
// thousandths of a second.
func (b *budget) wait(ctx context.Context, now func() time.Time) error {
	for b != nil {
		b.mu.Lock()
		left := b.project.take(now(), projectPerMinute, projectAtOnce)
		b.mu.Unlock()
		if left == 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return nil
}
