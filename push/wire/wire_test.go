package wire_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is an HTTP/2 server that counts its connections.
type server struct {
	*httptest.Server
	conns atomic.Int32
}

func newServer(t *testing.T, streams int, h http.HandlerFunc) *server {
	t.Helper()
	s := &server{Server: httptest.NewUnstartedServer(h)}
	s.EnableHTTP2 = true
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.conns.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) pool(t *testing.T, change func(*wire.Config)) *wire.Pool {
	t.Helper()
	cfg := wire.Config{
		Address: strings.TrimPrefix(s.URL, "https://"),
		TLS:     &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12},
	}
	if change != nil {
		change(&cfg)
	}
	p := wire.New(cfg)
	t.Cleanup(p.Close)
	return p
}

func post(ctx context.Context, t *testing.T, p *wire.Pool, s *server) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestConnectionsStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                  string
		streams, conns, n, at int
	}{
		{"one connection, few streams", 10, 1, 200, 1},
		{"three connections", 10, 3, 300, 3},
		{"room enough in one", 100, 5, 20, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tt.streams, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
			// The server's limit is known only after the first exchange.
			p := s.pool(t, func(c *wire.Config) {
				c.Conns = tt.conns
				c.Proves = func(*http.Response) bool { return true }
			})
			var work sync.WaitGroup
			for range tt.n {
				work.Go(func() {
					if body, err := post(t.Context(), t, p, s); err != nil || body != "hello" {
						t.Errorf("%q %v", body, err)
					}
				})
			}
			work.Wait()
			if n := int(s.conns.Load()); n > tt.at {
				t.Errorf("%d connections, want at most %d", n, tt.at)
			}
		})
	}
}

func TestANewConnectionProvesItselfAlone(t *testing.T) {
	t.Parallel()
	var at, peak atomic.Int32
	s := newServer(t, 100, func(w http.ResponseWriter, _ *http.Request) {
		now := at.Add(1)
		defer at.Add(-1)
		for old := peak.Load(); now > old && !peak.CompareAndSwap(old, now); old = peak.Load() {
		}
		w.WriteHeader(http.StatusForbidden)
	})
	p := s.pool(t, func(c *wire.Config) { c.Proves = func(r *http.Response) bool { return r.StatusCode == http.StatusOK } })
	var work sync.WaitGroup
	for range 50 {
		work.Go(func() {
			if _, err := post(t.Context(), t, p, s); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if peak.Load() != 1 {
		t.Errorf("%d requests at once on a connection that proved nothing", peak.Load())
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := newServer(t, 100, func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-release
	})
	p := s.pool(t, func(c *wire.Config) { c.Proves = func(*http.Response) bool { return true } })
	first := make(chan error, 1)
	go func() { _, err := post(t.Context(), t, p, s); first <- err }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := post(ctx, t, p, s)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if r := wire.Failure(ctx, err); r != (push.Result{Class: push.ClassRetry, Reason: wire.ReasonTimeout}) {
		t.Errorf("%+v", r)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	go func() { <-entered }()
	if _, err := post(t.Context(), t, p, s); err != nil {
		t.Errorf("the turn of the one who gave up was lost: %v", err)
	}
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	var asked atomic.Int32
	s := newServer(t, 100, func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			close(silent)
			<-r.Context().Done()
		}
	})
	p := s.pool(t, func(c *wire.Config) { c.SuspectAfter = time.Millisecond })
	if _, err := post(t.Context(), t, p, s); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := post(ctx, t, p, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	<-silent
	if _, err := post(t.Context(), t, p, s); err != nil {
		t.Error(err)
	}
	if n := s.conns.Load(); n != 2 {
		t.Errorf("%d connections, want a second after the first went silent", n)
	}
}

func TestCloseEndsThoseWhoWait(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := newServer(t, 100, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	p := s.pool(t, func(c *wire.Config) { c.Proves = func(*http.Response) bool { return true } })
	errs := make(chan error, 2)
	go func() { _, err := post(t.Context(), t, p, s); errs <- err }()
	<-entered
	go func() { _, err := post(t.Context(), t, p, s); errs <- err }()
	p.Close()
	for range 2 {
		if err := <-errs; err == nil {
			t.Error("a request outlived the pool")
		}
	}
	if _, err := post(t.Context(), t, p, s); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAProxyIsUsed(t *testing.T) {
	t.Parallel()
	s := newServer(t, 100, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	proxy := newProxy(t)
	p := s.pool(t, func(c *wire.Config) {
		c.Proxy = func(*http.Request) (*url.URL, error) {
			return url.Parse("http://ana:secret@" + proxy.ln.Addr().String())
		}
	})
	if body, err := post(t.Context(), t, p, s); err != nil || body != "hello" {
		t.Fatalf("%q %v", body, err)
	}
	if got, want := <-proxy.asked, "CONNECT "+strings.TrimPrefix(s.URL, "https://")+" Basic YW5hOnNlY3JldA=="; got != want {
		t.Errorf("the proxy was asked %q, want %q", got, want)
	}
	refusing := s.pool(t, func(c *wire.Config) {
		c.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://" + proxy.ln.Addr().String()) }
	})
	var dial *wire.DialError
	if _, err := post(t.Context(), t, refusing, s); !errors.As(err, &dial) || !strings.Contains(err.Error(), "407") {
		t.Errorf("without a password: %v", err)
	}
	socks := s.pool(t, func(c *wire.Config) {
		c.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("socks5://127.0.0.1:1") }
	})
	if _, err := post(t.Context(), t, socks, s); err == nil || !strings.Contains(err.Error(), "not supported") {
		t.Errorf("socks: %v", err)
	}
}

// proxy is a CONNECT proxy with one user.
type proxy struct {
	ln    net.Listener
	asked chan string
	work  sync.WaitGroup
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, asked: make(chan string, 10)}
	p.work.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); p.work.Wait() })
	return p
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	r, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	auth := r.Header.Get("Proxy-Authorization")
	if auth == "" {
		_, _ = io.WriteString(c, "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
		return
	}
	p.asked <- r.Method + " " + r.Host + " " + auth
	far, err := net.Dial("tcp", r.Host)
	if err != nil {
		return
	}
	defer far.Close()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	p.work.Go(func() { _, _ = io.Copy(c, far); _ = c.Close() })
	_, _ = io.Copy(far, br)
}

func TestAServerWithoutHTTP2(t *testing.T) {
	t.Parallel()
	s := &server{Server: httptest.NewTLSServer(http.NotFoundHandler())}
	t.Cleanup(s.Close)
	p := s.pool(t, nil)
	_, err := post(t.Context(), t, p, s)
	if err == nil {
		t.Fatal("HTTP/1.1 will not do")
	}
	if r := wire.Failure(t.Context(), err); r != (push.Result{Class: push.ClassProviderDown, Reason: wire.ReasonUnreachable}) {
		t.Errorf("%+v: %v", r, err)
	}
}

// TestACallerInTheQueueOpensNoConnection: the first request proves the
// connection while others wait; who comes then joins them, and there is room
// for all.
func TestACallerInTheQueueOpensNoConnection(t *testing.T) {
	t.Parallel()
	for range 50 {
		s := newServer(t, 100, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		p := s.pool(t, func(c *wire.Config) {
			c.Conns = 5
			c.Proves = func(*http.Response) bool { return true }
		})
		var work sync.WaitGroup
		for range 40 {
			work.Go(func() { _, _ = post(t.Context(), t, p, s) })
			runtime.Gosched()
		}
		work.Wait()
		if n := s.conns.Load(); n > 1 {
			t.Fatalf("%d connections, where one had room", n)
		}
	}
}
