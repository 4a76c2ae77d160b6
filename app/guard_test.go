package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
)

type heldApps struct {
	list []push.Hold
	err  error
}

func (h *heldApps) Holds(context.Context, time.Time) ([]push.Hold, error) { return h.list, h.err }

func TestTheGuardIsHeardOnceAndMeasured(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var log strings.Builder
	of, m := &heldApps{}, meter.New()
	w := newGuardWatch(of, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)), m)
	look := func(want string, alarms int) {
		t.Helper()
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := httptest.NewRecorder()
		m.Handler().ServeHTTP(a, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
		if want != "" && !strings.Contains(a.Body.String(), want) {
			t.Errorf("no %s in the metrics", want)
		}
		if got := strings.Count(log.String(), "level=ERROR"); got != alarms {
			t.Errorf("%d alarms, want %d:\n%s", got, alarms, log.String())
		}
	}
	look("", 0)
	hold := push.Tally{Judged: 10, Devices: 100}.Hold(push.APNs, "ios", "Unregistered", now)
	of.list = []push.Hold{hold}
	look(`nightbell_push_prune_guard{app="ios",provider="apns"} 1`, 1)
	look(`nightbell_push_prune_guard{app="ios",provider="apns"} 1`, 1)
	of.list = nil
	look(`nightbell_push_prune_guard{app="ios",provider="apns"} 0`, 1)
	hold.Since = now.Add(time.Hour)
	of.list = []push.Hold{hold}
	look(`nightbell_push_prune_guard{app="ios",provider="apns"} 1`, 2)
	of.err = errors.New("away")
	if err := w.look(t.Context()); err == nil {
		t.Error("trouble is not told")
	}
}
