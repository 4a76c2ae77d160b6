package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

func person(n int) auth.User {
	return auth.User{
		ID: fmt.Sprintf("usr_%02d", n), Email: fmt.Sprintf("p%d@example.com", n), Name: "P", Role: auth.Responder,
		TimeZone: "UTC", CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// BenchmarkSettle: 20 phones ring, one acknowledgement; from its commit (the
// moment in the incident, which is a little earlier) to the last of the 20
// settle requests at the providers, without latency of theirs.
func BenchmarkSettle(b *testing.B) {
	each(b, func(b *testing.B, s *stage.Stage, _ *stage.Node) {
		phones := []pushtest.Device{s.Phones["ana"]}
		for len(phones) < 20 {
			phones = append(phones, s.Phone("ana", []push.Provider{push.APNs, push.FCM}[len(phones)%2]))
		}
		const rounds = 30
		var took []time.Duration
		for round := range rounds {
			s.Trigger(fmt.Sprintf("settle-%d", round), "Checkout is down")
			arrived(b, s, phones, 2*round+1)
			var page struct{ Items []incident.Snapshot }
			s.Call("GET", "/v1/incidents?status=triggered", s.Token("ana"), nil, &page)
			recorded(s, page.Items[0].ID, len(phones))
			var acted struct{ Incident incident.Snapshot }
			s.Call("POST", "/v1/incidents/"+page.Items[0].ID+"/acknowledge", s.Token("ana"), nil, &acted)
			last := arrived(b, s, phones, 2*round+2)
			took = append(took, last.Sub(*acted.Incident.AcknowledgedAt))
		}
		b.ReportMetric(ms(quantile(took, .5)), "p50-ms-to-last-settle")
		b.ReportMetric(ms(quantile(took, 1)), "max-ms-to-last-settle")
		b.ReportMetric(0, "ns/op")
	})
}

// recorded waits until the answers of n pages are written down: a page that is
// acknowledged before that is settled twice, to be sure.
func recorded(s *stage.Stage, incidentID string, n int) {
	for accepted := 0; accepted < n; time.Sleep(5 * time.Millisecond) {
		var page struct{ Items []incident.Entry }
		s.Call("GET", "/v1/incidents/"+incidentID+"/timeline?limit=100", s.Token("ana"), nil, &page)
		accepted = 0
		for _, e := range page.Items {
			if e.Type == incident.EntryAccepted {
				accepted++
			}
		}
	}
}

// arrived waits until each phone has got n pushes, and gives the last's moment.
func arrived(b *testing.B, s *stage.Stage, phones []pushtest.Device, n int) (last time.Time) {
	b.Helper()
	for _, d := range phones {
		got, err := s.Emulator.WaitPushes(b.Context(), d.Token, n)
		if err != nil {
			b.Fatal(err)
		}
		if at := got[n-1].At; at.After(last) {
			last = at
		}
	}
	return last
}
