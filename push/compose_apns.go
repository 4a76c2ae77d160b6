package push

import (
	"bytes"
	"encoding/json"

	"github.com/nightbell/nightbell/incident"
)

// apnsPayload is the JSON an iPhone gets. Field names of aps are Apple's
// ("Generating a remote notification"); "nightbell" is read by our app.
type apnsPayload struct {
	Aps       aps   `json:"aps"`
	Nightbell facts `json:"nightbell"`
}

type aps struct {
	Alert apsAlert `json:"alert"`
	// Sound is a string, or an object for critical alerts; absent: silent.
	Sound             any     `json:"sound,omitempty"`
	InterruptionLevel level   `json:"interruption-level"`
	RelevanceScore    float64 `json:"relevance-score"`
	ThreadID          string  `json:"thread-id"`
	Category          string  `json:"category,omitempty"`
	// MutableContent runs the app's service extension, which reports "received".
	MutableContent int `json:"mutable-content"`
}

type apsAlert struct {
	Title    string `json:"title"`
	Subtitle string `json:"subtitle,omitempty"`
	Body     string `json:"body,omitempty"`
}

// criticalSound rings through the mute switch. Without the entitlement and
// the person's consent iOS ignores it, so it is only sent where granted.
type criticalSound struct {
	Critical int     `json:"critical"`
	Name     string  `json:"name"`
	Volume   float64 `json:"volume"`
}

// facts is what the app needs beside the words.
type facts struct {
	Kind       Kind              `json:"kind"`
	IncidentID string            `json:"incident_id"`
	Number     int64             `json:"number"`
	Revision   int64             `json:"revision"`
	DeliveryID string            `json:"delivery_id"`
	DeviceID   string            `json:"device_id"`
	Severity   incident.Severity `json:"severity"`
	Urgency    incident.Urgency  `json:"urgency"`
	Status     incident.Status   `json:"status"`
	Service    string            `json:"service,omitempty"`
	By         string            `json:"by,omitempty"`
	ChangedAt  string            `json:"changed_at,omitempty"`
	Reassigned bool              `json:"reassigned,omitempty"`
	Server     string            `json:"server"`
	ExpiresAt  string            `json:"expires_at,omitempty"`
	Actions    *actions          `json:"actions,omitempty"`
}

type actions struct {
	Acknowledge string `json:"acknowledge,omitempty"`
	Resolve     string `json:"resolve,omitempty"`
}

// body writes the payload, at most limit bytes unless the ids and tokens alone
// are more.
func (n note) body(limit int) []byte {
	p := n.payload()
	out := encode(&p)
	if len(out) <= limit {
		return out
	}
	alert, nb := &p.Aps.Alert, &p.Nightbell
	shrink(limit, func() int { out = encode(&p); return len(out) },
		&alert.Body, &alert.Subtitle, &nb.Service, &alert.Title, &nb.By, &nb.ChangedAt)
	return encode(&p)
}

func (n note) payload() apnsPayload {
	return apnsPayload{
		Aps: aps{
			Alert:             apsAlert{Title: n.text.title, Subtitle: n.text.subtitle, Body: n.text.body},
			Sound:             n.level.sound(),
			InterruptionLevel: n.level,
			RelevanceScore:    n.relevance(),
			ThreadID:          n.job.Delivery.IncidentID,
			Category:          n.category(),
			MutableContent:    1,
		},
		Nightbell: n.facts(),
	}
}

func (n note) facts() facts {
	d, t := n.job.Delivery, n.job.Content
	f := facts{
		Kind: d.Kind, IncidentID: d.IncidentID, Number: t.Number, Revision: n.revision,
		DeliveryID: d.ID, DeviceID: d.DeviceID, Severity: t.Severity, Urgency: t.Urgency,
		Status: t.Status, Service: n.service, By: n.by, ChangedAt: when(t.ChangedAt),
		Reassigned: t.Reassigned, Server: n.server, ExpiresAt: when(d.ExpiresAt),
	}
	if n.acknowledge != "" || n.resolve != "" {
		f.Actions = &actions{Acknowledge: n.acknowledge, Resolve: n.resolve}
	}
	return f
}

func (l level) sound() any {
	switch l {
	case levelPassive:
		return nil
	case levelCritical:
		return criticalSound{Critical: 1, Name: "default", Volume: 1}
	default:
		return "default"
	}
}

// relevance orders notifications within a summary, worst first.
func (n note) relevance() float64 {
	if n.level == levelPassive {
		return 0
	}
	switch n.job.Content.Severity {
	case incident.Critical:
		return 1
	case incident.Error:
		return 0.75
	case incident.Warning:
		return 0.5
	default:
		return 0.25
	}
}

// encode is json.Marshal without turning <, > and & into six bytes each.
func encode(p *apnsPayload) []byte {
	var b bytes.Buffer
	b.Grow(2048)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		panic("push: an APNs payload of plain values does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
