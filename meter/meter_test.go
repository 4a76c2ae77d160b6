package meter

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func scrape(t *testing.T, m *Meter) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestWhatIsCountedIsScraped(t *testing.T) {
	m := New()
	m.Counter("nightbell_x_total", "X.", "why").Add(2, "because")
	m.Counter("nightbell_x_total", "X.", "why").Add(1, "because") // the same series, from another room
	m.Gauge("nightbell_y", "Y.").Set(5)
	m.Gauge("nightbell_y", "Y.").Add(-1)
	m.Seconds("nightbell_z_seconds", "Z.").Observe(0.003)
	got := scrape(t, m)
	for _, line := range []string{`nightbell_x_total{why="because"} 3`, `nightbell_y 4`, `nightbell_z_seconds_bucket{le="0.004"} 1`} {
		if !strings.Contains(got, line) {
			t.Errorf("no line %q in the scrape", line)
		}
	}
}

func TestNoMeterCountsNothing(_ *testing.T) {
	var m *Meter
	m.Counter("a", "").Add(1)
	m.Gauge("b", "").Set(1)
	m.Gauge("b", "").Add(1)
	m.Seconds("c", "").Observe(1)
}

func TestMetersDoNotShare(t *testing.T) {
	a, b := New(), New()
	a.Counter("nightbell_x_total", "X.").Add(1)
	b.Counter("nightbell_x_total", "X.").Add(5)
	if !strings.Contains(scrape(t, a), "nightbell_x_total 1") {
		t.Error("two nodes in one process count into one another")
	}
}
