package fcm

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var night = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

// A flood for one phone stays below what Google lets through, in every minute
// and every hour, and uses most of it.
func TestDeviceStaysBelowGooglesLimits(t *testing.T) {
	t.Parallel()
	b := newBudget(night)
	var let []time.Time
	for now := night; now.Before(night.Add(3 * time.Hour)); now = now.Add(50 * time.Millisecond) {
		if b.device("token", now) == 0 {
			let = append(let, now)
		}
	}
	for _, c := range []struct {
		span time.Duration
		most int
	}{{time.Minute, 240}, {time.Hour, 5000}} {
		first, highest := 0, 0
		for i, at := range let {
			for at.Sub(let[first]) >= c.span {
				first++
			}
			highest = max(highest, i-first+1)
		}
		if highest >= c.most || highest < c.most*9/10 {
			t.Errorf("%d messages in %s, want just below %d", highest, c.span, c.most)
		}
	}
	if wait := b.device("token", let[len(let)-1]); wait <= 0 || wait > time.Minute/devicePerMinute+time.Second {
		t.Errorf("the next one may come after %s", wait)
	}
	if wait := b.device("another", let[len(let)-1]); wait != 0 {
		t.Errorf("another phone waits %s", wait)
	}
}

func TestBudgetForgetsPhonesButNotThoseInUse(t *testing.T) {
	t.Parallel()
	b := newBudget(night)
	for i := range maxBuckets {
		b.device(fmt.Sprint("old", i), night)
	}
	later := night.Add(time.Hour)
	for range deviceAtOnce {
		b.device("busy", later)
	}
	if len(b.devices) != 1 || b.device("busy", later) == 0 {
		t.Errorf("%d phones are remembered after an hour, want only the busy one, with an empty bucket", len(b.devices))
	}
	for i := range 2 * maxBuckets { // all within a moment: none may be forgotten, some must
		b.device(fmt.Sprint("new", i), later)
	}
	if len(b.devices) > maxBuckets {
		t.Errorf("%d phones are remembered", len(b.devices))
	}
}

func TestProjectStaysBelowGooglesLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(time.Now())
		n := 0
		for began := time.Now(); time.Since(began) < time.Minute; n++ {
			if err := b.wait(t.Context(), time.Now); err != nil {
				t.Fatal(err)
			}
		}
		if n >= 600_000 || n < 500_000 {
			t.Errorf("%d in the first minute", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.project.level = 0
		if err := b.wait(ctx, time.Now); !errors.Is(err, context.Canceled) {
			t.Errorf("a send that was given up: %v", err)
		}
	})
}

func TestNoBudgetHasNoLimits(t *testing.T) {
	t.Parallel()
	var b *budget
	if b.device("token", night) != 0 || b.wait(t.Context(), time.Now) != nil {
		t.Error("it has")
	}
}
