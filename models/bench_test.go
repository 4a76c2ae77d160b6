package models_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// senders is how many write at the same time in a benchmark.
const senders = 64

// benchEach runs one write per iteration on each engine, from many goroutines.
func benchEach(b *testing.B, senders int, one func(tx respond.Tx, n int64) error, key func(n int64) string) {
	for _, engine := range []struct {
		name  string
		place func(testing.TB) modelstest.Place
	}{{"sqlite", modelstest.SQLite}, {"postgres", modelstest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			db := engine.place(b).Open(b, "bench")
			desk := db.Desk()
			var next atomic.Int64
			var all sync.WaitGroup
			before := cpu(b)
			b.ResetTimer()
			for range senders {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := desk.Write(b.Context(), key(n), func(tx respond.Tx) error { return one(tx, n) }); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/write")
		})
	}
}

// distinct opens an incident with an alert, two timeline entries, a
// notification and two leased deliveries, as an event for two phones does.
func distinct(tx respond.Tx, n int64) error {
	key := distinctKey(n)
	if _, _, err := tx.FindOpen("int_1", key); err != nil {
		return err
	}
	c := aCase(key)
	if err := tx.Open(&c); err != nil {
		return err
	}
	if err := tx.AddAlert(anAlert(c)); err != nil {
		return err
	}
	if err := tx.AddNotifications([]respond.Notification{aNotification(c)}); err != nil {
		return err
	}
	page := aPage(c, push.Device{ID: "dev_1", UserID: "usr_ana"})
	page.LeaseUntil, page.LeaseNode = noon.Add(1), "bench"
	other := page
	other.ID = id.New(id.Delivery)
	if err := tx.AddDeliveries([]push.Delivery{page, other}); err != nil {
		return err
	}
	opened := note(c.Incident.ID, "opened")
	opened.Type, opened.Incident = incident.EntryTriggered, c.Incident.Snapshot()
	tx.Append(opened, note(c.Incident.ID, "scheduled"))
	return nil
}

func distinctKey(n int64) string { return "key-" + strconv.FormatInt(n, 10) }

// BenchmarkDistinctIncidents is a flood: 64 senders, a new incident each time.
func BenchmarkDistinctIncidents(b *testing.B) { benchEach(b, senders, distinct, distinctKey) }

// BenchmarkLoneIncident is the night as it should be: one event at a time.
func BenchmarkLoneIncident(b *testing.B) { benchEach(b, 1, distinct, distinctKey) }

// BenchmarkStormOfOneKey repeats one event.
func BenchmarkStormOfOneKey(b *testing.B) {
	benchEach(b, senders, func(tx respond.Tx, _ int64) error {
		open, found, err := tx.FindOpen("int_1", "storm")
		if err != nil {
			return err
		}
		if found {
			return tx.CountAlert(open.AlertID, noon)
		}
		c := aCase("storm")
		if err := tx.Open(&c); err != nil {
			return err
		}
		return tx.AddAlert(anAlert(c))
	}, func(int64) string { return "storm" })
}

// cpu is the processor time of this process; it drifts less than the clock on
// a machine with neighbours.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
