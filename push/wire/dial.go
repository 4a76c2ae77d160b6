package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrNotHTTP2 says that the server speaks nothing newer than HTTP/1.1.
var ErrNotHTTP2 = errors.New("the server does not speak HTTP/2")

// noCommonProtocol is crypto/tls's word for the alert no_application_protocol
// (RFC 7301, 3.2), which has no value that could be compared. A test against a
// real server fails if it changes.
const noCommonProtocol = "tls: no application protocol"

// DialError is a connection that could not be opened. Nothing was sent.
type DialError struct {
	Address string
	Err     error
}

// Error names the address and the cause.
func (e *DialError) Error() string {
	return fmt.Sprintf("connecting to %s: %v", e.Address, e.Err)
}

// Unwrap gives the cause.
func (e *DialError) Unwrap() error { return e.Err }

// open dials one connection and speaks HTTP/2 on it.
func (p *Pool) open(ctx context.Context) (*http.ClientConn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.DialTimeout)
	defer cancel()
	cc, err := p.transport.NewClientConn(ctx, "https", p.cfg.Address)
	if err != nil {
		return nil, &DialError{p.cfg.Address, err}
	}
	return cc, nil
}

// newTransport makes the factory of connections. Its own pool is never used.
//
// The TLS handshake is ours, so that writes can be coalesced above it; the
// transport then sees a connection that is no *tls.Conn and, told to speak
// HTTP/2 with prior knowledge only, does so. ALPN is checked in dialTLS.
func newTransport(cfg Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	var stall time.Duration // the coalescer has its own
	if cfg.PlainWrites {
		stall = coalesceStall
	}
	return &http.Transport{
		Protocols:          protocols,
		DisableCompression: true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  cfg.PingAfter,
			PingTimeout:      cfg.PingTimeout,
			WriteByteTimeout: stall,
		},
		DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return dialTLS(ctx, cfg, addr)
		},
	}
}

func dialTLS(ctx context.Context, cfg Config, addr string) (net.Conn, error) {
	raw, err := dialRaw(ctx, cfg, addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, tlsFor(cfg.TLS, addr))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if strings.HasSuffix(err.Error(), noCommonProtocol) {
			return nil, fmt.Errorf("%w (%s refused it)", ErrNotHTTP2, addr)
		}
		return nil, err
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
		_ = conn.Close()
		return nil, fmt.Errorf("%w (%s chose %q)", ErrNotHTTP2, addr, got)
	}
	if cfg.PlainWrites {
		// Hides the *tls.Conn, or the transport would ask for ALPN itself.
		return struct{ net.Conn }{conn}, nil
	}
	return Coalesce(conn), nil
}

func tlsFor(base *tls.Config, addr string) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		cfg = base.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _, _ = net.SplitHostPort(addr)
	}
	cfg.NextProtos = []string{"h2"}
	return cfg
}

// dialRaw reaches addr, through the HTTPS proxy when there is one.
func dialRaw(ctx context.Context, cfg Config, addr string) (net.Conn, error) {
	proxy, err := proxyFor(cfg, addr)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return cfg.Dial(ctx, "tcp", addr)
	}
	dialer := &net.Dialer{KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", proxyAddress(proxy))
	if err != nil {
		return nil, fmt.Errorf("reaching the proxy %s: %w", proxy.Host, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := connect(conn, proxy, addr); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("going through the proxy %s: %w", proxy.Host, err)
	}
	return conn, nil
}

func proxyFor(cfg Config, addr string) (*url.URL, error) {
	if cfg.Proxy == nil {
		return nil, nil
	}
	u, err := cfg.Proxy(&http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: addr}})
	if err != nil || u == nil {
		return nil, err
	}
	if u.Scheme != "http" {
		return nil, fmt.Errorf("the proxy %s://%s is not supported; use an http:// proxy", u.Scheme, u.Host)
	}
	return u, nil
}

func proxyAddress(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

// connect asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).
func connect(conn net.Conn, proxy *url.URL, addr string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		pair := proxy.User.Username() + ":" + password
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	// The far side speaks only after us, so this reader cannot swallow its bytes.
	resp, err := http.ReadResponse(bufio.NewReader(conn), req) //nolint:bodyclose // what follows is the tunnel, not a body
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New("it answered " + resp.Status)
	}
	return nil
}
