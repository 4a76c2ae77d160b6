package realtime

import "time"

// wheelTick is the wheel's resolution: no limit here is finer than a second.
const wheelTick = time.Second

// wheelSlots covers the longest wait between two looks at a socket (a ping
// interval); a later moment is cut to the wheel's length and looked at again.
const wheelSlots = 64

// wheel is one shard's timers: each socket stands in exactly one slot and is
// looked at when its slot comes up. No timer per socket. Owned by the shard's
// goroutine.
//
// Ticks are counted from start on the monotonic clock, so that a wall clock
// set back does not stop the heartbeats.
type wheel struct {
	start time.Time
	slots [wheelSlots][]*socket
	tick  int64 // the last tick whose slot was emptied
}

// place is where a socket stands in a wheel.
type place struct {
	tick  int64 // 0: in no slot
	index int
}

// tickOf numbers moments; a moment falls due at the first tick not before it.
func (w *wheel) tickOf(t time.Time) int64 {
	return int64((t.Sub(w.start) + wheelTick - 1) / wheelTick)
}

// put moves the socket to the slot of the moment, and out of any other.
func (w *wheel) put(s *socket, at time.Time) {
	w.remove(s)
	tick := min(max(w.tickOf(at), w.tick+1), w.tick+wheelSlots-1)
	slot := &w.slots[tick%wheelSlots]
	s.place = place{tick: tick, index: len(*slot)}
	*slot = append(*slot, s)
}

func (w *wheel) remove(s *socket) {
	if s.place.tick == 0 {
		return
	}
	slot := &w.slots[s.place.tick%wheelSlots]
	last := len(*slot) - 1
	moved := (*slot)[last]
	(*slot)[s.place.index] = moved
	moved.place.index = s.place.index
	(*slot)[last] = nil
	*slot = (*slot)[:last]
	s.place = place{}
}

// due takes out every socket whose tick has come. After a pause longer than
// the wheel (a sleeping machine) one turn of it finds them all.
func (w *wheel) due(now time.Time) (out []*socket) {
	last := int64(now.Sub(w.start) / wheelTick)
	for w.tick = max(w.tick, last-wheelSlots); w.tick < last; {
		w.tick++
		slot := &w.slots[w.tick%wheelSlots]
		for _, s := range *slot {
			s.place = place{}
			out = append(out, s)
		}
		clear(*slot)
		*slot = (*slot)[:0]
	}
	return out
}
