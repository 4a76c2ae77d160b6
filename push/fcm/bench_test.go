package fcm_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/fcm"
	"github.com/nightbell/nightbell/push/pushtest/benchtest"
)

func benchEmulator() bool { return benchtest.Serve() }

// page is of the usual size.
var page = map[string]string{
	"kind": "page", "title": "db-7 is down", "subtitle": "Billing", "body": "#4711 · critical · triggered 02:14 UTC",
	"incident_id": "inc_01J", "delivery_id": "dlv_01J", "server": "https://nightbell.example.com", "level": "time-sensitive",
	"collapse_id": "nb-0123456789abcdef0123456789abcdef",
}

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
			cfg := fcm.Config{
				Apps:    []fcm.App{{Name: "android", ServiceAccountJSON: e.Account, Endpoint: e.FCM}},
				RootCAs: e.Roots(), MaxInFlight: bb.inFlight,
			}
			if bb.plain {
				cfg.PlainWrites()
			}
			s, err := fcm.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			benchtest.Run(b, bb.inFlight, func(i int) error {
				m := push.Message{Kind: push.Page, App: "android", Token: e.Android[i%len(e.Android)], High: true, ExpiresAt: time.Now().Add(time.Minute), Data: page}
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

// BenchmarkBareLibrary is firebase as shipped, with only the endpoint changed,
// for the ratio.
func BenchmarkBareLibrary(b *testing.B) {
	e := benchtest.Start(b, 0)
	// Its transport trusts the system's authorities, read at the first use.
	roots := filepath.Join(b.TempDir(), "ca.pem")
	if err := os.WriteFile(roots, e.CA, 0o600); err != nil {
		b.Fatal(err)
	}
	b.Setenv("SSL_CERT_FILE", roots)
	fb, err := firebase.NewApp(b.Context(), &firebase.Config{ProjectID: benchtest.Project},
		option.WithAuthCredentialsJSON(option.ServiceAccount, e.Account), option.WithEndpoint(e.FCM+"/v1"))
	if err != nil {
		b.Fatal(err)
	}
	client, err := fb.Messaging(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	ttl := time.Minute
	// Above 100 in flight it opens connections without end.
	b.Run("inflight=100", func(b *testing.B) {
		b.ReportAllocs()
		benchtest.Run(b, 100, func(i int) error {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
			defer cancel()
			_, err := client.Send(ctx, &messaging.Message{
				//nolint:staticcheck // tokens are what phones have today
				Token: e.Android[i%len(e.Android)], Data: page, Android: &messaging.AndroidConfig{Priority: "high", TTL: &ttl},
			})
			return err
		})
	})
}
