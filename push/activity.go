package push

import (
	"time"

	"github.com/nightbell/nightbell/incident"
)

// What a Live Activity is told, as About.Event.
const (
	ActivityStart  = "start"
	ActivityUpdate = "update"
	ActivityEnd    = "end"
)

const (
	// attributesType is the app's ActivityAttributes structure.
	attributesType = "NightbellIncidentAttributes"
	// activityFresh is how long an activity counts as current when nothing is
	// due to happen to its incident.
	activityFresh = 15 * time.Minute
	// pushTypeActivity is Apple's word, and the ending of the topic.
	pushTypeActivity = "liveactivity"
)

// activityPayload is what iOS reads to start, change or end a Live Activity.
type activityPayload struct {
	Aps activityAps `json:"aps"`
}

type activityAps struct {
	// Timestamp orders them: iOS ignores what is older than what it shows.
	Timestamp    int64         `json:"timestamp"`
	Event        string        `json:"event"`
	ContentState activityState `json:"content-state"`
	// AttributesType, Attributes, Alert and InputPushToken are the start's;
	// the last asks the activity for a token of its own.
	AttributesType string              `json:"attributes-type,omitempty"`
	Attributes     *activityAttributes `json:"attributes,omitempty"`
	Alert          *apsAlert           `json:"alert,omitempty"`
	InputPushToken int                 `json:"input-push-token,omitempty"`
	StaleDate      int64               `json:"stale-date,omitempty"`
	DismissalDate  int64               `json:"dismissal-date,omitempty"`
	RelevanceScore float64             `json:"relevance-score,omitempty"`
}

// activityAttributes are what never changes while the activity runs.
type activityAttributes struct {
	IncidentID string `json:"incident_id"`
	DeviceID   string `json:"device_id"`
	Server     string `json:"server"`
}

// activityState is the app's ContentState: absolute values.
type activityState struct {
	Number    int64             `json:"number"`
	Title     string            `json:"title,omitempty"`
	Status    incident.Status   `json:"status"`
	Severity  incident.Severity `json:"severity"`
	Service   string            `json:"service,omitempty"`
	By        string            `json:"by,omitempty"`
	ChangedAt string            `json:"changed_at,omitempty"`
	Revision  int64             `json:"revision"`
}

// activity writes the payload for a Live Activity. An activity has no
// extension that could open a seal, so a sealed app's shows ids only.
func (n *note) activity(m *Message, limit int) []byte {
	d, t := &n.job.Delivery, &n.job.Content
	m.PushType, m.Priority, m.CollapseID = pushTypeActivity, 5, ""
	event := ActivityUpdate
	if a := d.About; a != nil && a.Event != "" {
		event = a.Event
	}
	if d.About != nil && d.About.Loud {
		m.Priority = 10
	}
	p := activityPayload{Aps: activityAps{
		Timestamp: t.ChangedAt.Unix(), Event: event,
		ContentState: activityState{
			Number: t.Number, Title: n.title(), Status: t.Status, Severity: t.Severity, Service: n.service, By: n.by,
			ChangedAt: when(t.ChangedAt), Revision: n.revision,
		},
	}}
	n.eventful(&p.Aps, m)
	s := &p.Aps.ContentState
	texts := []*string{&s.Title, &s.Service, &s.By}
	if p.Aps.Alert != nil {
		texts = append([]*string{&p.Aps.Alert.Body, &p.Aps.Alert.Subtitle, &p.Aps.Alert.Title}, texts...)
	}
	shrink(limit, func() int { return len(encode(&p)) }, texts...)
	return encode(&p)
}

// eventful fills what belongs to a start, an update or an end.
func (n *note) eventful(aps *activityAps, m *Message) {
	d, t := &n.job.Delivery, &n.job.Content
	m.TargetKind = TokenTarget
	switch aps.Event {
	case ActivityStart:
		m.Token = n.job.Device.LiveActivity.StartToken
		aps.AttributesType, aps.InputPushToken = attributesType, 1
		aps.Attributes = &activityAttributes{d.IncidentID, d.DeviceID, n.server}
		aps.Alert = &apsAlert{Title: n.text.title, Subtitle: n.text.subtitle, Body: n.text.body}
	case ActivityEnd:
		m.Token = n.job.ActivityToken
		aps.DismissalDate = d.About.At.Unix()
		return // it is over: nothing to go stale, nothing to be ordered
	default:
		m.Token = n.job.ActivityToken
	}
	aps.StaleDate = t.ChangedAt.Add(activityFresh).Unix()
	if !t.StaleAt.IsZero() && t.Status == incident.Triggered {
		aps.StaleDate = t.StaleAt.Unix()
	}
	aps.RelevanceScore = 100 * relevanceOf(t.Severity)
}

// title is the incident's, as far as the app's privacy lets it out.
func (n *note) title() string {
	if n.privacy() != "" {
		return ""
	}
	return cut(n.speaks.what(n.job.Content), maxTitle)
}

// unwantedActivity says why a Live Activity is not told any more.
func unwantedActivity(j *Job) string {
	event := ActivityUpdate
	if j.Delivery.About != nil {
		event = j.Delivery.About.Event
	}
	switch {
	case event == ActivityEnd:
		return ""
	case event == ActivityStart && j.Content.Status != incident.Triggered:
		return "the incident was " + string(j.Content.Status) + " before the Live Activity could start"
	case j.Content.Status == incident.Resolved || j.Content.Status == incident.Triggered && !j.Content.Theirs:
		return "the incident is over or no longer theirs, which ends the Live Activity instead"
	}
	return ""
}

// endsActivity reports whether the answer proves that the Live Activity, or
// the app's token to start one, is gone. It proves nothing of the device,
// whose own token is another.
func (o Outcome) endsActivity() bool {
	return o.Result.Class == ClassTokenDead || o.Result.Class == ClassTokenSuspect
}
