package webhook

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
)

// Event is the body of a webhook; docs/webhooks.md describes it.
type Event struct {
	// ID is the delivery's, the same at each attempt.
	ID   string    `json:"id"`
	Type string    `json:"type"`
	At   time.Time `json:"at"`
	// UserID is whom it is for, ContactMethodID the address it was sent to.
	UserID          string            `json:"user_id"`
	ContactMethodID string            `json:"contact_method_id"`
	Title           string            `json:"title"`
	Body            string            `json:"body,omitempty"`
	Incident        *Incident         `json:"incident,omitempty"`
	Actions         map[string]Action `json:"actions,omitempty"`
}

// Incident is the incident as of sending.
type Incident struct {
	ID         string            `json:"id"`
	Number     int64             `json:"number"`
	Revision   int64             `json:"revision"`
	Title      string            `json:"title"`
	Service    string            `json:"service"`
	Severity   incident.Severity `json:"severity"`
	Urgency    incident.Urgency  `json:"urgency"`
	Status     incident.Status   `json:"status"`
	ChangedAt  time.Time         `json:"changed_at,omitzero"`
	ChangedBy  string            `json:"changed_by,omitempty"`
	Reassigned bool              `json:"reassigned,omitempty"`
}

// Action is something that may be done: POST {"token": …} to URL. Page asks a
// person first.
type Action struct {
	Token string `json:"token"`
	URL   string `json:"url"`
	Page  string `json:"page"`
}

// body writes the event of a letter.
func body(m push.Message) ([]byte, error) {
	l := m.Letter
	e := Event{
		ID: m.DeliveryID, Type: eventType(m), At: l.CreatedAt.UTC(), UserID: l.UserID, ContactMethodID: l.DeviceID, Title: l.Title, Body: l.Body,
	}
	if l.IncidentID != "" {
		_, title, _ := strings.Cut(l.What, " ")
		e.Incident = &Incident{
			ID: l.IncidentID, Number: l.Number, Revision: l.Revision, Title: title, Service: l.Service,
			Severity: l.Severity, Urgency: l.Urgency, Status: l.Status, ChangedAt: l.ChangedAt.UTC(), ChangedBy: l.By, Reassigned: l.Reassigned,
		}
	}
	for name, token := range map[string]string{"acknowledge": l.Acknowledge, "resolve": l.Resolve} {
		if token == "" {
			continue
		}
		if e.Actions == nil {
			e.Actions = map[string]Action{}
		}
		server := strings.TrimSuffix(l.Server, "/")
		e.Actions[name] = Action{Token: token, URL: server + "/v1/actions", Page: server + "/act?token=" + url.QueryEscape(token)}
	}
	return json.Marshal(e)
}

// eventType says what happened. Receivers must expect types they do not know.
func eventType(m push.Message) string {
	l := m.Letter
	switch {
	case m.Kind == push.Page:
		return "incident.triggered"
	case m.Kind == push.Settle && l.Reassigned:
		return "incident.reassigned"
	case m.Kind == push.Settle && l.Status == incident.Resolved:
		return "incident.resolved"
	case m.Kind == push.Settle:
		return "incident.acknowledged"
	case m.Kind == push.Update:
		return "incident.updated"
	default:
		return string(m.Kind)
	}
}
