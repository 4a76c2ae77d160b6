package pushtest_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// wire is a client that writes HTTP/2 frames by hand.
type wire struct {
	t    *testing.T
	conn *tls.Conn
	fr   *http2.Framer
	henc *hpack.Encoder
	hbuf bytes.Buffer
}

func dial(t *testing.T, em *pushtest.Emulator, url string, settings ...http2.Setting) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{
		RootCAs: em.RootCAs(), NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// A guard against hanging, not a measurement.
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	w := &wire{t: t, conn: conn, fr: http2.NewFramer(conn, conn)}
	w.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.henc = hpack.NewEncoder(&w.hbuf)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	w.must(w.fr.WriteSettings(settings...))
	return w
}

func (w *wire) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// open sends the headers of a request, in pairs.
func (w *wire) open(id uint32, end bool, fields ...string) {
	w.t.Helper()
	w.hbuf.Reset()
	for i := 0; i < len(fields); i += 2 {
		w.must(w.henc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	w.must(w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: w.hbuf.Bytes(), EndHeaders: true, EndStream: end}))
}

// next reads frames until one satisfies the predicate.
func (w *wire) next(what string, ok func(http2.Frame) bool) http2.Frame {
	w.t.Helper()
	for {
		f, err := w.fr.ReadFrame()
		if err != nil {
			w.t.Fatalf("waiting for %s: %v", what, err)
		}
		if ok(f) {
			return f
		}
	}
}

func maxStreams(v uint32) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		s, ok := f.(*http2.SettingsFrame)
		if !ok {
			return false
		}
		got, set := s.Value(http2.SettingMaxConcurrentStreams)
		return set && got == v
	}
}

func headersOf(id uint32, status string) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		h, ok := f.(*http2.MetaHeadersFrame)
		return ok && h.StreamID == id && h.PseudoValue("status") == status
	}
}

func resetOf(id uint32, code http2.ErrCode) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		r, ok := f.(*http2.RSTStreamFrame)
		return ok && r.StreamID == id && r.ErrCode == code
	}
}

func (b *bench) fields(auth string) []string {
	return []string{
		":method", "POST", ":scheme", "https", ":authority", "x", ":path", "/3/device/" + b.phone.Token,
		"authorization", auth, "apns-topic", bundle, "apns-push-type", "alert",
	}
}

func TestOneStreamUntilTheFirstGoodToken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := dial(t, b.em, b.em.APNsURL(pushtest.Production))
	w.next("SETTINGS with one stream", maxStreams(1))
	payload := []byte(`{"aps":{"alert":"x"}}`)

	w.open(1, false, b.fields("bearer nonsense")...)
	w.open(3, false, b.fields("bearer nonsense")...)
	w.next("the second stream refused", resetOf(3, http2.ErrCodeRefusedStream))
	w.must(w.fr.WriteData(1, true, payload))
	w.next("403", headersOf(1, "403"))

	w.open(5, false, b.fields("bearer "+b.token)...)
	w.open(7, false, b.fields("bearer "+b.token)...)
	w.next("still one stream", resetOf(7, http2.ErrCodeRefusedStream))
	w.must(w.fr.WriteData(5, true, payload))
	w.next("SETTINGS with many streams", maxStreams(1000))
	w.next("200", headersOf(5, "200"))

	w.open(9, false, b.fields("bearer "+b.token)...)
	w.open(11, false, b.fields("bearer "+b.token)...)
	w.must(w.fr.WriteData(11, true, payload))
	w.next("the later one first", headersOf(11, "200"))
	w.must(w.fr.WriteData(9, true, payload))
	w.next("then the earlier", headersOf(9, "200"))
}

func TestGoAwayTellsTheLastStreamAndTheReason(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := dial(t, b.em, b.em.APNsURL(pushtest.Production))
	payload := []byte(`{"aps":{"alert":"x"}}`)
	w.open(1, false, b.fields("bearer "+b.token)...)
	w.must(w.fr.WriteData(1, true, payload))
	w.next("200", headersOf(1, "200"))
	w.open(3, false, b.fields("bearer "+b.token)...)
	w.must(w.fr.WritePing(false, [8]byte{1}))
	w.next("the echo of a ping", func(f http2.Frame) bool { p, ok := f.(*http2.PingFrame); return ok && p.IsAck() && p.Data[0] == 1 })
	b.em.GoAway(push.APNs, "Shutdown")
	f := w.next("GOAWAY", func(f http2.Frame) bool { _, ok := f.(*http2.GoAwayFrame); return ok }).(*http2.GoAwayFrame)
	if f.LastStreamID != 3 || string(f.DebugData()) != `{"reason":"Shutdown"}` {
		t.Errorf("last stream %d, %s", f.LastStreamID, f.DebugData())
	}
	w.open(5, false, b.fields("bearer "+b.token)...) // too late: ignored
	w.must(w.fr.WriteData(3, true, payload))
	w.next("the promised answer", headersOf(3, "200"))
	if n := b.em.Accepted(push.APNs); n != 2 {
		t.Errorf("%d accepted", n)
	}
}

func TestAnswersRespectTheClientsWindow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := dial(t, b.em, b.em.FCMURL(), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
	w.open(1, true, ":method", "GET", ":scheme", "https", ":authority", "x", ":path", "/emulator/ca.pem")
	w.next("200", headersOf(1, "200"))
	var got []byte
	for len(got) < len(b.em.CAPEM()) {
		f := w.next("data", func(f http2.Frame) bool { _, ok := f.(*http2.DataFrame); return ok }).(*http2.DataFrame)
		if len(f.Data()) > 10 {
			t.Fatalf("%d bytes at once; the window is 10", len(f.Data()))
		}
		got = append(got, f.Data()...)
		if !f.StreamEnded() {
			w.must(w.fr.WriteWindowUpdate(1, 10))
		}
	}
	if !bytes.Equal(got, b.em.CAPEM()) {
		t.Errorf("got %s", got)
	}
}

func TestNonsenseEndsOnlyItsOwnConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	garbage := dial(t, b.em, b.em.APNsURL(pushtest.Production))
	if _, err := garbage.conn.Write(bytes.Repeat([]byte{0xff}, 1000)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := garbage.fr.ReadFrame(); err != nil {
			break
		}
	}
	raw, err := net.Dial("tcp", strings.TrimPrefix(b.em.FCMURL(), "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_, _ = io.WriteString(raw, "GET / HTTP/1.1\r\n\r\n")
	_, _ = io.Copy(io.Discard, raw) // it is closed
	if r := b.apns(b.good()); r.status != 200 {
		t.Errorf("%+v", r)
	}
}

func TestAppleSpeaksNoHTTP1(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(b.em.APNsURL(pushtest.Production), "https://"), &tls.Config{
		RootCAs: b.em.RootCAs(), MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
}
