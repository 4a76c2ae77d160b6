package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push/wire"
)

func TestTheGuardKnowsWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	refused := []string{
		"127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::", "0.1.2.3", // this machine
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1", // private
		"169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1", // link-local: the metadata service
		"100.64.0.1", "100.127.255.255", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9",
		"224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1", // IPv4 in disguise
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1", "3fff::1",
	}
	for _, a := range refused {
		if err := (wire.Guard{}).Check(netip.MustParseAddr(a)); !errors.Is(err, wire.ErrForbidden) {
			t.Errorf("%s: %v, want it refused", a, err)
		}
	}
	for _, a := range []string{"1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"} {
		if err := (wire.Guard{}).Check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v, want it let through", a, err)
		}
	}
}

func TestTheOperatorsNetworksAreLetThrough(t *testing.T) {
	t.Parallel()
	g := wire.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for a, allowed := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "fd00::5": true, "fc00::5": false} {
		if err := g.Check(netip.MustParseAddr(a)); (err == nil) != allowed {
			t.Errorf("%s: %v, want allowed %v", a, err, allowed)
		}
	}
}

func TestTheClientDialsNoForbiddenAddress(t *testing.T) {
	t.Parallel()
	reached := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			reached++
			return
		}
		http.Redirect(w, r, "/away", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	get := func(g wire.Guard, url string) (int, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.Client(nil, 10*time.Second, 2).Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	port := srv.URL[len("http://127.0.0.1"):]
	for _, url := range []string{srv.URL, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port} {
		var dial *wire.DialError
		if _, err := get(wire.Guard{}, url); !errors.As(err, &dial) || !errors.Is(err, wire.ErrForbidden) {
			t.Errorf("%s: %v, want it refused before it is dialed", url, err)
		}
	}
	allowed := wire.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	status, err := get(allowed, srv.URL)
	if err != nil || status != http.StatusTemporaryRedirect || reached != 0 {
		t.Errorf("%d, %v, the redirect was followed %d times; want 307, not followed", status, err, reached)
	}
}
