package push

import "github.com/nightbell/nightbell/meter"

// counters are the pipeline's metrics. They count nothing without a meter.
type counters struct {
	attempts *meter.Counter
	latency  *meter.Histogram
	delay    *meter.Histogram
	unsent   *meter.Counter
	troubles *meter.Counter
	waiting  *meter.Gauge
	inFlight *meter.Gauge
	closed   *meter.Gauge
}

func newCounters(m *meter.Meter) counters {
	return counters{
		attempts: m.Counter("nightbell_push_attempts_total", "Sends by provider, kind and what the answer meant.", "provider", "kind", "class"),
		latency:  m.Seconds("nightbell_push_send_seconds", "From handing a push to the sender to its answer.", "provider"),
		delay:    m.Seconds("nightbell_push_delay_seconds", "From the making of a delivery until the provider accepted it.", "provider", "kind"),
		unsent:   m.Counter("nightbell_push_unsent_total", "Deliveries not sent at this time: expired, cancelled, failed, put_off, handed_back, overflow.", "why"),
		troubles: m.Counter("nightbell_push_store_errors_total", "Failed calls of the store: claim, next_due, record, release.", "call"),
		waiting:  m.Gauge("nightbell_push_waiting", "Deliveries in this node's hands that wait in a lane.", "app", "provider", "environment"),
		inFlight: m.Gauge("nightbell_push_in_flight", "Sends without an answer yet.", "app", "provider", "environment"),
		closed:   m.Gauge("nightbell_push_lane_closed", "1 while a lane is closed; state is backing_off (provider trouble) or paused (our configuration is refused).", "app", "provider", "environment", "state"),
	}
}

// load shows how full a lane is.
func (c *counters) load(l *lane) {
	waiting, inFlight := l.load()
	c.waiting.Set(float64(waiting), l.key.App, string(l.key.Provider), l.key.Environment)
	c.inFlight.Set(float64(inFlight), l.key.App, string(l.key.Provider), l.key.Environment)
}

// gate shows whether a lane is closed, and why.
func (c *counters) gate(key Lane, now gateState) {
	for _, s := range []gateState{gateBackoff, gatePaused} {
		v := 0.0
		if s == now {
			v = 1
		}
		c.closed.Set(v, key.App, string(key.Provider), key.Environment, s.String())
	}
}

// sent counts one send.
func (c *counters) sent(o *Outcome) {
	provider, kind := string(o.Job.Device.Provider), string(o.Job.Delivery.Kind)
	c.attempts.Add(1, provider, kind, string(o.Result.Class))
	c.latency.Observe(o.DoneAt.Sub(o.SentAt).Seconds(), provider)
	if o.Result.Class == ClassAccepted {
		c.delay.Observe(o.DoneAt.Sub(o.Job.Delivery.CreatedAt).Seconds(), provider, kind)
	}
}
