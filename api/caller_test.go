package api

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestOnlyOurProxiesSayWhereARequestCameFrom: the limits on sign-ins count by
// this address, so nobody may choose it.
func TestOnlyOurProxiesSayWhereARequestCameFrom(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tc := range []struct {
		name, peer string
		said       []string
		want       string
	}{
		{"no proxy", "192.0.2.1:40", nil, "192.0.2.1"},
		{"a stranger's claim", "192.0.2.1:40", []string{"203.0.113.9"}, "192.0.2.1"},
		{"our proxy", "10.0.0.7:40", []string{"203.0.113.9"}, "203.0.113.9"},
		{"our proxy, mapped", "[::ffff:10.0.0.7]:40", []string{"203.0.113.9"}, "203.0.113.9"},
		{"a claim before our proxy", "10.0.0.7:40", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"two of ours", "10.0.0.7:40", []string{"198.51.100.1, 203.0.113.9, 10.0.0.8"}, "203.0.113.9"},
		{"two headers", "10.0.0.7:40", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		{"our proxy says nothing", "10.0.0.7:40", nil, "10.0.0.7"},
		{"our proxy says nonsense", "10.0.0.7:40", []string{"203.0.113.9, unknown"}, "10.0.0.7"},
		{"a request of our own", "10.0.0.7:40", []string{"10.0.0.9"}, "10.0.0.9"},
		{"a network of IPv6", "[fd00::7]:40", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		{"no address at all", "@", []string{"203.0.113.9"}, "@"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/sessions", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tc.peer, tc.said
		if got := origin(r, proxies); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}
