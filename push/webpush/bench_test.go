//go:build unix

package webpush_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest/benchtest"
	"github.com/nightbell/nightbell/push/webpush"
)

func TestMain(m *testing.M) {
	if benchtest.Serve() {
		return
	}
	os.Exit(m.Run())
}

// page is of the usual size, about 700 bytes with its two buttons.
var page = []byte(`{"title":"db-7 is down","body":"Billing\n#4711 · critical · triggered 02:14 UTC","tag":"nb-0123456789abcdef0123456789abcdef","renotify":true,"requireInteraction":true,"silent":false,"nightbell":{"kind":"page","incident_id":"inc_01J","server":"https://nightbell.example.com","actions":{"acknowledge":"` +
	strings.Repeat("a", 200) + `","resolve":"` + strings.Repeat("b", 200) + `"}}}`)

// BenchmarkSend encrypts and sends: each push has its own key pair, so most of
// its cost is arithmetic.
func BenchmarkSend(b *testing.B) {
	for _, bb := range []struct {
		latency  time.Duration
		inFlight int
	}{{0, 100}, {0, 400}, {50 * time.Millisecond, 400}} {
		b.Run(fmt.Sprintf("latency=%s/inflight=%d", bb.latency, bb.inFlight), func(b *testing.B) {
			e := benchtest.Start(b, bb.latency)
			key, err := webpush.ParseKey(e.VAPID)
			if err != nil {
				b.Fatal(err)
			}
			s, err := webpush.New(webpush.Config{
				Key: key, Subject: "mailto:ops@example.com", Hosts: hosts(b, strings.TrimPrefix(e.WebPush, "https://")),
				AllowPrivate: true, RootCAs: e.Roots(), Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
			})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.ReportAllocs()
			benchtest.Run(b, bb.inFlight, func(i int) error {
				to := e.Browsers[i%len(e.Browsers)]
				ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
				defer cancel()
				r := s.Send(ctx, push.Message{
					App: "web", Token: to.Endpoint, Keys: to.Keys, High: true, CollapseID: "nb-0123456789abcdef0123456789abcdef",
					ExpiresAt: time.Now().Add(time.Minute), Body: page,
				})
				if r.Class != push.ClassAccepted {
					return fmt.Errorf("%+v", r)
				}
				return nil
			})
		})
	}
}
