package push

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/nightbell/nightbell/crash"
)

// How old a job's content may be when it leaves. Older ones are handed back
// and claimed again, which reads the incident anew: another node may have
// taken an acknowledgement meanwhile (I12). Settles are stricter, because one
// that comes late would quiet a page that rings again.
const (
	freshPage  = 10 * time.Second
	freshQuiet = 2 * time.Second
)

// deliver does with one job what is to be done now, and reports it. The result
// is what the lane learns from; its Class is empty when nothing was sent.
func (p *Pipeline) deliver(l *lane, h *held) Result {
	now := p.now()
	if p.doubtful(h, now, l.timeout) {
		p.giveBack(h)
		return Result{}
	}
	if p.finished(h, now) {
		return Result{}
	}
	p.send(l, &h.out)
	p.retry.decide(&h.out)
	p.count.sent(&h.out)
	p.notice(&h.out)
	r := h.out.Result // h is the recorder's from here on
	p.report(h)
	return r
}

// finished ends a delivery that is not worth sending any more.
func (p *Pipeline) finished(h *held, now time.Time) bool {
	final, why := judge(&h.out.Job, now)
	if final == "" {
		return false
	}
	if trouble := p.lanes.trouble(h.out.Job.Device.Lane()); final == Expired && trouble != "" {
		// The next level has taken over meanwhile; this is the one word of it.
		why = "its time ran out while its way was closed: " + trouble
	}
	p.count.unsent.Add(1, string(final))
	h.out.DoneAt, h.out.Final, h.out.Why = now, final, why
	p.report(h)
	return true
}

// doubtful reports whether what we know of the job may be out of date.
func (p *Pipeline) doubtful(h *held, now time.Time, timeout time.Duration) bool {
	j := &h.out.Job
	fresh, by := freshQuiet, &p.overtaken
	if j.Delivery.Kind == Page {
		fresh, by = freshPage, &p.revoked
	}
	if j.Delivery.Kind == Activity && p.revoked.doubts(j.Delivery.IncidentID, j.revision()) {
		return true // its start shows itself as a page does, so what stops a page stops it
	}
	if by.doubts(j.Delivery.IncidentID, j.revision()) || p.moved.doubts(j.Delivery.DeviceID, h.asOf.UnixMicro()) {
		return true
	}
	until := j.Delivery.LeaseUntil
	return now.Sub(h.asOf) > fresh || !until.IsZero() && until.Before(now.Add(timeout))
}

// send composes and sends one job, a second time smaller if it was too large.
func (p *Pipeline) send(l *lane, o *Outcome) {
	ctx, end := context.WithTimeout(p.flight, l.timeout)
	defer end()
	o.SentAt = p.now()
	defer func() {
		if r := recover(); r != nil {
			p.conf.Log.Error("sending a push panicked", "delivery", o.Job.Delivery.ID, "panic", r, "stack", string(debug.Stack()))
			o.Result = Result{Class: ClassRetry, Reason: "panic"}
		}
		o.DoneAt = p.now()
	}()
	crash.Here(crash.BeforeSend)
	m := p.compose(o.Job, p.composer.Compose)
	o.Level, o.Downgrade = m.Level, m.Downgrade
	o.Result = l.sender.Send(ctx, m)
	crash.Here(crash.Sent)
	if o.Result.Class == ClassTooLarge {
		m = p.compose(o.Job, p.composer.ComposeLean)
		o.Level, o.Downgrade = m.Level, m.Downgrade
		o.Result = l.sender.Send(ctx, m)
	}
	o.Result = p.understand(l, o.Result)
	o.Elsewhere = otherHome(l, o.Result)
}

// serves is asked of senders that know more than one environment.
type serves interface {
	Serves(app, environment string) bool
}

// otherHome is the environment in which a token that this one does not know is
// worth a try; empty where the sender has no key for it.
func otherHome(l *lane, r Result) string {
	if l.key.Provider != APNs || r.Reason != "BadDeviceToken" {
		return ""
	}
	other := elsewhere(l.key.Environment)
	if s, ok := l.sender.(serves); !ok || !s.Serves(l.key.App, other) {
		return ""
	}
	return other
}

