package realtime

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// holeWait is how long a hole in the log is looked at again before the stream
// goes on behind it and tells every client so. A hole must not happen (I7);
// standing still for ever would be worse than saying it.
const holeWait = 10 * time.Second

// tail follows the log into the ring. It is nudged after commits and polls
// besides: the nudge only shortens the wait.
type tail struct {
	hub    *Hub
	nudges chan struct{} // one slot

	begun     bool // the log was surveyed once
	met       bool // the ring has met its head once
	failing   bool
	holeSince time.Time
}

func (t *tail) nudge() {
	select {
	case t.nudges <- struct{}{}:
	default:
	}
}

func (t *tail) run(ctx context.Context) {
	ticker := time.NewTicker(t.hub.cfg.Poll)
	defer ticker.Stop()
	t.survey(ctx)
	for {
		t.read(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.nudges:
		case <-ticker.C:
			t.survey(ctx)
		}
	}
}

// survey looks where the log stands: whether it is still the same log, and
// what it still keeps.
func (t *tail) survey(ctx context.Context) {
	head, err := t.hub.head(ctx)
	if t.failed(ctx, err) {
		return
	}
	ring, st := &t.hub.ring, t.hub.ring.now()
	switch {
	case !t.begun:
		// Begin behind the head, so that clients that come back after a restart
		// find what they missed in memory.
		t.begun = true
		ring.restart(head.Epoch, max(head.Seq-int64(t.hub.cfg.Ring), head.first()-1), head.first(), "")
	case head.Epoch != st.epoch, head.Seq < st.head:
		t.hub.log.Warn("the timeline was restored or rewritten; every client starts over",
			"epoch", head.Epoch, "head", head.Seq, "before", st.head)
		t.restart(head, head.Seq, ResetEpoch)
	default:
		ring.keepFrom(head.first())
	}
}

func (t *tail) restart(head Head, at int64, why string) {
	t.hub.ring.restart(head.Epoch, at, head.first(), why)
	t.holeSince = time.Time{}
	t.hub.pokeAll()
}

// read takes what follows the ring's head until there is no more.
func (t *tail) read(ctx context.Context) {
	for more := t.begun; more; {
		st := t.hub.ring.now()
		entries, err := t.hub.since(ctx, st.head, tailBatch)
		if t.failed(ctx, err) {
			return
		}
		good := contiguous(entries, st.head+1)
		t.publish(entries[:good])
		if good < len(entries) {
			t.hole(ctx, entries[good].Seq)
			return
		}
		t.holeSince = time.Time{}
		more = len(entries) == tailBatch
	}
	if t.begun && !t.met {
		t.met = true
		close(t.hub.ready)
	}
}

// contiguous counts the entries that follow each other from first on.
func contiguous(entries []incident.Entry, first int64) int {
	for i, e := range entries {
		if e.Seq != first+int64(i) {
			return i
		}
	}
	return len(entries)
}

// publish encodes entries, each once for all clients, and wakes the shards.
func (t *tail) publish(entries []incident.Entry) {
	if len(entries) == 0 {
		return
	}
	items := make([]*item, len(entries))
	for i, e := range entries {
		items[i] = t.hub.encode(e)
	}
	t.hub.ring.append(items)
	t.hub.pokeAll()
	if t.hub.cfg.Observe != nil {
		t.hub.cfg.Observe(entries)
	}
	last := entries[len(entries)-1]
	t.hub.metrics.head.Set(float64(last.Seq))
	if t.met { // what is read at the start is old, not late
		t.hub.metrics.delay.Observe(t.hub.cfg.Now().Sub(last.At).Seconds())
	}
}

// hole deals with entries missing before next. Behind the retention line they
// are rightly gone; anywhere else it is alarmed, read again for holeWait, and
// then said to every client.
func (t *tail) hole(ctx context.Context, next int64) {
	head, err := t.hub.head(ctx)
	if t.failed(ctx, err) {
		return
	}
	at := t.hub.ring.now().head
	if head.first() > at+1 {
		t.restart(head, next-1, ResetRetention)
		t.nudge()
		return
	}
	now := time.Now()
	if t.holeSince.IsZero() {
		t.holeSince = now
		t.hub.metrics.gaps.Add(1)
		t.hub.log.Error("the timeline has a hole; reading it again", "after", at, "next", next)
	}
	if now.Sub(t.holeSince) >= holeWait {
		t.hub.log.Error("the hole in the timeline stays; every client starts over behind it", "after", at, "next", next)
		t.restart(head, next-1, ResetGap)
		t.nudge()
	}
}

// failed notes whether the log could be read, and logs only the change.
func (t *tail) failed(ctx context.Context, err error) bool {
	if err == nil {
		if t.failing {
			t.hub.log.Info("the timeline can be read again")
		}
		t.failing = false
		return false
	}
	if ctx.Err() != nil {
		return true
	}
	t.hub.metrics.tailFails.Add(1)
	if !t.failing {
		t.failing = true
		t.hub.log.Error("reading the timeline failed; trying again", "error", err)
	}
	return true
}

// first is the oldest entry a cursor may still ask for.
func (h Head) first() int64 {
	if h.Oldest == 0 {
		return h.Seq + 1
	}
	return h.Oldest
}

func (h *Hub) head(ctx context.Context) (Head, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return h.cfg.Log.Head(ctx)
}

func (h *Hub) since(ctx context.Context, after int64, limit int) ([]incident.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	return h.cfg.Log.Since(ctx, after, limit)
}

// encode renders an entry as every client will see it. One that cannot be
// rendered keeps its number and is left out: the stream must not stop at it.
func (h *Hub) encode(e incident.Entry) *item {
	it := &item{seq: e.Seq, incident: e.IncidentID}
	body, err := json.Marshal(e)
	if err != nil {
		h.metrics.unsent.Add(1)
		h.log.Error("a timeline entry cannot be encoded and is left out", "seq", e.Seq, "error", err)
		return it
	}
	it.json = body
	return it
}
