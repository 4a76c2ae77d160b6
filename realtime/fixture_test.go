package realtime_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/realtime"
	"github.com/nightbell/nightbell/realtime/realtimetest"
)

func TestMain(m *testing.M) {
	beTheCrowd()
	goleak.VerifyTestMain(m)
}

// memoryLog is a timeline in memory: appends are numbered under its lock, as
// the store numbers them at commit.
type memoryLog struct {
	mu      sync.Mutex
	epoch   string
	oldest  int64
	entries []incident.Entry // entries[i].Seq == i+1
	hidden  map[int64]bool   // holes: what a broken store would not show
	down    error
	asked   func() // called on each read
	onWrite func()
}

func newLog(n int) *memoryLog {
	l := &memoryLog{epoch: "k1", oldest: 1, hidden: map[int64]bool{}}
	l.append(n, "inc_a")
	return l
}

func (l *memoryLog) append(n int, incidentID string) {
	l.mu.Lock()
	for range n {
		l.addLocked(incidentID, "short")
	}
	l.committedUnlock()
}

// appendNote adds one entry of the text's size.
func (l *memoryLog) appendNote(text string) {
	l.mu.Lock()
	l.addLocked("inc_a", text)
	l.committedUnlock()
}

func (l *memoryLog) addLocked(incidentID, text string) {
	seq := int64(len(l.entries) + 1)
	l.entries = append(l.entries, incident.Entry{
		Seq: seq, IncidentID: incidentID, Revision: seq, Type: incident.EntryAnnotated,
		At: time.Now().UTC().Truncate(time.Microsecond), Detail: incident.Detail{Text: text},
	})
}

// committedUnlock calls the hook as the store does: after the commit.
func (l *memoryLog) committedUnlock() {
	written := l.onWrite
	l.mu.Unlock()
	if written != nil {
		written()
	}
}

// change alters the log behind the stream's back.
func (l *memoryLog) change(f func(*memoryLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

func (l *memoryLog) Head(context.Context) (realtime.Head, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return realtime.Head{Epoch: l.epoch, Seq: int64(len(l.entries)), Oldest: l.oldest}, l.down
}

func (l *memoryLog) Since(_ context.Context, after int64, limit int) ([]incident.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked != nil {
		l.asked()
	}
	if l.down != nil {
		return nil, l.down
	}
	var out []incident.Entry
	for seq := max(after+1, l.oldest); seq <= int64(len(l.entries)) && len(out) < limit; seq++ {
		if !l.hidden[seq] {
			out = append(out, l.entries[seq-1])
		}
	}
	return out, nil
}

// doorkeeper knows tokens by heart. Unknown ones are refused.
type doorkeeper struct {
	mu     sync.Mutex
	tokens map[string]realtime.Viewer
	err    error
}

func newDoorkeeper() *doorkeeper {
	far := time.Now().Add(24 * time.Hour)
	return &doorkeeper{tokens: map[string]realtime.Viewer{
		"ana": {UserID: "usr_ana", SessionID: "ses_ana", ExpiresAt: far}, "bo": {UserID: "usr_bo", SessionID: "ses_bo", ExpiresAt: far},
	}}
}

func (d *doorkeeper) Viewer(_ context.Context, token string) (realtime.Viewer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.tokens[token]; ok || d.err != nil {
		return v, d.err
	}
	return realtime.Viewer{}, fault.New(fault.Unauthenticated, "token_invalid", "no such token")
}

// house is a running stream on the loopback.
type house struct {
	hub  *realtime.Hub
	log  *memoryLog
	door *doorkeeper
	url  string
}

func open(t testing.TB, log *memoryLog, adjust ...func(*realtime.Config)) *house {
	t.Helper()
	h := &house{log: log, door: newDoorkeeper()}
	cfg := realtime.Config{Log: log, Auth: h.door, HelloWait: time.Minute} // machines that run tests are busy
	for _, f := range adjust {
		f(&cfg)
	}
	h.hub = realtime.New(cfg)
	log.change(func(l *memoryLog) { l.onWrite = h.hub.Nudge })
	done := make(chan struct{})
	go func() { h.hub.Run(context.Background()); close(done) }()
	h.url = newServer(t, h.hub)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := h.hub.Stop(ctx); err != nil {
			t.Errorf("stopping the hub: %v", err)
		}
		<-done
	})
	<-h.hub.Ready()
	return h
}

// newServer serves the hub on the loopback and gives the address.
func newServer(t testing.TB, hub *realtime.Hub) string {
	server := httptest.NewServer(hub.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

// dial connects as Ana and reads the first answer.
func (h *house) dial(t testing.TB, after int64, epoch string) (*realtimetest.Client, realtime.ServerFrame) {
	t.Helper()
	hello := realtime.Hello{Token: "ana"}
	if after != realtimetest.Live {
		hello.After, hello.Epoch = &after, epoch
	}
	return h.dialWith(t, hello)
}

func (h *house) dialWith(t testing.TB, hello realtime.Hello) (*realtimetest.Client, realtime.ServerFrame) {
	t.Helper()
	c, err := realtimetest.DialWith(patience(t), realtimetest.Options{URL: h.url, Hello: hello})
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	t.Cleanup(c.Close)
	first, err := c.Next(patience(t))
	if err != nil {
		t.Fatalf("first frame: %v", err)
	}
	return c, first
}

// patience bounds a wait that a correct stream ends at once.
func patience(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// expect reads events and checks that they are exactly from..to.
func expect(t testing.TB, c *realtimetest.Client, from, to int64) {
	t.Helper()
	for want := from; want <= to; want++ {
		e, err := c.Event(patience(t))
		if err != nil {
			t.Fatalf("waiting for event %d: %v", want, err)
		}
		if e.Seq != want {
			t.Fatalf("got event %d, want %d", e.Seq, want)
		}
	}
}

// expectClose reads to the end and checks the code.
func expectClose(t testing.TB, c *realtimetest.Client, code int) {
	t.Helper()
	for {
		if _, err := c.Next(patience(t)); err != nil {
			if got := realtimetest.CloseCode(err); got != code {
				t.Fatalf("connection ended with %v, want close code %d", err, code)
			}
			return
		}
	}
}
