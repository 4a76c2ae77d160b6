package realtime_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

func TestALiveClientSeesWhatIsCommittedFromNowOn(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(40))
	c, first := h.dial(t, realtimetest.Live, "")

	w := first.Welcome
	if w == nil || w.From != 41 || w.Head != 40 || w.Epoch != "k1" || w.Ping != 25 || w.Conn == "" {
		t.Fatalf("welcome: %+v", w)
	}
	h.log.append(3, "inc_a")
	expect(t, c, 41, 43)
	h.log.append(1, "inc_a")
	expect(t, c, 44, 44)
}

func TestAnEventIsTheTimelineEntryUnchanged(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	c, _ := h.dial(t, realtimetest.Live, "")
	h.log.append(1, "inc_a")
	got, err := c.Event(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h.log.entries[0], got); diff != "" {
		t.Errorf("entry changed on its way (-logged +received):\n%s", diff)
	}
}

func TestAReturningClientGetsExactlyWhatItMissed(t *testing.T) {
	t.Parallel()
	const head = 9000 // more than two rings: the beginning comes from the database
	for name, after := range map[string]int64{
		"nothing missed": head, "one event": head - 1, "inside the ring": head - 4000,
		"at the ring's edge": head - 4096, "just before the ring": head - 4097, "all of it": 0, "inside a page": 777,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, newLog(head))
			c, first := h.dial(t, after, "k1")
			if first.Welcome == nil || first.Welcome.From != after+1 || first.Welcome.Head != head {
				t.Fatalf("first frame: %+v", first)
			}
			expect(t, c, after+1, head)
			h.log.append(2, "inc_a")
			expect(t, c, head+1, head+2)
		})
	}
}

func TestAVoidCursorIsSaidNeverPapered(t *testing.T) {
	t.Parallel()
	log := newLog(100)
	log.oldest = 51
	h := open(t, log)
	for name, c := range map[string]struct {
		after int64
		epoch string
		why   string
	}{
		"older than what is kept": {49, "k1", realtime.ResetRetention},
		"another log":             {80, "k0", realtime.ResetEpoch},
		"from the future":         {101, "k1", realtime.ResetAhead},
	} {
		t.Run(name, func(t *testing.T) {
			client, first := h.dial(t, c.after, c.epoch)
			want := realtime.Reset{Epoch: "k1", Head: 100, Why: c.why}
			if first.Reset == nil || *first.Reset != want {
				t.Fatalf("first frame %+v, want reset %+v", first, want)
			}
			// The client takes its snapshot, which stands at 100, and says hello again.
			after := int64(100)
			if err := client.Send(realtime.ClientFrame{Hello: &realtime.Hello{Token: "ana", After: &after, Epoch: "k1"}}); err != nil {
				t.Fatal(err)
			}
			if f, err := client.Next(patience(t)); err != nil || f.Welcome == nil || f.Welcome.From != 101 {
				t.Fatalf("second hello: %+v, %v", f, err)
			}
		})
	}
	t.Run("the oldest kept cursor is good", func(t *testing.T) {
		c, first := h.dial(t, 50, "k1")
		if first.Welcome == nil {
			t.Fatalf("first frame: %+v", first)
		}
		expect(t, c, 51, 100)
	})
}

// Another node committed and answered a list request before this node's tail
// has read the entry: that cursor is ahead of us and not of the log.
func TestACursorAheadOfThisNodeOnlyIsNotFromTheFuture(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(10))
	h.log.change(func(l *memoryLog) { l.onWrite = nil }) // no nudge: the tail is behind until it polls
	h.log.append(5, "inc_a")
	c, first := h.dial(t, 14, "k1")
	if first.Welcome == nil || first.Welcome.From != 15 {
		t.Fatalf("first frame: %+v", first)
	}
	expect(t, c, 15, 15)
}

func TestAFilteredClientIsToldOnlyWhatItAskedForAndHowFarItCame(t *testing.T) {
	t.Parallel()
	mine, other := id.New(id.Incident), id.New(id.Incident)
	h := open(t, newLog(0))
	c, _ := h.dialWith(t, realtime.Hello{Token: "ana", Filter: &realtime.Filter{Incident: mine}})
	h.log.append(3, other)
	h.log.append(1, mine)
	h.log.append(5000, other) // past the ring: a resuming client finds it in the database
	h.log.append(1, mine)
	for _, want := range []int64{4, 5005} {
		if e, err := c.Event(patience(t)); err != nil || e.Seq != want || e.IncidentID != mine {
			t.Fatalf("event %+v, %v; want %d of %s", e, err, want, mine)
		}
	}
	if c.Cursor != 5005 {
		t.Errorf("cursor %d, want 5005: ranges move it past what is not for us", c.Cursor)
	}
	after := int64(0)
	again, _ := h.dialWith(t, realtime.Hello{Token: "ana", After: &after, Epoch: "k1", Filter: &realtime.Filter{Incident: mine}})
	for _, want := range []int64{4, 5005} {
		if e, err := again.Event(patience(t)); err != nil || e.Seq != want {
			t.Fatalf("resumed: event %+v, %v; want %d", e, err, want)
		}
	}
}

func TestANewerConnectionOfTheSameDeviceReplacesTheOlder(t *testing.T) {
	t.Parallel()
	phone := id.New(id.Device)
	h := open(t, newLog(0))
	old, _ := h.dialWith(t, realtime.Hello{Token: "ana", Device: phone})
	stranger, _ := h.dialWith(t, realtime.Hello{Token: "bo", Device: phone})
	fresh, _ := h.dialWith(t, realtime.Hello{Token: "ana", Device: phone})
	expectClose(t, old, realtime.CloseReplaced)
	h.log.append(1, "inc_a")
	expect(t, stranger, 1, 1)
	expect(t, fresh, 1, 1)
}

func TestManyNodesOfOneLogAgree(t *testing.T) {
	t.Parallel()
	log := newLog(0)
	one, two := open(t, log), open(t, log) // only two is nudged: its open came last
	a, _ := one.dial(t, realtimetest.Live, "")
	b, _ := two.dial(t, realtimetest.Live, "")
	log.append(20, "inc_a")
	expect(t, a, 1, 20)
	expect(t, b, 1, 20)
}
