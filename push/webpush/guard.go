package webpush

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// maxEndpoint is longer than any push service's address; they have 150 to 600
// bytes.
const maxEndpoint = 2048

// Hosts is where pushes may go: the browsers' push services, and what the
// operator allowed beside them.
type Hosts struct{ extra []extraHost }

// extraHost is one more allowed host: an exact one, or with all beneath it.
type extraHost struct {
	host    string // without the leading dot
	port    string // "443" unless named
	beneath bool   // its subdomains, and not the host itself
}

// ParseHosts reads the operator's additions: push.example.com, or
// *.push.example.com for what is beneath it, with :port where it is not 443.
func ParseHosts(extra []string) (Hosts, error) {
	var h Hosts
	for _, text := range extra {
		host, port := text, "443"
		if before, after, ok := strings.Cut(text, ":"); ok {
			host, port = before, after
		}
		host, beneath := strings.CutPrefix(strings.ToLower(host), "*.")
		if !isHost(host) || !isPort(port) {
			return Hosts{}, fault.New(fault.Invalid, "bad_host", "%q is not a host; write push.example.com, *.push.example.com or push.example.com:8443", text)
		}
		h.extra = append(h.extra, extraHost{host, port, beneath})
	}
	return h, nil
}

func isPort(s string) bool {
	at, err := netip.ParseAddrPort("127.0.0.1:" + s)
	return err == nil && at.Port() > 0 && at.String() == "127.0.0.1:"+s
}

// isHost takes plain names and IPv4 addresses as they are usually written.
// Everything stranger (other alphabets, escapes, brackets, a dot at the end)
// is spelled by nobody but those who look for a gap.
func isHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// target is where an endpoint points.
type target struct {
	url      *url.URL
	address  string // host:port to dial
	audience string // the origin, as VAPID names it
}

// Check refuses an address that is not a push service's (fault.Invalid), and
// gives it in the one spelling under which it is kept.
func (h Hosts) Check(endpoint string) (string, error) {
	t, err := h.parse(endpoint)
	if err != nil {
		return "", err
	}
	return t.url.String(), nil
}

func (h Hosts) parse(endpoint string) (target, error) {
	bad := func(format string, args ...any) (target, error) {
		return target{}, fault.Field("token", "bad_endpoint", format+"; send the endpoint of the browser's PushSubscription", args...)
	}
	if len(endpoint) > maxEndpoint {
		return bad("the endpoint has %d bytes, and no push service's has more than %d", len(endpoint), maxEndpoint)
	}
	for i := range len(endpoint) {
		if c := endpoint[i]; c <= ' ' || c > '~' || c == '\\' {
			return bad("the endpoint holds a character that no address has")
		}
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil, u.Opaque != "":
		return bad("the endpoint is not an address")
	case u.Scheme != "https":
		return bad("the endpoint must begin with https://")
	case u.User != nil:
		return bad("the endpoint names a user, and no push service's does")
	case u.Fragment != "" || strings.Contains(endpoint, "#"):
		return bad("the endpoint has a fragment (#), and no push service's does")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		port = "443"
	}
	if !isHost(host) || !isPort(port) || u.Host != "" && strings.HasSuffix(u.Host, ":") || !h.allows(host, port) {
		return bad("%s is not a push service that this server pushes to (its operator may add it to push.webpush.extra_hosts)", shown(u.Host))
	}
	u.Host = host
	if port != "443" {
		u.Host = net.JoinHostPort(host, port)
	}
	return target{u, net.JoinHostPort(host, port), "https://" + u.Host}, nil
}

// shown is a host fit for a sentence.
func shown(host string) string {
	if host == "" {
		return "an address without a host"
	}
	return host[:min(len(host), 80)]
}

// allows compares whole labels of a parsed host, never a part of the text.
func (h Hosts) allows(host, port string) bool {
	if port == "443" && slices.ContainsFunc(push.WebPushServices, func(s push.WebPushService) bool { return s.Serves(host) }) {
		return true
	}
	return slices.ContainsFunc(h.extra, func(e extraHost) bool {
		if port != e.port {
			return false
		}
		if e.beneath {
			return strings.HasSuffix(host, "."+e.host)
		}
		return host == e.host
	})
}

// guardedDial connects to public addresses only.
func guardedDial(resolver *net.Resolver) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{KeepAlive: 15 * time.Second, Resolver: resolver, Control: wire.Guard{}.Control}
	return d.DialContext
}
