package realtime

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However sockets are put, moved and removed, each that is left falls due once,
// not before its moment and not more than a tick after it.
func TestTheWheelTurnsUpEverySocketAtItsMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(1000, 0)
		w := wheel{start: start}
		at := map[*socket]time.Time{}
		now := start
		var sockets []*socket
		for range 20 {
			sockets = append(sockets, new(socket))
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s := sockets[rapid.IntRange(0, len(sockets)-1).Draw(t, "socket")]
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				at[s] = now.Add(time.Duration(rapid.IntRange(0, 60_000).Draw(t, "ms")) * time.Millisecond)
				w.put(s, at[s])
			case 2:
				delete(at, s)
				w.remove(s)
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "pause")) * time.Millisecond)
				checkDue(t, w.due(now), at, now)
			}
		}
		now = now.Add(2 * wheelSlots * wheelTick) // the machine slept
		checkDue(t, w.due(now), at, now)
		if len(at) > 0 {
			t.Fatalf("%d sockets never came up", len(at))
		}
	})
}

func checkDue(t *rapid.T, due []*socket, at map[*socket]time.Time, now time.Time) {
	for _, s := range due {
		want, ok := at[s]
		if !ok || now.Before(want) {
			t.Fatalf("a socket came up at %s, wanted %s (known %t)", now, want, ok)
		}
		delete(at, s)
	}
	for _, want := range at {
		// A moment already past at put falls due at the next tick.
		if now.Sub(want) > 2*wheelTick {
			t.Fatalf("a socket due at %s has not come up at %s", want, now)
		}
	}
}

// A moment beyond the wheel's length is looked at early rather than lost.
func TestTheWheelCutsWhatLiesBeyondIt(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	w, s := wheel{start: start}, new(socket)
	w.put(s, start.Add(time.Hour))
	if due := w.due(start.Add(wheelSlots * wheelTick)); len(due) != 1 || due[0] != s {
		t.Errorf("after one turn of the wheel %d sockets came up, want 1", len(due))
	}
}
