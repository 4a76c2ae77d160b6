package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/push"
)

// holdsOf reads the apps whose devices are not judged.
type holdsOf interface {
	Holds(ctx context.Context, now time.Time) ([]push.Hold, error)
}

// guardWatch says aloud what the mass-prune guard has stopped. It reads the
// table rather than being told, so that every node says the same, whichever one
// stopped, and a node that is restarted does not fall silent.
type guardWatch struct {
	of    holdsOf
	now   func() time.Time
	log   *slog.Logger
	gauge *meter.Gauge
	// told are the holds known, by app, with the moment they began.
	told map[guarded]time.Time
}

type guarded struct {
	app      string
	provider push.Provider
}

func newGuardWatch(of holdsOf, now func() time.Time, log *slog.Logger, m *meter.Meter) *guardWatch {
	return &guardWatch{
		of: of, now: now, log: log, told: map[guarded]time.Time{},
		gauge: m.Gauge("nightbell_push_prune_guard", "1 while an app's devices are not judged, because too many were called gone at once.", "app", "provider"),
	}
}

// look is the chore.
func (w *guardWatch) look(ctx context.Context) error {
	found, err := w.of.Holds(ctx, w.now())
	if err != nil {
		return err
	}
	held := map[guarded]bool{}
	for _, h := range found {
		key := guarded{h.App, h.Provider}
		held[key] = true
		w.gauge.Set(1, h.App, string(h.Provider))
		if w.told[key].Equal(h.Since) {
			continue
		}
		w.told[key] = h.Since
		w.log.Error("too many devices were called gone at once: none of the app's is judged for now, and pages to them are still tried. "+
			"Look at its key, topic or project, and whether the database came from another instance; if the devices are really gone, "+
			"DELETE /v1/push/holds/{provider}/{app}", "app", h.App, "provider", h.Provider, "until", h.Until, "why", h.Reason)
	}
	for key := range w.told {
		if !held[key] {
			delete(w.told, key)
			w.gauge.Set(0, key.app, string(key.provider))
			w.log.Info("the app's devices are judged again", "app", key.app, "provider", key.provider)
		}
	}
	return nil
}
