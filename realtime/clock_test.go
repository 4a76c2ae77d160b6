package realtime_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

// pipes is a network in memory, so that a whole node runs on fake time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// frozen is a house on fake time. It must be used inside a synctest bubble and
// shut before the bubble ends.
type frozen struct {
	house
	net  *pipes
	shut func()
}

func freeze(t *testing.T, log *memoryLog, adjust ...func(*realtime.Config)) *frozen {
	f := &frozen{house: house{log: log, door: newDoorkeeper()}, net: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}}
	cfg := realtime.Config{Log: log, Auth: f.door, Shards: 2}
	for _, a := range adjust {
		a(&cfg)
	}
	f.hub = realtime.New(cfg)
	log.change(func(l *memoryLog) { l.onWrite = f.hub.Nudge })
	server := &http.Server{Handler: f.hub.Handler()}
	var running sync.WaitGroup
	running.Go(func() { f.hub.Run(context.Background()) })
	running.Go(func() { _ = server.Serve(f.net) })
	f.shut = func() {
		if err := f.hub.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		_ = server.Close()
		running.Wait()
	}
	synctest.Wait()
	return f
}

func (f *frozen) connect(t *testing.T, hello realtime.Hello) *realtimetest.Client {
	t.Helper()
	c, err := realtimetest.DialWith(t.Context(), realtimetest.Options{URL: "http://nightbell.test", Hello: hello, NetDial: f.net.dial})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func next(t *testing.T, c *realtimetest.Client) realtime.ServerFrame {
	t.Helper()
	f, err := c.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// within fails unless the time since began lies between the two.
func within(t *testing.T, began time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(began); d < least || d > most {
		t.Errorf("took %s, want %s to %s", d, least, most)
	}
}

func TestAConnectionWithoutHelloIsSentAwayAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		ws := f.raw(t)
		defer ws.Close()
		expectRawClose(t, ws, realtime.CloseHeartbeat)
		within(t, began, 5*time.Second, 7*time.Second)
	})
}

func TestAQuietConnectionIsPingedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(7))
		defer f.shut()
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		next(t, c)
		for range 20 {
			last := time.Now()
			p := next(t, c)
			if p.Ping == nil || *p.Ping != 7 {
				t.Fatalf("got %+v, want a ping with the cursor 7", p)
			}
			within(t, last, 12*time.Second, 27*time.Second)
		}
	})
}

func TestTrafficInBothDirectionsSparesThePing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		next(t, c)
		for range 30 {
			time.Sleep(10 * time.Second) // fake time: the story takes five minutes
			f.log.append(1, "inc_a")
			got := next(t, c)
			if got.Events == nil {
				t.Fatalf("got %+v, want events only", got)
			}
			if err := c.Send(realtime.ClientFrame{Ack: &got.Events.To}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestPingsOfOneStormOfConnectionsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		const clients = 200
		seconds := make(chan int, clients)
		for range clients {
			c := f.connect(t, realtime.Hello{Token: "ana"})
			defer c.Close()
			next(t, c)
			go func() {
				if p, err := c.Next(t.Context()); err != nil || p.Ping == nil {
					t.Errorf("got %+v, %v; want a ping", p, err)
				}
				seconds <- int(time.Since(began).Seconds())
			}()
		}
		count := map[int]int{}
		for range clients {
			count[<-seconds]++
		}
		for second, n := range count {
			if second < 12 || second > 26 || n > clients/4 {
				t.Errorf("%d of %d first pings in second %d", n, clients, second)
			}
		}
	})
}

func TestADeadPeerIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		ws := f.raw(t)
		defer ws.Close()
		writeRaw(t, ws, `{"hello":{"token":"ana"}}`)
		expectRawClose(t, ws, realtime.CloseHeartbeat) // reads, and answers nothing
		within(t, began, 25*time.Second, 45*time.Second)
	})
}

func TestAFilteredClientLearnsFromThePingHowFarItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		c := f.connect(t, realtime.Hello{Token: "ana", Filter: &realtime.Filter{Incident: id.New(id.Incident)}})
		defer c.Close()
		next(t, c)
		f.log.append(500, "inc_other")
		if p := next(t, c); p.Ping == nil || *p.Ping != 500 || c.Cursor != 500 {
			t.Errorf("got %+v at cursor %d, want a ping with 500", p, c.Cursor)
		}
	})
}

func TestAConnectionLivesAsLongAsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		f.door.tokens["short"] = realtime.Viewer{UserID: "usr_ana", ExpiresAt: began.Add(90 * time.Second)}
		c := f.connect(t, realtime.Hello{Token: "short"})
		defer c.Close()
		expectClose(t, c, realtime.CloseTokenExpired)
		within(t, began, 90*time.Second, 92*time.Second)
	})
}

func TestAFreshTokenProlongsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		f.door.tokens["short"] = realtime.Viewer{UserID: "usr_ana", ExpiresAt: began.Add(20 * time.Second)}
		f.door.tokens["longer"] = realtime.Viewer{UserID: "usr_ana", ExpiresAt: began.Add(10 * time.Minute)}
		c := f.connect(t, realtime.Hello{Token: "short"})
		defer c.Close()
		next(t, c)
		time.Sleep(10 * time.Second)
		token := "longer"
		if err := c.Send(realtime.ClientFrame{Token: &token}); err != nil {
			t.Fatal(err)
		}
		if got := next(t, c); got.Token == nil || !got.Token.ExpiresAt.Equal(began.Add(10*time.Minute)) {
			t.Fatalf("got %+v, want the new expiry", got)
		}
		expectClose(t, c, realtime.CloseTokenExpired)
		within(t, began, 10*time.Minute, 10*time.Minute+2*time.Second)
	})
}

// A token that is renewed to one that ends sooner must be judged by the new one.
func TestAShorterTokenShortensTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		defer f.shut()
		began := time.Now()
		f.door.tokens["brief"] = realtime.Viewer{UserID: "usr_ana", ExpiresAt: began.Add(3 * time.Second)}
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		next(t, c)
		token := "brief"
		if err := c.Send(realtime.ClientFrame{Token: &token}); err != nil {
			t.Fatal(err)
		}
		expectClose(t, c, realtime.CloseTokenExpired)
		within(t, began, 3*time.Second, 5*time.Second)
	})
}
