package push

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/meter"
)

// sink is a database that takes everything and a provider that says yes.
type sink struct {
	recorded chan int
	latency  time.Duration
}

func (s sink) Claim(context.Context, time.Time, int, time.Time) ([]Job, error) { return nil, nil }
func (s sink) NextDue(context.Context) (time.Time, bool, error)                { return time.Time{}, false, nil }
func (s sink) Release(context.Context, []string) error                         { return nil }

func (s sink) Record(_ context.Context, outcomes []Outcome) error {
	for _, o := range outcomes {
		_ = o.Apply(o.Job.Delivery, o.Job.Device)
	}
	s.recorded <- len(outcomes)
	return nil
}

func (s sink) Send(context.Context, Message) Result {
	if s.latency > 0 {
		time.Sleep(s.latency)
	}
	return yes
}

// BenchmarkPipeline is the pipeline's own share: compose, lanes, recording,
// with a provider that answers at once or after 50 ms.
func BenchmarkPipeline(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run(fmt.Sprint("latency=", latency), func(b *testing.B) {
			s := sink{recorded: make(chan int, 1024), latency: latency}
			p := NewPipeline(Config{
				Store: s, Senders: map[Provider]Sender{APNs: s, FCM: s}, Signer: signer{length: 500},
				BaseURL: "https://bell.example", MaxWaiting: 1 << 20, Meter: meter.New(),
			})
			go func() { _ = p.Run(context.Background()) }()
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += 2 {
				p.Submit([]Job{benchJob(APNs), benchJob(FCM)})
			}
			for n := 0; n < b.N; {
				n += <-s.recorded
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			if err := p.Stop(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func benchJob(p Provider) Job {
	now := time.Now()
	return paged(p, func(j *Job) {
		j.Delivery.ID = id.New(id.Delivery)
		j.Delivery.CreatedAt, j.Delivery.LeaseUntil, j.Delivery.ExpiresAt = now, now.Add(30*time.Second), now.Add(time.Hour)
		j.Delivery.State, j.Content.Status = Scheduled, incident.Triggered
	})
}
