package bench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/push/pushtest/benchtest"
	"github.com/nightbell/nightbell/test/stage"
)

func TestMain(m *testing.M) {
	if benchtest.Serve() {
		return
	}
	code := m.Run()
	stage.Clean()
	os.Exit(code)
}

// engines runs the measurement on both databases.
func engines(b *testing.B, measure func(b *testing.B, place modelstest.Place)) {
	b.Run("sqlite", func(b *testing.B) { measure(b, modelstest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { measure(b, modelstest.Postgres(b)) })
}

// each runs the measurement on both, on a node with Ana's iPhone.
func each(b *testing.B, measure func(b *testing.B, s *stage.Stage, n *stage.Node)) {
	engines(b, func(b *testing.B, place modelstest.Place) {
		s := stage.New(b, place, stage.Options{Delay: time.Hour, Quiet: true, Lease: 30 * time.Second})
		n := s.Start("")
		s.Phone("ana", push.APNs)
		b.ResetTimer()
		measure(b, s, n)
	})
}

// BenchmarkIdleLatency: one event at a time on an idle node, from the first
// byte sent to the request being received by the provider stand-in. Durable.
func BenchmarkIdleLatency(b *testing.B) {
	each(b, func(b *testing.B, s *stage.Stage, _ *stage.Node) {
		arrived := make(chan time.Time, 1)
		s.Emulator.OnShow(func(pushtest.Shown) { arrived <- time.Now() })
		c, err := dial(s.URL[len("http://"):])
		if err != nil {
			b.Fatal(err)
		}
		defer c.conn.Close()
		const warm, n = 30, 500
		var took []time.Duration
		for i := range warm + n {
			time.Sleep(time.Duration(5+rand.IntN(20)) * time.Millisecond)
			body := event(fmt.Sprintf("idle-%d", i))
			start := time.Now()
			if status, err := c.post("/v2/enqueue", body); err != nil || status != 202 {
				b.Fatalf("event answered %d, %v", status, err)
			}
			if at := <-arrived; i >= warm {
				took = append(took, at.Sub(start))
			}
		}
		b.ReportMetric(ms(quantile(took, .5)), "p50-ms")
		b.ReportMetric(ms(quantile(took, .99)), "p99-ms")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkBurst: 5,000 distinct events at once, until the last of 5,000 pages.
func BenchmarkBurst(b *testing.B) {
	each(b, func(b *testing.B, s *stage.Stage, n *stage.Node) {
		const events = 5000
		before := s.Emulator.Accepted(push.APNs)
		used := cpu(b, n.Pid())
		var i atomic.Int64
		start := time.Now()
		_, posted := flood(b, s.URL, 32, func() []byte {
			if k := i.Add(1); k <= events {
				return event(fmt.Sprintf("burst-%d", k))
			}
			return nil
		})
		err := s.Emulator.Wait(b.Context(), func() bool { return s.Emulator.Accepted(push.APNs)-before >= events })
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(start)
		b.ReportMetric(took.Seconds(), "s-to-last-page")
		b.ReportMetric(events/posted.Seconds(), "events/s")
		b.ReportMetric((cpu(b, n.Pid())-used).Seconds()/events*10_000, "cpu-s/10k")
		b.ReportMetric(rss(b, n.Pid()), "rss-MB")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkStorm: one dedup key from 32 senders, each 202 durable.
func BenchmarkStorm(b *testing.B) {
	each(b, func(b *testing.B, s *stage.Stage, n *stage.Node) {
		used := cpu(b, n.Pid())
		accepted, took := floodFor(b, s.URL, 8*time.Second)
		b.ReportMetric(float64(accepted)/took.Seconds(), "events/s")
		b.ReportMetric((cpu(b, n.Pid())-used).Seconds()/float64(accepted)*10_000, "cpu-s/10k")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkNullServer is the ceiling of senders and net/http on this machine:
// a server that reads the body and answers 202.
func BenchmarkNullServer(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"storm"}`)
	})}
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	accepted, took := floodFor(b, "http://"+l.Addr().String(), 5*time.Second)
	b.ReportMetric(float64(accepted)/took.Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}

func floodFor(b *testing.B, url string, d time.Duration) (int64, time.Duration) {
	b.Helper()
	body := event("storm")
	end := time.Now().Add(d)
	return flood(b, url, 32, func() []byte {
		if time.Now().After(end) {
			return nil
		}
		return body
	})
}

// BenchmarkIdleCost: what a node costs that has nothing to do and nobody has
// signed in to (a sign-in takes 19 MiB for a moment, and the runtime gives them
// back over minutes).
func BenchmarkIdleCost(b *testing.B) {
	engines(b, func(b *testing.B, place modelstest.Place) {
		s := stage.New(b, place, stage.Options{Quiet: true})
		n := s.Start("")
		time.Sleep(5 * time.Second)
		const watch = 20 * time.Second
		used := cpu(b, n.Pid())
		time.Sleep(watch)
		b.ReportMetric((cpu(b, n.Pid())-used).Seconds()/watch.Seconds()*100, "%-of-a-core")
		b.ReportMetric(rss(b, n.Pid()), "rss-MB")
		b.ReportMetric(0, "ns/op")
	})
}
