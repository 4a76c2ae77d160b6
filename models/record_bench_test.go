package models_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// BenchmarkRecord writes down accepted pages, five hundred at a time, as the
// pipeline does when it is busy: the rows, two words on the timeline each, and
// the line of the delivery log.
func BenchmarkRecord(b *testing.B) {
	const batch = 500
	for _, engine := range []struct {
		name  string
		place func(testing.TB) modelstest.Place
	}{{"sqlite", modelstest.SQLite}, {"postgres", modelstest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			db := engine.place(b).Open(b, "bench")
			dev := aPhone(id.New(id.User), "aa")
			c := aCase("bench")
			if err := db.Desk().Write(b.Context(), "k", func(tx respond.Tx) error { return tx.Open(&c) }); err != nil {
				b.Fatal(err)
			}
			var spent time.Duration
			for range b.N {
				b.StopTimer()
				var sent []push.Delivery
				var out []push.Outcome
				for n := range batch {
					d := aPage(c, dev)
					sent = append(sent, d)
					o := accepted(push.Job{Delivery: d, Device: dev})
					o.SentAt = o.SentAt.Add(time.Duration(n) * time.Microsecond)
					out = append(out, o)
				}
				if err := db.Desk().Write(b.Context(), "k", func(tx respond.Tx) error { return tx.AddDeliveries(sent) }); err != nil {
					b.Fatal(err)
				}
				before := cpu(b)
				b.StartTimer()
				if err := db.Deliveries().Record(b.Context(), out); err != nil {
					b.Fatal(err)
				}
				spent += cpu(b) - before
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(b.N*batch), "cpu-µs/page")
		})
	}
}
