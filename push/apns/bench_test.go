package apns_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/token"
	"golang.org/x/net/http2"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/pushtest/benchtest"
)

func benchEmulator() bool { return benchtest.Serve() }

// page is of the usual size, about 330 bytes.
var page = []byte(`{"aps":{"alert":{"title":"db-7 is down","subtitle":"Billing","body":"#4711 · critical · triggered 02:14 UTC"},"sound":{"critical":1,"name":"default","volume":1},"interruption-level":"critical","thread-id":"inc_01J"},"nightbell":{"kind":"page","incident_id":"inc_01J","delivery_id":"dlv_01J","server":"https://nightbell.example.com"}}`)

func BenchmarkSend(b *testing.B) {
	for _, bb := range []struct {
		latency  time.Duration
		inFlight int
		plain    bool
	}{
		{0, 100, false}, {0, 500, false}, {0, 500, true}, {50 * time.Millisecond, 500, false}, {50 * time.Millisecond, 900, false},
	} {
		b.Run(fmt.Sprintf("latency=%s/inflight=%d/plain=%t", bb.latency, bb.inFlight, bb.plain), func(b *testing.B) {
			e := benchtest.Start(b, bb.latency)
			cfg := apns.Config{
				Apps:      []apns.App{{Name: "ios", Topic: benchtest.Bundle, TeamID: e.App.TeamID, KeyID: e.App.KeyID, KeyPEM: []byte(e.App.KeyPEM)}},
				Endpoints: map[string]string{apns.Production: e.APNs}, RootCAs: e.Roots(), MaxInFlight: bb.inFlight,
			}
			if bb.plain {
				cfg.PlainWrites()
			}
			s, err := apns.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			benchtest.Run(b, bb.inFlight, func(i int) error {
				m := push.Message{
					UUID: uuid.NewString(), App: "ios", Token: e.IOS[i%len(e.IOS)], High: true, CollapseID: "nb-0123456789abcdef0123456789abcdef",
					ExpiresAt: time.Now().Add(time.Minute), Body: page,
				}
				ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
				defer cancel()
				if r := s.Send(ctx, m); r.Class != push.ClassAccepted {
					return fmt.Errorf("%+v", r)
				}
				return nil
			})
		})
	}
}

// BenchmarkBareLibrary is apns2 as shipped, with only the endpoint and the
// roots changed, for the ratio.
func BenchmarkBareLibrary(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run(fmt.Sprintf("latency=%s/inflight=500", latency), func(b *testing.B) { bareLibrary(b, latency) })
	}
}

func bareLibrary(b *testing.B, latency time.Duration) {
	e := benchtest.Start(b, latency)
	key, err := token.AuthKeyFromBytes([]byte(e.App.KeyPEM))
	if err != nil {
		b.Fatal(err)
	}
	c := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: e.App.KeyID, TeamID: e.App.TeamID})
	c.Host = e.APNs
	c.HTTPClient.Transport.(*http2.Transport).DialTLS = nil                                                                   //nolint:staticcheck // what apns2 ships with
	c.HTTPClient.Transport.(*http2.Transport).TLSClientConfig = &tls.Config{RootCAs: e.Roots(), MinVersion: tls.VersionTLS12} //nolint:staticcheck // what apns2 ships with
	defer c.CloseIdleConnections()
	b.ReportAllocs()
	benchtest.Run(b, 500, func(i int) error {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		r, err := c.PushWithContext(ctx, &apns2.Notification{
			ApnsID: uuid.NewString(), DeviceToken: e.IOS[i%len(e.IOS)], Topic: benchtest.Bundle, Priority: 10,
			CollapseID: "nb-0123456789abcdef0123456789abcdef", Expiration: time.Now().Add(time.Minute), Payload: page,
		})
		if err != nil || !r.Sent() {
			return fmt.Errorf("%+v %w", r, err)
		}
		return nil
	})
}
