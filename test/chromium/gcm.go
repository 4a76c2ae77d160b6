//go:build chromium

package chromium

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// pushHosts are the names a Chromium may give its push service.
var pushHosts = []string{"fcm.googleapis.com", "jmt17.google.com"}

// registered is a subscription as Chromium registered it.
type registered struct {
	category string // the "app" of the form
	subtype  string // the web app: page and worker
	sender   string // the public key it subscribed with
}

// sent is a push as it arrived, before it was relayed.
type sent struct {
	header http.Header
	body   []byte
}

// gcm stands in for Google's push service, both sides of it.
type gcm struct {
	t    *testing.T
	cert tls.Certificate
	leaf *x509.Certificate
	web  *httptest.Server // check-in and registration, plain
	push *httptest.Server // where pushes are sent to
	mcs  net.Listener
	work sync.WaitGroup

	mu       sync.Mutex
	tokens   map[string]registered
	conns    []net.Conn
	online   net.Conn // the latest that logged in
	stream   uint64
	got      []sent
	waiting  [][]byte // for a browser that has not logged in
	requests []string
}

func startGCM(t *testing.T) *gcm {
	t.Helper()
	g := &gcm{t: t, tokens: map[string]registered{}}
	g.cert, g.leaf = certificate(t)
	g.web = httptest.NewServer(http.HandlerFunc(g.serveWeb))
	g.push = httptest.NewUnstartedServer(http.HandlerFunc(g.servePush))
	g.push.TLS = &tls.Config{Certificates: []tls.Certificate{g.cert}}
	g.push.EnableHTTP2 = true
	g.push.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	g.push.StartTLS()
	var err error
	if g.mcs, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{g.cert}}); err != nil {
		t.Fatal(err)
	}
	g.work.Go(g.accept)
	t.Cleanup(g.close)
	return g
}

func (g *gcm) close() {
	_ = g.mcs.Close()
	g.mu.Lock()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.work.Wait()
	g.web.CloseClientConnections()
	g.web.Close()
	g.push.CloseClientConnections()
	g.push.Close()
}

// certificate is good for the push service's names and for this machine.
func certificate(t *testing.T) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Nightbell's stand-in for GCM"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, DNSNames: append([]string{"localhost"}, pushHosts...), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, leaf
}

func (g *gcm) caPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.leaf.Raw})
}

// spki is how Chromium is told to trust the certificate.
func (g *gcm) spki() string {
	sum := sha256.Sum256(g.leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// dial leads the push service's names to the stand-in.
func (g *gcm) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, _, _ := net.SplitHostPort(address); slices.Contains(pushHosts, host) {
		address = g.push.Listener.Addr().String()
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// serveWeb answers check-in (AndroidCheckinResponse) and registration.
func (g *gcm) serveWeb(w http.ResponseWriter, r *http.Request) {
	g.note(r.Method + " " + r.URL.Path)
	switch r.URL.Path {
	case "/checkin":
		w.Header().Set("Content-Type", "application/x-protobuffer")
		_, _ = w.Write(slices.Concat(
			number(1, 1), number(3, uint64(time.Now().UnixMilli())), text(4, "1-nightbell"),
			fixed(7, 4711), fixed(8, 815), // android_id and security_token
		))
	case "/register":
		if err := r.ParseForm(); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var b [20]byte
		_, _ = rand.Read(b[:])
		token := "dQw4w9WgXcQ:APA91b" + hex.EncodeToString(b[:])
		g.mu.Lock()
		g.tokens[token] = registered{r.PostForm.Get("app"), r.PostForm.Get("X-subtype"), r.PostForm.Get("sender")}
		g.mu.Unlock()
		_, _ = io.WriteString(w, "token="+token)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// servePush is the push service's address: what comes is relayed as it is.
func (g *gcm) servePush(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<10))
	g.mu.Lock()
	defer g.mu.Unlock()
	to, known := g.tokens[token]
	switch {
	case err != nil || !slices.Contains(pushHosts, r.Host):
		w.WriteHeader(http.StatusBadRequest)
		return
	case !known:
		w.WriteHeader(http.StatusGone)
		return
	}
	g.got = append(g.got, sent{r.Header.Clone(), body})
	g.stream++
	g.waiting = append(g.waiting, slices.Concat(
		text(3, to.sender), text(5, to.category),
		text(7, slices.Concat(text(1, "subtype"), text(2, to.subtype))),
		text(7, slices.Concat(text(1, "content-encoding"), text(2, r.Header.Get("Content-Encoding")))),
		text(9, "0:"+token[len(token)-8:]+hex.EncodeToString(body[:8])), // persistent id
		number(17, 60), number(18, uint64(time.Now().UnixMilli())), text(21, body),
	))
	g.relayLocked()
	w.Header().Set("Location", "https://"+r.Host+"/message/"+hex.EncodeToString(body[:8]))
	w.WriteHeader(http.StatusCreated)
}

// relayLocked hands what waits to the browser, if it is there.
func (g *gcm) relayLocked() {
	if g.online == nil {
		return
	}
	for _, m := range g.waiting {
		if _, err := g.online.Write(frame(dataMessage, m)); err != nil {
			g.online = nil
			return
		}
	}
	g.waiting = nil
}

func (g *gcm) accept() {
	for {
		c, err := g.mcs.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		g.conns = append(g.conns, c)
		g.mu.Unlock()
		g.work.Go(func() { g.serveMCS(c) })
	}
}

// serveMCS is the connection on which a browser waits for messages.
func (g *gcm) serveMCS(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if version, err := r.ReadByte(); err != nil || version != mcsVersion {
		g.note("MCS: no version")
		return
	}
	for {
		tag, _, err := readFrame(r)
		if err != nil {
			return
		}
		g.mu.Lock()
		switch tag {
		case loginRequest:
			hello := append([]byte{mcsVersion}, frame(loginResponse, slices.Concat(text(1, "nightbell"), number(8, uint64(time.Now().UnixMilli()))))...)
			_, _ = c.Write(hello)
			g.online = c
			g.requests = append(g.requests, "MCS login")
			g.relayLocked()
		case heartbeatPing:
			_, _ = c.Write(frame(heartbeatAck, nil))
		}
		g.mu.Unlock()
	}
}

func (g *gcm) note(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = append(g.requests, what)
}

// seen is what Chromium asked for, for sentences about what it did not.
func (g *gcm) seen() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// pushes are those that arrived, as they arrived.
func (g *gcm) pushes() []sent {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.got)
	for i := range out {
		out[i].body = bytes.Clone(out[i].body)
	}
	return out
}
