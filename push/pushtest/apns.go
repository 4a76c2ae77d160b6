package pushtest

import (
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/http2/hpack"

	"github.com/nightbell/nightbell/push"
)

// serveAPNs answers one request as APNs of the environment would.
func (e *Emulator) serveAPNs(c *call, environment string) {
	p, no := e.readAPNs(c, environment)
	var d *device
	if no == nil {
		d, no = e.findAPNs(p, environment)
	}
	if no != nil {
		e.noteRefusal(Refusal{Provider: push.APNs, Token: p.token, Status: no.status, Reason: no.reason, Why: no.why})
		e.later(0, func() { c.reply.answer(no.answer(p.id)) })
		return
	}
	if p.id == "" {
		p.id = uuid.NewString()
	}
	f := e.faults.take(push.APNs, environment, p.token)
	if f != nil && e.disturb(c, f, func() { e.deliver(d, p.push(environment, e.now())) }, func() answer { return f.apnsAnswer(p.id) }) {
		return
	}
	e.deliver(d, p.push(environment, e.now()))
	a := answer{status: 200, header: p.headers(environment)}
	e.later(f.latency(), func() { c.reply.answer(a) })
}

// readAPNs checks everything that does not depend on the device. The push is
// never nil; on refusal it holds what was understood until then.
func (e *Emulator) readAPNs(c *call, environment string) (*apnsPush, *refusal) {
	p := &apnsPush{}
	token, no := checkPath(c)
	if no != nil {
		return p, no
	}
	p.token = token
	if no := e.authenticate(c, environment); no != nil {
		return p, no
	}
	if no := p.checkHeaders(c); no != nil {
		return p, no
	}
	bundle, no := e.checkTopic(p, e.teamOf(c))
	if no != nil {
		return p, no
	}
	p.topic = bundle
	return p, p.checkPayload(c)
}

// findAPNs finds the device and judges whether it can be reached.
func (e *Emulator) findAPNs(p *apnsPush, environment string) (*device, *refusal) {
	d := e.device(push.APNs, p.token)
	switch {
	case d == nil:
		return nil, refuse(400, "BadDeviceToken", "no device here has this token; add it first")
	case d.Environment != environment:
		return nil, refuse(400, "BadDeviceToken", "the token is of the %s environment, the push came to %s", d.Environment, environment)
	case d.App != p.topic:
		return nil, refuse(400, "DeviceTokenNotForTopic", "the token belongs to %s, the push is for %s", d.App, p.topic)
	}
	if since, dead := d.deadSince(); dead {
		return nil, &refusal{status: 410, reason: "Unregistered", why: "the app was removed from this device", since: since}
	}
	return d, nil
}

func (p *apnsPush) push(environment string, now time.Time) Push {
	return Push{
		At: now, Provider: push.APNs, Environment: environment, App: p.topic, Token: p.token, ID: p.id,
		PushType: p.pushType, Priority: p.priority, Expiration: p.expiration, CollapseID: p.collapseID, Payload: p.payload,
	}
}

// headers of an accepted push. The unique id, for Apple's delivery console,
// exists in the sandbox only.
func (p *apnsPush) headers(environment string) []hpack.HeaderField {
	h := []hpack.HeaderField{field("apns-id", p.id)}
	if environment == Sandbox {
		h = append(h, field("apns-unique-id", uuid.NewString()))
	}
	return h
}
