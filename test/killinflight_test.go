package test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

// Five teams' keys in two environments: ten connections of 500 pushes each.
// Ana and Ben have two phones on each of them.
const (
	teams        = 5
	phonesEach   = 2 * 2 * teams
	onTheWire    = 5000
	storm        = onTheWire / (2 * phonesEach)
	beforeAnyEnd = 4 * time.Second // less than a send's deadline, which is half of the lease
)

var bothAtOnce = fmt.Sprintf(`
users:
  - {name: Ana, email: ana@example.com, role: admin, password: %[1]q}
  - {name: Ben, email: ben@example.com, password: %[1]q}
policies: [{name: Default, loops: 0, levels: [{delay: 1h, targets: [{user: ana@example.com}, {user: ben@example.com}]}]}]
services: [{name: Checkout, policy: Default}]
integrations: [{name: Prometheus, service: Checkout, routing_key: %[2]s}]
`, stage.Password, stage.RoutingKey)

// TestKilledWithFiveThousandInFlight kills the process while 5,000 pages have
// reached phones and no answer has come back: the worst moment there is. None
// may be lost, and since nobody knows what arrived each is sent once more, by
// the same name, which the app drops.
func TestKilledWithFiveThousandInFlight(t *testing.T) {
	each(t, func(t *testing.T, db modelstest.Place) {
		s := stage.New(t, db, stage.Options{Setup: bothAtOnce, Lease: 10 * time.Second})
		node := s.Start("")
		phones := fiveTeams(t, s)
		s.Trigger("first", "Opens the connections")
		for _, d := range phones {
			if _, err := s.Emulator.WaitPushes(soon(t), d.Token, 1); err != nil {
				t.Fatal(err)
			}
		}

		s.Emulator.Inject(pushtest.Fault{Provider: push.APNs, Hang: true, Deliver: true})
		before := s.Emulator.Accepted(push.APNs)
		var next, promised atomic.Int64
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				for k := next.Add(1); k <= storm; k = next.Add(1) {
					if s.Event("trigger", fmt.Sprintf("storm-%d", k), "Storm") == nil {
						promised.Add(1)
					}
				}
			})
		}
		wait, cancel := context.WithTimeout(t.Context(), beforeAnyEnd)
		defer cancel()
		_ = s.Emulator.Wait(wait, func() bool { return s.Emulator.Accepted(push.APNs)-before >= onTheWire }) // a slow machine kills fewer
		node.Kill()
		inFlight := s.Emulator.Accepted(push.APNs) - before
		senders.Wait()
		s.Emulator.Clear()
		s.Start("")

		pages := int(promised.Load()) * len(phones)
		err := s.Emulator.Wait(soon(t), func() bool { return s.Emulator.Accepted(push.APNs)-before >= inFlight+max(pages, inFlight) })
		c := count(s, phones)
		t.Logf("killed with %d pages in flight, of %d promised; afterwards %d distinct pages, %d of them sent twice, none oftener than %d times",
			inFlight, pages, c.distinct, c.repeated, c.most)
		switch {
		case inFlight == 0:
			t.Error("nothing was in flight; the test proves nothing")
		case c.distinct < pages:
			t.Errorf("%d pages are lost: %v", pages-c.distinct, err)
		case c.most > 2:
			t.Errorf("a page was sent %d times, want at most twice", c.most)
		}
	})
}

// counts is what the phones got of the storm.
type counts struct{ distinct, repeated, most int }

func count(s *stage.Stage, phones []pushtest.Device) (c counts) {
	for _, d := range phones {
		times := map[string]int{}
		for _, p := range s.Emulator.Received(d.Token)[1:] { // without the first event's
			times[p.ID]++
		}
		for _, n := range times {
			c.distinct++
			if n > 1 {
				c.repeated++
			}
			c.most = max(c.most, n)
		}
	}
	return c
}

// fiveTeams sets up the apps through the API and registers Ana's phones.
func fiveTeams(t *testing.T, s *stage.Stage) (phones []pushtest.Device) {
	t.Helper()
	for i := range teams {
		name := fmt.Sprintf("team-%d", i)
		app, err := s.Emulator.NewAPNsTeam("com.example." + name)
		if err != nil {
			t.Fatal(err)
		}
		s.Call("POST", "/v1/push/apps", s.Token("ana"), map[string]any{
			"provider": "apns", "name": name, "bundle_id": app.BundleID, "team_id": app.TeamID, "key_id": app.KeyID, "key": app.KeyPEM,
		}, nil)
		for n := range 2 * phonesEach / teams {
			d := pushtest.Device{Provider: push.APNs, App: app.BundleID, Environment: []string{pushtest.Production, pushtest.Sandbox}[n%2]}
			if d.Token = fmt.Sprintf("%064x", len(phones)+1); s.Emulator.AddDevice(d) != nil {
				t.Fatalf("the emulator does not take %+v", d)
			}
			s.Call("POST", "/v1/devices", s.Token([]string{"ana", "ben"}[n*teams/phonesEach]), map[string]any{
				"platform": "ios", "provider": "apns", "app": name, "environment": d.Environment, "token": d.Token,
			}, nil)
			phones = append(phones, d)
		}
	}
	return phones
}
