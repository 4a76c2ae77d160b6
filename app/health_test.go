package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/queue"
)

func TestReadinessNamesThePartThatIsNot(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		status int
		says   []string
	}{
		{"all well", nil, 200, []string{`"status":"ready"`, `"database":"ok"`, `"escalation":"ok"`}},
		{"a fault is told", fault.Wrap(errors.New("dial 10.0.0.7"), fault.Unavailable, "x", "the database does not answer"), 503,
			[]string{`"status":"not_ready"`, `"database":"the database does not answer"`, `"escalation":"ok"`}},
		{"another error is not", errors.New("dial 10.0.0.7"), 503, []string{`"database":"does not work; see the log"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			readyz([]probe{
				{"database", func(context.Context) error { return tc.err }},
				{"escalation", func(context.Context) error { return nil }},
			})(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			body := rec.Body.String()
			if rec.Code != tc.status || strings.Contains(body, "10.0.0.7") {
				t.Errorf("%d %s", rec.Code, body)
			}
			for _, want := range tc.says {
				if !strings.Contains(body, want) {
					t.Errorf("no %s in %s", want, body)
				}
			}
		})
	}
}

// TestAProbeThatHangsIsGivenUp asks a database that does not answer at all.
func TestAProbeThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := httptest.NewRecorder()
		readyz([]probe{{"database", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}})(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if rec.Code != 503 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}

// due is a source that answers as told.
type due struct{ err error }

func (d *due) Claim(context.Context, time.Time, int, time.Time) ([]string, error) { return nil, d.err }
func (d *due) NextDue(context.Context) (time.Time, bool, error)                   { return time.Time{}, false, nil }

func TestAPulseFeelsRefusalsAndSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &due{}
		p := newPulse("escalation timers", time.Minute, time.Now)
		source := watchedSource[string]{store, p}
		claim := func(ctx context.Context) { _, _ = source.Claim(ctx, time.Now(), 1, time.Now()) }
		wants := func(word string) {
			t.Helper()
			err := p.check(t.Context())
			if (word == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("the pulse says %v, want %q", err, word)
			}
		}

		wants("")
		store.err = errors.New("broken")
		claim(t.Context())
		wants("cannot be claimed")
		store.err = nil
		claim(t.Context())
		wants("")
		time.Sleep(61 * time.Second)
		wants("not been looked at for 1m1s")

		// Our own stopping is no trouble of the store's.
		over, cancel := context.WithCancel(t.Context())
		cancel()
		store.err = context.Canceled
		claim(over)
		wants("")
	})
}

// TestAQuietNightIsNoSilence runs the real loop with nothing due: it then asks
// only when something will be, and that is a sign of life too.
func TestAQuietNightIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse("escalation timers", time.Minute, time.Now)
		loop := queue.New(queue.Config{Name: "timers"}, watchedSource[string]{&due{}, p}, func(context.Context, string) {})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- loop.Run(ctx) }()

		time.Sleep(8 * time.Hour)
		if err := p.check(ctx); err != nil {
			t.Errorf("after a quiet night the node is not ready: %v", err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
