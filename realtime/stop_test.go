package realtime_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

// A thousand screens are told to go elsewhere, each at its own moment, and the
// node is empty afterwards (TestMain looks for goroutines left behind).
func TestStopSendsAThousandClientsElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, newLog(0))
	const clients = 1000
	pauses := make(chan string, clients)
	var reading sync.WaitGroup
	var entered sync.WaitGroup
	entered.Add(clients)
	for range clients {
		reading.Go(func() {
			c, err := realtimetest.Dial(patience(t), h.url, "ana", realtimetest.Live, "")
			if err == nil {
				defer c.Cut()
				_, err = c.Next(patience(t))
			}
			entered.Done()
			if err != nil {
				t.Errorf("entering: %v", err)
				return
			}
			if _, err = c.Next(patience(t)); realtimetest.CloseCode(err) != realtime.CloseDrain {
				t.Errorf("ended with %v, want %d", err, realtime.CloseDrain)
				return
			}
			_, pause, _ := strings.Cut(err.Error(), "retry_ms=")
			pauses <- pause
		})
	}
	entered.Wait()
	if err := h.hub.Stop(patience(t)); err != nil {
		t.Error(err)
	}
	if n := h.hub.Sockets(); n != 0 {
		t.Errorf("%d sockets left", n)
	}
	reading.Wait()
	close(pauses)
	moments := map[string]bool{}
	for p := range pauses {
		moments[p] = true
	}
	if len(moments) < clients/2 {
		t.Errorf("only %d different moments to come back among %d clients", len(moments), clients)
	}
	if got := upgrade(t, h.url, nil); got != http.StatusServiceUnavailable {
		t.Errorf("after Stop: status %d", got)
	}
}

// Peers that do not answer the goodbye do not hold the node up for longer than
// its deadline.
func TestStopDoesNotWaitForTheDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := freeze(t, newLog(0))
		for range 5 {
			ws := f.raw(t) // never reads, never answers
			defer ws.Close()
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.hub.Stop(ctx); err != nil {
			t.Error(err)
		}
		within(t, began, 0, time.Second)
		f.shut()
	})
}

// When the process's own context ends first, Run does the same by itself.
func TestRunSendsClientsAwayWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	h := realtime.New(realtime.Config{Log: newLog(0), Auth: newDoorkeeper()})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { h.Run(ctx); close(ended) }()
	<-h.Ready()
	server := newServer(t, h)
	c, err := realtimetest.Dial(patience(t), server, "ana", realtimetest.Live, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Next(patience(t)); err != nil {
		t.Fatal(err)
	}
	cancel()
	expectClose(t, c, realtime.CloseDrain)
	<-ended
	if err := h.Stop(patience(t)); err != nil {
		t.Error(err)
	}
}

func TestAHubThatNeverRanStops(t *testing.T) {
	t.Parallel()
	h := realtime.New(realtime.Config{Log: newLog(0), Auth: newDoorkeeper()})
	if err := h.Stop(patience(t)); err != nil {
		t.Error(err)
	}
	h.Run(t.Context()) // does nothing, and returns
}

// Before the first look at the log there is nothing to stream.
func TestAHubThatCannotReadTheLogRefusesConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(5)
		log.down = context.DeadlineExceeded
		f := freeze(t, log)
		defer f.shut()
		if _, err := realtimetest.DialWith(t.Context(), realtimetest.Options{URL: "http://x.test", NetDial: f.net.dial}); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("dialling gave %v, want a 503", err)
		}
		log.change(func(l *memoryLog) { l.down = nil })
		<-f.hub.Ready()
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		if got := next(t, c); got.Welcome == nil || got.Welcome.Head != 5 {
			t.Errorf("got %+v", got)
		}
	})
}
