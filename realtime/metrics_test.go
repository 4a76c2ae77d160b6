package realtime_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/realtime"
)

// What an operator is alarmed by, or looks at first, is really counted.
func TestTheAlarmsRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := meter.New()
		log := newLog(3)
		f := freeze(t, log, func(c *realtime.Config) { c.Meter = m })
		defer f.shut()
		c := f.connect(t, realtime.Hello{Token: "ana"})
		defer c.Close()
		next(t, c)
		log.append(1, "inc_a")
		next(t, c)
		time.Sleep(2 * time.Second) // frames are counted once a second
		log.change(func(l *memoryLog) { l.hidden[5] = true })
		log.append(3, "inc_a")
		synctest.Wait()
		got := scrape(m)
		for _, want := range []string{
			"nightbell_realtime_sockets 1", "nightbell_realtime_head 4",
			"nightbell_realtime_frames_total 1", "nightbell_realtime_log_gaps_total 1",
		} {
			if !strings.Contains(got, want+"\n") {
				t.Errorf("metrics do not say %q", want)
			}
		}
	})
}

func scrape(m *meter.Meter) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
