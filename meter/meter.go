package meter

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Meter owns one registry. The zero value is not usable; nil is, and counts nothing.
type Meter struct{ reg *prometheus.Registry }

// New makes a registry with the Go runtime's and the process's own metrics.
func New() *Meter {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Meter{reg: reg}
}

// Handler serves the registry in Prometheus text form.
func (m *Meter) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{})
}

// Counter is a number that only grows, split by labels.
type Counter struct{ vec *prometheus.CounterVec }

// Counter registers a counter. Asking twice for one name gives the same one.
func (m *Meter) Counter(name, help string, labels ...string) *Counter {
	if m == nil {
		return nil
	}
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	return &Counter{vec: register(m.reg, vec)}
}

// Add counts n under the label values, given in the order of registration.
func (c *Counter) Add(n float64, values ...string) {
	if c != nil {
		c.vec.WithLabelValues(values...).Add(n)
	}
}

// Gauge is a number that goes up and down, split by labels.
type Gauge struct{ vec *prometheus.GaugeVec }

// Gauge registers a gauge. Asking twice for one name gives the same one.
func (m *Meter) Gauge(name, help string, labels ...string) *Gauge {
	if m == nil {
		return nil
	}
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	return &Gauge{vec: register(m.reg, vec)}
}

// Set puts the gauge at v.
func (g *Gauge) Set(v float64, values ...string) {
	if g != nil {
		g.vec.WithLabelValues(values...).Set(v)
	}
}

// Add moves the gauge by n, which may be negative.
func (g *Gauge) Add(n float64, values ...string) {
	if g != nil {
		g.vec.WithLabelValues(values...).Add(n)
	}
}

// Histogram sorts durations into buckets, split by labels.
type Histogram struct{ vec *prometheus.HistogramVec }

// Seconds registers a histogram of durations from half a millisecond to a minute.
func (m *Meter) Seconds(name, help string, labels ...string) *Histogram {
	if m == nil {
		return nil
	}
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets: []float64{.0005, .001, .002, .004, .008, .015, .03, .06, .125, .25, .5, 1, 2, 5, 10, 30, 60},
	}, labels)
	return &Histogram{vec: register(m.reg, vec)}
}

// Observe counts one duration, in seconds.
func (h *Histogram) Observe(seconds float64, values ...string) {
	if h != nil {
		h.vec.WithLabelValues(values...).Observe(seconds)
	}
}

// register returns the collector already known under this name, if any, so
// two rooms may count into the same series.
func register[C prometheus.Collector](reg *prometheus.Registry, c C) C {
	if err := reg.Register(c); err != nil {
		var known prometheus.AlreadyRegisteredError
		if errors.As(err, &known) {
			return known.ExistingCollector.(C)
		}
		panic("meter: " + err.Error()) // a bad metric name is a programmer's error, found by the first test
	}
	return c
}
