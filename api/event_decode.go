package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/respond"
)

// Limits of an event's texts, in characters. A summary is cut, because a page
// that says less is better than none; a dedup key is refused, because a cut
// one would be another incident's.
const (
	maxSummary    = 1024
	maxDedupKey   = 255
	routingKeyLen = 32
)

// eventBody is an event as senders write it.
type eventBody struct {
	RoutingKey text            `json:"routing_key"`
	Action     text            `json:"event_action"`
	DedupKey   text            `json:"dedup_key"`
	Client     text            `json:"client"`
	ClientURL  text            `json:"client_url"`
	Payload    json.RawMessage `json:"payload"`
	Images     json.RawMessage `json:"images"`
	Links      json.RawMessage `json:"links"`
}

type eventPayload struct {
	Summary   text            `json:"summary"`
	Source    text            `json:"source"`
	Severity  text            `json:"severity"`
	Component text            `json:"component"`
	Group     text            `json:"group"`
	Class     text            `json:"class"`
	Timestamp text            `json:"timestamp"`
	Details   json.RawMessage `json:"custom_details"`
}

// decodeEvent reads an alert event liberally and says all that is wrong with
// it. key is the routing key of the address, if it had one; it counts.
func decodeEvent(key string, body []byte) (respond.Event, *eventRefusal) {
	in, p, wrong := readEvent(body)
	if wrong != nil {
		return respond.Event{}, wrong
	}
	if key != "" {
		in.RoutingKey = text(key)
	}
	e := respond.Event{
		RoutingKey: string(in.RoutingKey), Action: respond.EventAction(lower(in.Action)), DedupKey: string(in.DedupKey),
		Summary: cut(string(p.Summary)), Source: cut(string(p.Source)), Severity: incident.Severity(lower(p.Severity)),
		Component: cut(string(p.Component)), Group: cut(string(p.Group)), Class: cut(string(p.Class)),
		Client: cut(string(in.Client)), ClientURL: cut(string(in.ClientURL)), At: moment(p.Timestamp), Details: p.Details,
	}
	if errs := complaints(e); len(errs) > 0 {
		return respond.Event{}, refusedFields(knownAction(e.Action), errs)
	}
	if e.DedupKey == "" {
		e.DedupKey = mintKey()
	}
	e.Payload = keep(e, in)
	return e, nil
}

// readEvent takes the JSON apart. What is no object has no fields: the
// complaints will name them.
func readEvent(body []byte) (in eventBody, p eventPayload, wrong *eventRefusal) {
	body = tidy(body)
	if err := json.Unmarshal(body, &in); err != nil {
		return in, p, refusedJSON(err)
	}
	if isObject(in.Payload) {
		if err := json.Unmarshal(in.Payload, &p); err != nil {
			return in, p, refusedJSON(err)
		}
	} else {
		in.Payload = nil
	}
	return in, p, nil
}

// complaints names everything that is missing or wrong.
func complaints(e respond.Event) (errs []string) {
	say := func(bad bool, sentence string) {
		if bad {
			errs = append(errs, sentence)
		}
	}
	say(e.RoutingKey == "", "'routing_key' is missing or blank")
	say(e.RoutingKey != "" && len(e.RoutingKey) != routingKeyLen, "'routing_key' must have 32 characters; copy the key of the integration you mean to send to")
	say(e.Action == "", "'event_action' is missing or blank")
	say(e.Action != "" && knownAction(e.Action) == "", "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
	say(tooLong(e.DedupKey, maxDedupKey), "'dedup_key' is too long (at most 255 characters)")
	switch e.Action {
	case respond.EventTrigger:
		say(isBlank(e.Summary), "'payload.summary' is missing or blank")
		say(isBlank(e.Source), "'payload.source' is missing or blank")
		say(e.Severity == "", "'payload.severity' is missing or blank")
		say(e.Severity != "" && !knownSeverity(e.Severity), "'payload.severity' is invalid (must be one of the following: 'critical', 'error', 'warning' or 'info')")
	case respond.EventAcknowledge, respond.EventResolve:
		say(e.DedupKey == "", "'dedup_key' is missing or blank")
	}
	return errs
}

func knownAction(a respond.EventAction) string {
	switch a {
	case respond.EventTrigger, respond.EventAcknowledge, respond.EventResolve:
		return string(a)
	default:
		return ""
	}
}

func knownSeverity(s incident.Severity) bool {
	return s == incident.Critical || s == incident.Error || s == incident.Warning || s == incident.Info
}

// decodeChange reads a change event.
func decodeChange(body []byte) (respond.Change, *eventRefusal) {
	in, p, wrong := readEvent(body)
	if wrong != nil {
		wrong.action = "change"
		return respond.Change{}, wrong
	}
	c := respond.Change{
		RoutingKey: string(in.RoutingKey), Summary: cut(string(p.Summary)), Source: cut(string(p.Source)), At: moment(p.Timestamp),
	}
	var errs []string
	switch {
	case c.RoutingKey == "":
		errs = append(errs, "'routing_key' is missing or blank")
	case len(c.RoutingKey) != routingKeyLen:
		errs = append(errs, "'routing_key' must have 32 characters; copy the key of the integration you mean to send to")
	}
	if isBlank(c.Summary) {
		errs = append(errs, "'payload.summary' is missing or blank")
	}
	if errs != nil {
		return respond.Change{}, refusedFields("change", errs)
	}
	c.Payload = keep(respond.Event{}, in)
	return c, nil
}

// keep is the event as it is stored: everything but the routing key, which is
// a secret, and the images and links that are none. The raw parts are valid
// JSON already.
func keep(e respond.Event, in eventBody) json.RawMessage {
	b := make([]byte, 0, 192+len(in.Payload)+len(in.Images)+len(in.Links))
	b = append(b, '{')
	b = appendField(b, "event_action", string(e.Action))
	b = appendField(b, "dedup_key", e.DedupKey)
	b = appendField(b, "client", e.Client)
	b = appendField(b, "client_url", e.ClientURL)
	b = appendRaw(b, "payload", in.Payload)
	b = appendRaw(b, "images", usable[image](in.Images))
	b = appendRaw(b, "links", usable[link](in.Links))
	return append(b, '}')
}

func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(appendName(b, name), value)
}

func appendRaw(b []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return b
	}
	return append(appendName(b, name), value...)
}

func appendName(b []byte, name string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(appendString(b, name), ':')
}

// mintKey is the dedup key of a trigger that brought none.
func mintKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

func lower(t text) string { return strings.ToLower(strings.TrimSpace(string(t))) }

// cut shortens text to what is kept of it, on a character's boundary.
func cut(s string) string {
	if len(s) <= maxSummary {
		return s
	}
	n := 0
	for i := range s {
		if n == maxSummary {
			return s[:i]
		}
		n++
	}
	return s
}

func tooLong(s string, most int) bool { return len(s) > most && utf8.RuneCountInString(s) > most }

// stamps are the ways senders write times, most usual first.
var stamps = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999 -0700 MST", time.RFC1123Z, time.RFC1123,
}
