package queue

import "github.com/nightbell/nightbell/meter"

// counters are shared by all runners of a node, told apart by the queue label.
type counters struct {
	claimed *meter.Counter
	errors  *meter.Counter
	panics  *meter.Counter
	inHand  *meter.Gauge
	seconds *meter.Histogram
}

func newCounters(m *meter.Meter) counters {
	return counters{
		claimed: m.Counter("nightbell_queue_claimed_total", "Items claimed from the store.", "queue"),
		errors:  m.Counter("nightbell_queue_store_errors_total", "Times the store could not be asked for due work.", "queue"),
		panics:  m.Counter("nightbell_queue_panics_total", "Items whose work panicked.", "queue"),
		inHand:  m.Gauge("nightbell_queue_in_hand", "Items being worked on now.", "queue"),
		seconds: m.Seconds("nightbell_queue_work_seconds", "How long one item took.", "queue"),
	}
}
