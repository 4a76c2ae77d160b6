package realtime

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tightKernel takes only so many bytes at once, as a full socket buffer does.
type tightKernel struct {
	room int
	got  bytes.Buffer
	err  error
}

func (k *tightKernel) write(p []byte) (int, error) {
	n := min(len(p), k.room)
	k.room -= n
	k.got.Write(p[:n])
	return n, k.err
}

// owner runs flushes and remembers what it was told.
type owner struct {
	flushes sync.WaitGroup
	mu      sync.Mutex
	dry     int
	stuck   int
	onStuck func()
}

func (o *owner) backlog(flush func()) { o.flushes.Go(flush) }
func (o *owner) drained()             { o.mu.Lock(); o.dry++; o.mu.Unlock() }
func (o *owner) stalled() {
	o.mu.Lock()
	o.stuck++
	o.mu.Unlock()
	if o.onStuck != nil {
		o.onStuck()
	}
}

func frameOf(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func TestAWireKeepsWhatTheKernelRefusesAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		kernel, o := &tightKernel{room: 10}, &owner{}
		w := newWire(near, o)
		w.direct = kernel
		want := append(append(frameOf('a', 6), frameOf('b', 30_000)...), frameOf('c', 5)...)
		for _, f := range [][]byte{want[:6], want[6:30_006], want[30_006:]} {
			if n, err := w.Write(f); n != len(f) || err != nil {
				t.Fatalf("Write: %d, %v", n, err)
			}
		}
		if !w.busy() {
			t.Error("something is kept, and the wire is not busy")
		}
		rest := make([]byte, len(want)-10)
		if _, err := readFull(far, rest); err != nil {
			t.Fatal(err)
		}
		o.flushes.Wait()
		if got := append(kernel.got.Bytes(), rest...); !bytes.Equal(got, want) {
			t.Error("bytes were lost or changed places")
		}
		if w.busy() || o.dry != 1 || o.stuck != 0 {
			t.Errorf("busy %t, drained %d times, stalled %d times", w.busy(), o.dry, o.stuck)
		}
		kernel.room = 100
		if _, _ = w.Write(frameOf('d', 3)); !bytes.HasSuffix(kernel.got.Bytes(), []byte("ddd")) {
			t.Error("after the flush the direct way must be open again")
		}
		_ = w.Close()
		_ = far.Close()
	})
}

func readFull(c net.Conn, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = c.Read(p[n:])
		n += m
	}
	return n, err
}

func TestAWireIsBoundedAndCutsAtAFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		o := &owner{}
		w := newWire(near, o)
		for w.size+64<<10 <= keptMost {
			_, _ = w.Write(frameOf('e', 64<<10))
		}
		synctest.Wait() // the flush holds the first frame
		if w.overflowed() {
			t.Error("full before the limit")
		}
		if n, err := w.Write(frameOf('f', 1)); n != 1 || err != nil || !w.overflowed() {
			t.Errorf("over the limit: %d, %v, overflowed %t", n, err, w.overflowed())
		}
		w.cut()
		_, _ = w.Write([]byte("goodbye"))
		got := make([]byte, 64<<10+7)
		if _, err := readFull(far, got); err != nil || !bytes.HasSuffix(got, []byte("egoodbye")) {
			t.Errorf("after the begun frame came %q, %v; want the goodbye", got[len(got)-8:], err)
		}
		o.flushes.Wait()
		if w.size != 0 {
			t.Errorf("%d bytes still counted", w.size)
		}
		_ = w.Close()
		_ = far.Close()
	})
}

func TestAWireTellsWhenThePeerStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		began := time.Now()
		var w *wire
		o := &owner{onStuck: func() { _ = w.Close() }}
		w = newWire(near, o)
		_, _ = w.Write(frameOf('g', 100))
		o.flushes.Wait()
		if o.stuck != 1 || time.Since(began) != stallWait {
			t.Errorf("told %d times, after %s", o.stuck, time.Since(began))
		}
		if _, err := w.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing after Close: %v", err)
		}
		_ = far.Close()
	})
}

// A peer that reads a little now and then makes progress, but not for ever.
func TestAWireDoesNotFeedATricklingPeerForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		began := time.Now()
		var w *wire
		o := &owner{onStuck: func() { _ = w.Close() }}
		w = newWire(near, o)
		_, _ = w.Write(frameOf('h', keptMost))
		var sipping sync.WaitGroup
		sipping.Go(func() {
			for sip := make([]byte, 16<<10); ; time.Sleep(8 * time.Second) {
				if _, err := readFull(far, sip); err != nil {
					return
				}
			}
		})
		o.flushes.Wait()
		if o.stuck != 1 || time.Since(began) > flushWait+stallWait {
			t.Errorf("told %d times, after %s", o.stuck, time.Since(began))
		}
		_ = far.Close()
		sipping.Wait()
	})
}

func TestAWireReportsABrokenConnection(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer far.Close()
	w := newWire(near, &owner{})
	w.direct = &tightKernel{err: errors.New("broken pipe")}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("a write to a broken connection succeeded")
	}
	_ = w.Close()
}