// compose makes the message; one without buttons is sent all the same.
func (p *Pipeline) compose(j Job, how func(Job) (Message, error)) Message {
	m, err := how(j)
	if err != nil {
		p.conf.Log.Error("a push goes out without its buttons", "delivery", j.Delivery.ID, "err", err)
	}
	return m
}

// understand reads a result in the light of what only the pipeline knows.
func (p *Pipeline) understand(l *lane, r Result) Result {
	switch {
	case r.Class == "":
		r.Class, r.Reason = ClassRetry, "no_class" // a sender's bug must not lose a page
	case r.Class != ClassAccepted && r.Status == 0 && p.flight.Err() != nil:
		r.Class = ClassCut // no answer, because we hung up
	case r.Class == ClassTokenSuspect && r.Reason == "INVALID_ARGUMENT" && !l.provenForm():
		// FCM means the token or the message. Until it has taken one message
		// of ours, suspect ourselves.
		r.Class = ClassPayloadBug
	}
	return r
}

// notice says aloud what an operator must hear.
func (p *Pipeline) notice(o *Outcome) {
	r := o.Result
	switch r.Class {
	case ClassPayloadBug, ClassTooLarge:
		p.conf.Log.Error("a provider refuses the form of our message; please report this as a bug",
			"delivery", o.Job.Delivery.ID, "provider", o.Job.Device.Provider, "status", r.Status, "reason", r.Reason)
	case ClassAccepted, ClassCut, ClassConfigBroken: // the last is told once, by its lane
	default:
		p.conf.Log.Warn("a push was not accepted", "delivery", o.Job.Delivery.ID, "device", o.Job.Device.ID,
			"provider", o.Job.Device.Provider, "class", r.Class, "status", r.Status, "reason", r.Reason,
			"attempt", o.Job.Delivery.Attempt+1, "becomes", o.Final, "why", o.Why)
	}
}

// noticeGate says that a lane closed or opened.
func (p *Pipeline) noticeGate(l *lane, before gateState, r Result) {
	now := l.gate.state
	p.count.gate(l.key, now)
	log := p.conf.Log.With("app", l.key.App, "provider", l.key.Provider, "environment", l.key.Environment,
		"status", r.Status, "reason", r.Reason)
	switch now {
	case gatePaused:
		log.Error("push lane paused: the provider refuses our key, topic or project; mend the configuration. "+
			"Its pages wait and no device is touched", "probe_every", p.conf.Probe)
	case gateBackoff:
		log.Warn("push lane backs off: the provider is in trouble")
	default:
		log.Info("push lane open again", "was", before)
	}
}

// report hands an outcome to the recorder.
func (p *Pipeline) report(h *held) {
	o := &h.out
	soon := o.Final == Scheduled && o.RetryAt.Sub(o.DoneAt) < p.conf.Poll
	late := o.Job.Delivery.Kind == Page && p.revoked.doubts(o.Job.Delivery.IncidentID, o.Job.revision())
	// A token that may be of another environment has not rung its phone yet.
	h.hurry = soon || late || o.Elsewhere != ""
	p.recorder.put(h)
}

// giveBack returns a delivery to the store, due now.
func (p *Pipeline) giveBack(h *held) {
	p.count.unsent.Add(1, "handed_back")
	h.back = true
	p.recorder.put(h)
}

// putOff makes a delivery due again after a while, without an attempt; never
// later than its expiry, which the timeline should learn on time.
func (p *Pipeline) putOff(h *held, by time.Duration) {
	p.count.unsent.Add(1, "put_off")
	now := p.now()
	at := now.Add(by + time.Duration(p.conf.Rand()*float64(spread)))
	if d := &h.out.Job.Delivery; expires(d) && at.After(d.ExpiresAt) {
		at = d.ExpiresAt
	}
	h.out.DoneAt, h.out.Final, h.out.RetryAt = now, Scheduled, at
	p.recorder.put(h)
}

// noSender stands in for a provider that is not configured.
type noSender struct{ provider Provider }

// Send answers like a provider that refuses our key.
func (s noSender) Send(context.Context, Message) Result {
	return Result{Class: ClassConfigBroken, Reason: "no_" + string(s.provider) + "_configured"}
}

// Serves nobody.
func (s noSender) Serves(string, string) bool { return false }
