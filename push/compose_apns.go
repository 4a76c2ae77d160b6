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
	Alert *apsAlert `json:"alert,omitempty"`
	// Badge is an absolute number; absent: the icon stays as it is.
	Badge *int `json:"badge,omitempty"`
	// Sound is a string, or an object for critical alerts; absent: silent.
	Sound             any     `json:"sound,omitempty"`
	InterruptionLevel level   `json:"interruption-level,omitempty"`
	RelevanceScore    float64 `json:"relevance-score,omitempty"`
	ThreadID          string  `json:"thread-id,omitempty"`
	Category          string  `json:"category,omitempty"`
	// MutableContent runs the app's service extension, which reports "received"
	// and opens what is sealed.
	MutableContent int `json:"mutable-content,omitempty"`
	// ContentAvailable wakes the app in the background; only without an alert.
	ContentAvailable int `json:"content-available,omitempty"`
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
	IncidentID string            `json:"incident_id,omitempty"`
	Number     int64             `json:"number,omitempty"`
	Revision   int64             `json:"revision,omitempty"`
	DeliveryID string            `json:"delivery_id"`
	DeviceID   string            `json:"device_id"`
	Severity   incident.Severity `json:"severity,omitempty"`
	Urgency    incident.Urgency  `json:"urgency,omitempty"`
	Status     incident.Status   `json:"status,omitempty"`
	Service    string            `json:"service,omitempty"`
	By         string            `json:"by,omitempty"`
	ChangedAt  string            `json:"changed_at,omitempty"`
	Reassigned bool              `json:"reassigned,omitempty"`
	// Topic, Loud, Count and At are of what is about no incident.
	Topic     string   `json:"topic,omitempty"`
	Loud      bool     `json:"loud,omitempty"`
	Count     int      `json:"count,omitempty"`
	At        string   `json:"at,omitempty"`
	Server    string   `json:"server"`
	ExpiresAt string   `json:"expires_at,omitempty"`
	Privacy   Privacy  `json:"privacy,omitempty"`
	Sealed    string   `json:"sealed,omitempty"`
	Actions   *actions `json:"actions,omitempty"`
}

// body writes the payload, at most limit bytes unless the ids and tokens alone
// are more.
func (n *note) body(limit int) []byte {
	p := n.payload()
	if n.sealed != nil {
		bare := len(encode(&p)) + len(`,"sealed":""`)
		p.Nightbell.Sealed = n.seal(limit - bare)
		p.Nightbell.Privacy = n.privacy()
	}
	out := encode(&p)
	if len(out) <= limit || p.Aps.Alert == nil {
		return out
	}
	alert, nb := p.Aps.Alert, &p.Nightbell
	shrink(limit, func() int { out = encode(&p); return len(out) },
		&alert.Body, &alert.Subtitle, &nb.Service, &alert.Title, &nb.By, &nb.ChangedAt)
	return encode(&p)
}

func (n *note) payload() apnsPayload {
	p := apnsPayload{Nightbell: n.facts()}
	if n.level == levelSilent {
		p.Aps = aps{ContentAvailable: 1}
		return p
	}
	p.Aps = aps{
		Alert:             &apsAlert{Title: n.text.title, Subtitle: n.text.subtitle, Body: n.text.body},
		Sound:             n.sound(),
		InterruptionLevel: n.level,
		RelevanceScore:    n.relevance(),
		ThreadID:          n.job.Delivery.IncidentID,
		Category:          n.category(),
		MutableContent:    1,
	}
	if badge := n.badge; badge >= 0 { // a copy, or the whole note would move to the heap
		p.Aps.Badge = &badge
	}
	return p
}

func (n *note) facts() facts {
	d, t := &n.job.Delivery, &n.job.Content
	f := facts{
		Kind: d.Kind, IncidentID: d.IncidentID, Number: t.Number, Revision: n.revision,
		DeliveryID: d.ID, DeviceID: d.DeviceID, Severity: t.Severity, Urgency: t.Urgency,
		Status: t.Status, Service: n.service, By: n.by, ChangedAt: when(t.ChangedAt),
		Reassigned: t.Reassigned, Server: n.server, ExpiresAt: when(d.ExpiresAt), Privacy: n.privacy(),
	}
	if a := d.About; a != nil {
		f.Topic, f.Loud, f.Count, f.At = a.Topic, a.Loud, a.Count, when(a.At)
	}
	if n.sealed == nil {
		f.Actions = n.buttons.tokens()
	}
	return f
}

// sound rings as hard as the level; a critical alert as loud as its severity.
func (n *note) sound() any {
	switch n.level {
	case levelPassive:
		return nil
	case levelCritical:
		return criticalSound{Critical: 1, Name: "default", Volume: volume(n.job.Content.Severity)}
	default:
		return "default"
	}
}

// relevance orders notifications within a summary, worst first.
func (n *note) relevance() float64 {
	if n.level == levelPassive {
		return 0
	}
	return relevanceOf(n.job.Content.Severity)
}

func relevanceOf(s incident.Severity) float64 {
	switch s {
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
func encode(p any) []byte {
	var b bytes.Buffer
	b.Grow(2048)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		panic("push: plain values do not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
