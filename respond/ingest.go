package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
)

// EventAction is what a sender wants of its alert.
type EventAction string

// The three actions of the Events API v2.
const (
	EventTrigger     EventAction = "trigger"
	EventAcknowledge EventAction = "acknowledge"
	EventResolve     EventAction = "resolve"
)

// Event is one decoded and checked monitoring event.
type Event struct {
	RoutingKey string
	Action     EventAction
	// DedupKey is never empty here: api mints one when a trigger brings none.
	DedupKey  string
	Summary   string
	Source    string
	Severity  incident.Severity
	Component string
	Group     string
	Class     string
	Client    string
	ClientURL string
	At        time.Time       // the sender's own time, zero if none
	Details   json.RawMessage // custom_details as sent
	Payload   json.RawMessage // the whole event, to keep
}

// Receipt is the promise given for an event (I1).
type Receipt struct{ DedupKey string }

// fingerprint tells contents apart. Details are left out on purpose: metric
// values change with every repeat, and a repeat is not a new alert.
func (e Event) fingerprint() string {
	h := sha256.New()
	for _, s := range [...]string{e.Summary, e.Source, string(e.Severity), e.Component, e.Group, e.Class} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// EventKey is the key that events of one dedup key are written under, so that
// they run in order. A store may read it to look many of them up at once.
func EventKey(integrationID, dedupKey string) string { return integrationID + "\x00" + dedupKey }

// ParseEventKey is the inverse of EventKey; ok is false for keys of other writes.
func ParseEventKey(key string) (integrationID, dedupKey string, ok bool) {
	return strings.Cut(key, "\x00")
}

// Ingest makes an event durable and lets it do its work. When it returns nil,
// the event, the incident it concerns and the pages it causes are on disk.
//
// An unknown routing key is fault.Invalid with code unknown_routing_key.
// Acknowledge and resolve without an open alert are accepted and do nothing.
func (d *Desk) Ingest(ctx context.Context, e Event) (Receipt, error) {
	in, err := d.integration(ctx, e.RoutingKey)
	if err != nil {
		return Receipt{}, err
	}
	err = d.write(ctx, "event", EventKey(in.ID, e.DedupKey), func(w *work) error {
		by := incident.Actor{Kind: incident.ActorIntegration, ID: in.ID, Name: in.Name, Via: "event"}
		open, found, err := w.tx.FindOpen(in.ID, e.DedupKey)
		switch {
		case err != nil:
			return err
		case e.Action == EventTrigger && !found:
			return w.openCase(in, e, by)
		case e.Action == EventTrigger && open.Fingerprint == e.fingerprint():
			return w.tx.CountAlert(open.AlertID, w.now)
		case e.Action == EventTrigger:
			return w.addAlert(open, in, e, by)
		case !found:
			return nil
		case e.Action == EventAcknowledge:
			return w.change(open.IncidentID, by, func(i incident.Incident) (incident.Change, error) { return i.Acknowledge(by, w.now) })
		default:
			return w.closeKey(in.ID, e.DedupKey, open.IncidentID, by)
		}
	})
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{DedupKey: e.DedupKey}, nil
}

// integration finds the sender's door in memory; only a key this node has
// never seen costs a (rate-bounded) look whether another node has added it.
func (d *Desk) integration(ctx context.Context, routingKey string) (Integration, error) {
	if in, ok := d.store.Catalog().Integrations[routingKey]; ok {
		return in, nil
	}
	cat, err := d.store.Refresh(ctx)
	if err != nil {
		return Integration{}, err
	}
	if in, ok := cat.Integrations[routingKey]; ok {
		return in, nil
	}
	return Integration{}, fault.Field("routing_key", "unknown_routing_key",
		"routing_key belongs to no integration here; copy the key of the integration you mean to send to")
}

// openCase opens an incident for a free dedup key and starts its plan.
func (w *work) openCase(in Integration, e Event, by incident.Actor) error {
	cat := w.tx.Catalog()
	svc, ok := cat.Services[in.ServiceID]
	if !ok {
		return fault.Field("routing_key", "unknown_routing_key", "the service behind this routing_key no longer exists; use another integration's key")
	}
	ch := incident.Open(incident.Opening{
		ID: id.New(id.Incident), ServiceID: svc.ID, ServiceName: svc.Name, IntegrationID: in.ID, DedupKey: e.DedupKey,
		Title: e.Summary, Severity: e.Severity, Urgency: svc.Urgency.Of(e.Severity),
		AckTimeout: svc.AckTimeout, AutoResolve: svc.AutoResolve, At: w.now, By: by,
	})
	c := Case{Plan: oncall.Freeze(cat.Policies[svc.PolicyID])}
	w.opening = true
	if err := w.apply(&c, ch, by); err != nil {
		return err
	}
	if err := w.insert(&c); err != nil {
		return err
	}
	if err := w.tx.AddAlert(w.alert(c.Incident.ID, in, e)); err != nil {
		return err
	}
	return w.finish(&c)
}

// maxContents bounds the alerts of one key: a sender that writes a metric's
// value into its summary would otherwise add a row with each event.
const maxContents = 100

// addAlert notes different content under a key that is open: no new page.
// Content that came before is counted, and so is what is beyond maxContents, on
// the newest alert.
//
// The incident is locked before its key, as whoever resolves it does: the other
// way round the two would deadlock.
func (w *work) addAlert(open OpenAlert, in Integration, e Event, by incident.Actor) error {
	seen, distinct, err := w.tx.SeenAlert(in.ID, e.DedupKey, e.fingerprint())
	switch {
	case err != nil:
		return err
	case seen != "":
		return w.tx.CountAlert(seen, w.now)
	case distinct >= maxContents:
		return w.tx.CountAlert(open.AlertID, w.now)
	}
	a := w.alert(open.IncidentID, in, e)
	err = w.change(open.IncidentID, by, func(i incident.Incident) (incident.Change, error) {
		return i.AlertAdded(incident.AlertInfo{ID: a.ID, Summary: a.Summary, Severity: a.Severity}, by, w.now)
	})
	if err != nil {
		return err
	}
	return w.tx.AddAlert(a)
}

// closeKey resolves what one dedup key stands for, and the incident with its last key.
func (w *work) closeKey(integrationID, dedupKey, incidentID string, by incident.Actor) error {
	left, err := w.tx.CloseKey(integrationID, dedupKey, incidentID, w.now)
	if err != nil || left > 0 {
		return err
	}
	return w.change(incidentID, by, func(i incident.Incident) (incident.Change, error) { return i.Resolve(by, w.now) })
}

func (w *work) alert(incidentID string, in Integration, e Event) Alert {
	return Alert{
		ID: id.New(id.Alert), IncidentID: incidentID, ServiceID: in.ServiceID, IntegrationID: in.ID,
		DedupKey: e.DedupKey, Fingerprint: e.fingerprint(), Severity: e.Severity, Summary: e.Summary,
		Source: e.Source, Payload: e.Payload, Count: 1, FirstAt: w.now, LastAt: w.now,
	}
}

// Change is one decoded change event.
type Change struct {
	RoutingKey string
	Summary    string
	Source     string
	At         time.Time // zero: now
	Payload    json.RawMessage
}

// IngestChange keeps a change event; it pages nobody.
func (d *Desk) IngestChange(ctx context.Context, c Change) error {
	in, err := d.integration(ctx, c.RoutingKey)
	if err != nil {
		return err
	}
	return d.write(ctx, "change", in.ID, func(w *work) error {
		at := c.At
		if at.IsZero() {
			at = w.now
		}
		return w.tx.AddChange(ChangeEvent{
			ID: id.New(id.Change), ServiceID: in.ServiceID, IntegrationID: in.ID, Summary: c.Summary,
			Source: c.Source, At: at.UTC().Truncate(time.Microsecond), Payload: c.Payload, ReceivedAt: w.now,
		})
	})
}
