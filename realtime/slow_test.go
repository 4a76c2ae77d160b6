package realtime_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

// A client that never reads is told so after ten seconds, and nobody else
// notices it: with fake time, in a network that holds nothing.
func TestAClientThatNeverReadsIsSentAwayAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		stuck := f.raw(t)
		defer stuck.Close()
		writeRaw(t, stuck, `{"hello":{"token":"ana"}}`)
		if _, _, err := stuck.ReadMessage(); err != nil { // the welcome
			t.Fatal(err)
		}
		healthy := f.connect(t, realtime.Hello{Token: "bo"})
		defer healthy.Close()
		next(t, healthy) // the welcome: it is live from here on
		began := time.Now()
		for seq := int64(1); seq <= 100; seq++ {
			f.log.append(1, "inc_a")
			expect(t, healthy, seq, seq)
		}
		if time.Since(began) > 0 {
			t.Errorf("a healthy client waited %s for a stuck one", time.Since(began))
		}
		time.Sleep(11 * time.Second) // fake: past the time a client may stand still
		synctest.Wait()
		expectRawClose(t, stuck, realtime.CloseSlow)
		f.log.append(1, "inc_a")
		expect(t, healthy, 101, 101)
	})
}

// Over a real network the kernel takes some megabytes and then refuses. The
// client that comes to its senses in time has missed nothing.
func TestASlowClientCatchesUpAndOthersDoNotWaitForIt(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0), smallRing)
	slow, err := realtimetest.DialWith(patience(t), realtimetest.Options{
		URL: h.url, Hello: realtime.Hello{Token: "ana"}, NetDial: narrow,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := slow.Next(patience(t)); err != nil {
		t.Fatal(err)
	}
	fast, _ := h.dial(t, realtimetest.Live, "")
	const total = 1500
	for seq := int64(1); seq <= total; seq++ {
		h.log.appendNote(strings.Repeat("x", 8<<10)) // 12 MB in all; slow's client holds 16 frames
		expect(t, fast, seq, seq)
	}
	for cursor := int64(0); cursor < total; {
		e, err := slow.Event(patience(t))
		if code := realtimetest.CloseCode(err); code == realtime.CloseSlow || code == realtime.CloseHeartbeat {
			watch(t, h, cursor, total) // a very slow machine: we were too slow, and resume
			return
		}
		if err != nil || e.Seq != cursor+1 {
			t.Fatalf("after %d: got %d, %v", cursor, e.Seq, err)
		}
		cursor = e.Seq
	}
}

// narrow dials with a small receive buffer.
func narrow(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		err = c.(*net.TCPConn).SetReadBuffer(256 << 10)
	}
	return c, err
}
