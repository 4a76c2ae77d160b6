package realtime

import "github.com/nightbell/nightbell/meter"

// metrics are the stream's series; all of them work without a meter.
type metrics struct {
	sockets   *meter.Gauge
	refused   *meter.Counter
	closed    *meter.Counter
	resets    *meter.Counter
	frames    *meter.Counter
	head      *meter.Gauge
	delay     *meter.Histogram
	gaps      *meter.Counter
	tailFails *meter.Counter
	unsent    *meter.Counter
	pages     *meter.Counter
	slow      *meter.Counter
	actions   *meter.Counter
}

func newMetrics(m *meter.Meter) metrics {
	return metrics{
		sockets:   m.Gauge("nightbell_realtime_sockets", "Open WebSockets."),
		refused:   m.Counter("nightbell_realtime_refused_total", "Connections refused before the upgrade, by reason.", "reason"),
		closed:    m.Counter("nightbell_realtime_closed_total", "Connections ended, by the close code we sent; gone: the client left.", "code"),
		resets:    m.Counter("nightbell_realtime_resets_total", "Cursors declared void, by reason.", "why"),
		frames:    m.Counter("nightbell_realtime_frames_total", "Event frames sent."),
		head:      m.Gauge("nightbell_realtime_head", "Newest timeline sequence number this node has read."),
		delay:     m.Seconds("nightbell_realtime_delay_seconds", "From an entry's time to its being ready for all sockets of this node."),
		gaps:      m.Counter("nightbell_realtime_log_gaps_total", "Holes seen in the timeline. Alarm: this must stay 0."),
		tailFails: m.Counter("nightbell_realtime_tail_failures_total", "Failed reads of the timeline."),
		unsent:    m.Counter("nightbell_realtime_unencodable_total", "Entries left out because they could not be encoded. Alarm: this must stay 0."),
		pages:     m.Counter("nightbell_realtime_replay_pages_total", "Pages of old entries asked for, by where they came from.", "from"),
		slow:      m.Counter("nightbell_realtime_backlogs_total", "Times a client's network refused data and it had to be kept."),
		actions:   m.Counter("nightbell_realtime_actions_total", "Actions asked for over a socket, by result.", "result"),
	}
}
