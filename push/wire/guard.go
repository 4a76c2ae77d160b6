package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrForbidden is said of an address inside somebody's network, to which a
// stranger's URL must not lead us. Nothing was sent.
var ErrForbidden = errors.New("the address is not on the public internet, and no setting allows it")

// ErrPlain is said of an address outside the operator's own networks, to which
// nothing goes in the clear. Nothing was sent.
var ErrPlain = errors.New("without TLS only the networks that a setting allows are reached")

// Guard refuses connections to addresses that are not on the public internet.
// URLs that people register would otherwise let them reach, by our hand, the
// databases and metadata services beside this machine (SSRF).
//
// It judges the address that is dialed, after the name was resolved, so a name
// that answers differently the second time (DNS rebinding) gains nothing.
type Guard struct {
	// Allow are networks of the operator's own that are let through all the same.
	Allow []netip.Prefix
	// Only lets nothing but those through: for what is not encrypted.
	Only bool
}

// notPublic are the networks that are no part of the public internet, or that
// carry another address inside, beside those netip knows by itself. From the
// IANA special-purpose registries (RFC 6890).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("::/96"),           // IPv4-compatible
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4-translated
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64 of a local network
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4
	netip.MustParsePrefix("3fff::/20"),       // documentation
	netip.MustParsePrefix("5f00::/16"),       // segment routing
	netip.MustParsePrefix("fec0::/10"),       // site-local, long deprecated
}

// Check refuses an address that must not be dialed, with [ErrForbidden] or
// [ErrPlain].
func (g Guard) Check(a netip.Addr) error {
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	within := func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) }
	switch {
	case slices.ContainsFunc(g.Allow, within):
		return nil
	case g.Only:
		return fmt.Errorf("%s: %w", a, ErrPlain)
	case !a.IsGlobalUnicast(), a.IsPrivate(), a.Zone() != "", slices.ContainsFunc(notPublic, within):
		return fmt.Errorf("%s: %w", a, ErrForbidden)
	}
	return nil
}

// Control is for a [net.Dialer]: it sees each address just before the
// connection to it is made.
func (g Guard) Control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrForbidden)
	}
	return g.Check(at.Addr())
}

// Dial connects like [net.Dialer.DialContext], but to no forbidden address.
// Failures are a [*DialError].
func (g Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{KeepAlive: 15 * time.Second, Control: g.Control}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, &DialError{address, err}
	}
	return c, nil
}

// Client is an HTTP client for other people's URLs: guarded, without proxy
// (which would dial what we may not), and following no redirect. conns bounds
// the connections to one host. Answers are read with [AnswerLimit].
func (g Guard) Client(config *tls.Config, timeout time.Duration, conns int) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:            g.Dial,
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    timeout,
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: AnswerLimit,
			MaxConnsPerHost:        conns,
			MaxIdleConns:           4 * conns,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // a small answer must not become a large one
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
