package realtime_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
)

// follow opens a frozen house with one client at the head of a log of n.
func follow(t *testing.T, n int, story func(*frozen, *memoryLog, func() realtime.ServerFrame)) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(n)
		f := freeze(t, log)
		defer f.shut()
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		if w := next(t, c); w.Welcome == nil {
			t.Fatalf("got %+v, want a welcome", w)
		}
		story(f, log, func() realtime.ServerFrame { t.Helper(); return next(t, c) })
	})
}

func TestANudgeIsHeardAtOnceAndItsLossCostsASecond(t *testing.T) {
	follow(t, 0, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		began := time.Now()
		log.append(1, "inc_a")
		if f := next(); f.Events == nil || f.Events.To != 1 || time.Since(began) != 0 {
			t.Errorf("nudged: %+v after %s", f, time.Since(began))
		}
		log.change(func(l *memoryLog) { l.onWrite = nil })
		log.append(1, "inc_a")
		if f := next(); f.Events == nil || f.Events.To != 2 || time.Since(began) > time.Second {
			t.Errorf("polled: %+v after %s", f, time.Since(began))
		}
	})
}

func TestARestoredLogResetsEveryClient(t *testing.T) {
	for name, restore := range map[string]func(*memoryLog){
		"a new epoch":                  func(l *memoryLog) { l.epoch = "k2" },
		"the same epoch, but shorter":  func(l *memoryLog) { l.entries = l.entries[:4] },
		"a new epoch, and longer, too": func(l *memoryLog) { l.epoch = "k2"; l.entries = append(l.entries, l.entries...) },
	} {
		t.Run(name, func(t *testing.T) {
			follow(t, 9, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
				log.change(restore)
				head, _ := log.Head(t.Context())
				want := realtime.Reset{Epoch: head.Epoch, Head: head.Seq, Why: realtime.ResetEpoch}
				if got := next(); got.Reset == nil || *got.Reset != want {
					t.Fatalf("got %+v, want %+v", got.Reset, want)
				}
				// While the client takes its snapshot it is kept warm, and no
				// number of the old log reaches it any more.
				if got := next(); got.Ping == nil || *got.Ping != 0 {
					t.Fatalf("got %+v, want a ping with 0", got)
				}
			})
		})
	}
}

// Numbers are handed out in commit order (I7), so a hole must not exist. Should
// one be seen, nothing behind it is shown while it may still close.
func TestAHoleThatClosesIsNotSteppedOver(t *testing.T) {
	follow(t, 0, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		log.change(func(l *memoryLog) { l.hidden[2] = true })
		log.append(3, "inc_a")
		if f := next(); f.Events == nil || f.Events.To != 1 {
			t.Fatalf("got %+v, want only what lies before the hole", f)
		}
		time.Sleep(5 * time.Second)
		log.change(func(l *memoryLog) { delete(l.hidden, 2) })
		if f := next(); f.Events == nil || f.Events.From != 2 || f.Events.To != 3 {
			t.Fatalf("got %+v, want 2..3", f)
		}
	})
}

func TestAHoleThatStaysIsSaid(t *testing.T) {
	follow(t, 0, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		began := time.Now()
		log.change(func(l *memoryLog) { l.hidden[1] = true })
		log.append(3, "inc_a")
		f := next()
		if f.Reset == nil || f.Reset.Why != realtime.ResetGap {
			t.Fatalf("got %+v, want a reset for the gap", f)
		}
		within(t, began, 10*time.Second, 12*time.Second)
	})
}

// A node that slept longer than the log is kept.
func TestWhatRetentionTookIsSaid(t *testing.T) {
	follow(t, 10, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		log.change(func(l *memoryLog) { l.onWrite = nil })
		log.append(90, "inc_a")
		log.change(func(l *memoryLog) { l.oldest = 50 })
		if f := next(); f.Reset == nil || f.Reset.Why != realtime.ResetRetention {
			t.Fatalf("got %+v, want a reset for retention", f)
		}
	})
}

func TestADatabaseThatIsAwayForAWhileCostsOnlyTime(t *testing.T) {
	follow(t, 0, func(_ *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		log.change(func(l *memoryLog) { l.down = errors.New("away") })
		log.append(3, "inc_a")
		time.Sleep(20 * time.Second)
		log.change(func(l *memoryLog) { l.down = nil })
		f := next()
		for f.Ping != nil {
			f = next()
		}
		if f.Events == nil || f.Events.From != 1 || f.Events.To != 3 {
			t.Fatalf("got %+v, want 1..3", f)
		}
	})
}

func TestAnEntryThatCannotBeEncodedDoesNotStopTheStream(t *testing.T) {
	follow(t, 0, func(f *frozen, log *memoryLog, next func() realtime.ServerFrame) {
		log.change(func(l *memoryLog) { l.onWrite = nil })
		log.append(3, "inc_a")
		log.change(func(l *memoryLog) { l.entries[1].At = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) })
		f.hub.Nudge()
		got := next()
		if got.Events == nil || got.Events.To != 3 || len(got.Events.Items) != 2 {
			t.Fatalf("got %+v, want 1 and 3", got)
		}
	})
}

// The replay, too, says what it cannot give: here the rows went away while the
// client was being served from the database.
func TestAReplayOverAHoleIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*memoryLog)
		why   string
	}{
		"taken by retention": {func(l *memoryLog) { l.oldest = 300 }, realtime.ResetRetention},
		"a hole":             {func(l *memoryLog) { l.hidden[200] = true }, realtime.ResetGap},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := newLog(1000)
				f := freeze(t, log, smallRing, func(c *realtime.Config) { c.Poll = time.Hour })
				defer f.shut()
				log.change(c.spoil)
				after := int64(100)
				client := f.connect(t, realtime.Hello{Token: "ana", After: &after, Epoch: "k1"})
				defer client.Close()
				for {
					got := next(t, client)
					if got.Reset == nil {
						continue
					}
					if got.Reset.Why != c.why {
						t.Errorf("got %+v, want %s", got.Reset, c.why)
					}
					return
				}
			})
		})
	}
}

func TestAReplayWaitsForADatabaseThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(1000)
		f := freeze(t, log, smallRing)
		defer f.shut()
		log.change(func(l *memoryLog) { l.down = errors.New("away") })
		after := int64(100)
		c := f.connect(t, realtime.Hello{Token: "ana", After: &after, Epoch: "k1"})
		defer c.Close()
		next(t, c)
		time.Sleep(10 * time.Second)
		log.change(func(l *memoryLog) { l.down = nil })
		expect(t, c, 101, 1000)
	})
}

func TestAnObserverIsToldOfEveryEntryOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []int64
		log := newLog(1000)
		f := freeze(t, log, smallRing, func(c *realtime.Config) {
			c.Observe = func(entries []incident.Entry) {
				for _, e := range entries {
					told = append(told, e.Seq)
				}
			}
		})
		for range 5 {
			log.append(300, "inc_a")
			synctest.Wait()
		}
		f.shut()
		if len(told) != 64+1500 {
			t.Fatalf("told of %d entries, want what fills the ring and 1500 more", len(told))
		}
		for i, seq := range told {
			if want := int64(1000 - 64 + 1 + i); seq != want {
				t.Fatalf("entry %d told as number %d, want %d", i, seq, want)
			}
		}
	})
}
