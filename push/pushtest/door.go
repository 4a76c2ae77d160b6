package pushtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// doorKind says what a listener serves.
type doorKind struct {
	name    string
	streams int  // concurrent streams a new HTTP/2 connection may have
	h1      bool // whether HTTP/1.1 is spoken too
	handler func(*call)
}

// door is one listener with its connections.
type door struct {
	kind doorKind
	ln   net.Listener
	tls  *tls.Config
	h1   *http.Server
	feed chan net.Conn // HTTP/1.1 connections on their way to h1
	work sync.WaitGroup
	ctx  context.Context // ends with close
	stop context.CancelFunc

	mu     sync.Mutex
	closed bool
	raw    map[net.Conn]*h2conn // every connection; nil while it shakes hands
	opened int
}

func openDoor(addr string, kind doorKind, a *authority, control http.Handler) (*door, error) {
	d, err := listen(addr, kind)
	if err != nil {
		return nil, err
	}
	protocols := []string{"h2"}
	if kind.h1 {
		protocols = append(protocols, "http/1.1")
		d.h1 = newH1(h1Handler(kind.handler, control))
		d.work.Go(func() { _ = d.h1.Serve(feedListener{d}) })
	}
	d.tls = &tls.Config{Certificates: []tls.Certificate{a.leaf}, NextProtos: protocols, MinVersion: tls.VersionTLS12}
	d.work.Go(d.accept)
	return d, nil
}

func openPlainDoor(addr string, control http.Handler) (*door, error) {
	d, err := listen(addr, doorKind{name: "control"})
	if err != nil {
		return nil, err
	}
	d.h1 = newH1(control)
	d.work.Go(func() { _ = d.h1.Serve(d.ln) })
	return d, nil
}

func newH1(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
}

func listen(addr string, kind doorKind) (*door, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", addr) // listening does not block
	if err != nil {
		return nil, fmt.Errorf("the push emulator cannot listen on %s (%s); choose another address or stop what uses it: %w", addr, kind.name, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &door{kind: kind, ln: ln, ctx: ctx, stop: stop, feed: make(chan net.Conn), raw: map[net.Conn]*h2conn{}}, nil
}

func (d *door) addr() string { return d.ln.Addr().String() }

func (d *door) accept() {
	for {
		raw, err := d.ln.Accept()
		if err != nil {
			return // closed
		}
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			_ = raw.Close()
			return
		}
		d.raw[raw] = nil
		d.opened++
		d.work.Go(func() { d.serve(raw) })
		d.mu.Unlock()
	}
}

func (d *door) serve(raw net.Conn) {
	conn := tls.Server(raw, d.tls)
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	err := conn.HandshakeContext(ctx)
	cancel()
	switch {
	case err != nil:
		_ = raw.Close()
	case conn.ConnectionState().NegotiatedProtocol == "h2":
		d.serveH2(raw, conn)
	case d.h1 != nil:
		select {
		case d.feed <- conn:
		case <-d.ctx.Done():
			_ = raw.Close()
		}
	default:
		_ = conn.Close() // Apple speaks HTTP/2 only
	}
	d.mu.Lock()
	delete(d.raw, raw)
	d.mu.Unlock()
}

func (d *door) serveH2(raw net.Conn, conn *tls.Conn) {
	h2 := newH2(conn, d.kind.streams, d.kind.handler)
	d.mu.Lock()
	d.raw[raw] = h2
	d.mu.Unlock()
	h2.serve()
}

// each calls f for every living HTTP/2 connection.
func (d *door) each(f func(*h2conn)) {
	d.mu.Lock()
	var all []*h2conn
	for _, c := range d.raw {
		if c != nil {
			all = append(all, c)
		}
	}
	d.mu.Unlock()
	for _, c := range all {
		f(c)
	}
}

func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	for raw := range d.raw {
		_ = raw.Close()
	}
	d.mu.Unlock()
	d.stop()
	_ = d.ln.Close()
	if d.h1 != nil {
		_ = d.h1.Close()
	}
	d.work.Wait()
}

// feedListener hands the door's HTTP/1.1 connections to net/http.
type feedListener struct{ d *door }

// Accept waits for the next connection.
func (l feedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.d.feed:
		return c, nil
	case <-l.d.ctx.Done():
		return nil, errors.New("the emulator is closed")
	}
}

// Close does nothing: the door closes its own listener.
func (l feedListener) Close() error { return nil }

// Addr is the door's.
func (l feedListener) Addr() net.Addr { return l.d.ln.Addr() }
