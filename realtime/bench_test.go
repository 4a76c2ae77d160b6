//go:build unix

package realtime_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
)

const benchClients = 2000

// BenchmarkIdleSocket gives the server's memory per connected, idle client:
// heap and stacks after a collection.
func BenchmarkIdleSocket(b *testing.B) {
	b.Run("nightbell", func(b *testing.B) {
		h := open(b, newLog(0))
		measureIdle(b, h.url)
	})
	b.Run("bare", func(b *testing.B) {
		measureIdle(b, newChat(b).url)
	})
}

func measureIdle(b *testing.B, url string) {
	for range b.N {
		before := settledMemory()
		c := gather(b, url, benchClients)
		b.ReportMetric(float64(settledMemory()-before)/benchClients, "B/socket")
		c.leave()
	}
}

func settledMemory() int64 {
	var m runtime.MemStats
	for range 4 { // a stack that has grown shrinks by half per collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkFanOut sends events to all clients, one after another or in bursts,
// and waits for the last client to have the last: the CPU of the server's
// process per event delivered, and how long the last client waited.
func BenchmarkFanOut(b *testing.B) {
	for name, burst := range map[string]int{"single": 1, "burst of 50": 50} {
		b.Run("nightbell/"+name, func(b *testing.B) {
			h := open(b, newLog(0))
			measureFanOut(b, h.url, burst, func(int64) { h.log.append(1, "inc_a") })
		})
		b.Run("bare/"+name, func(b *testing.B) {
			c := newChat(b)
			measureFanOut(b, c.url, burst, c.broadcast)
		})
	}
}

func measureFanOut(b *testing.B, url string, burst int, publish func(seq int64)) {
	c := gather(b, url, benchClients)
	defer c.leave()
	var waits []time.Duration
	cpu, seq := cpuTime(b), int64(0)
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		for range burst {
			seq++
			publish(seq)
		}
		c.await(b, seq)
		waits = append(waits, time.Since(began))
	}
	b.StopTimer()
	spent := cpuTime(b) - cpu
	slices.Sort(waits)
	b.ReportMetric(float64(spent.Nanoseconds())/float64(seq*benchClients), "cpu-ns/delivery")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// chat is a bare gorilla broadcast as the library's own example writes it: two
// goroutines and a queue per connection.
type chat struct {
	url      string
	upgrader websocket.Upgrader
	pumps    sync.WaitGroup
	mu       sync.Mutex
	members  []chan *websocket.PreparedMessage
}

func newChat(b *testing.B) *chat {
	c := &chat{upgrader: websocket.Upgrader{Subprotocols: []string{realtime.Protocol}}}
	server := httptest.NewServer(c)
	c.url = server.URL
	b.Cleanup(func() {
		server.Close()
		c.pumps.Wait() // the crowd has left before
	})
	return c
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := c.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	queue := make(chan *websocket.PreparedMessage, 256)
	c.mu.Lock() // a member before it is welcomed: nothing is missed
	c.members = append(c.members, queue)
	c.mu.Unlock()
	c.pumps.Go(func() { // the example's writePump
		defer ws.Close()
		for m := range queue {
			_ = ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if ws.WritePreparedMessage(m) != nil {
				return
			}
		}
	})
	c.pumps.Go(func() { // the example's readPump
		defer c.dismiss(queue)
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	})
	welcome, _ := websocket.NewPreparedMessage(websocket.TextMessage, []byte(`{"welcome":{}}`))
	queue <- welcome
}

func (c *chat) dismiss(queue chan *websocket.PreparedMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members = slices.DeleteFunc(c.members, func(m chan *websocket.PreparedMessage) bool { return m == queue })
	close(queue)
}

// broadcast sends the frame that the stream would send for the same entry.
func (c *chat) broadcast(seq int64) {
	frame, _ := json.Marshal(realtime.ServerFrame{Events: &realtime.Events{From: seq, To: seq, Items: []incident.Entry{{
		Seq: seq, IncidentID: "inc_a", Revision: seq, Type: incident.EntryAnnotated,
		At: time.Now().UTC().Truncate(time.Microsecond), Detail: incident.Detail{Text: "short"},
	}}}})
	m, _ := websocket.NewPreparedMessage(websocket.TextMessage, frame)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, queue := range c.members {
		select {
		case queue <- m:
		default: // the example drops a slow member
		}
	}
}
