package push

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// actionLife is how long a button works after the page was made. It outlives
// the page's own expiry, because a notification is often answered late; the
// incident's end voids it earlier.
const actionLife = 24 * time.Hour

// What buttons do.
const (
	actionAcknowledge = "acknowledge"
	actionResolve     = "resolve"
)

// buttons are the sealed tokens of what may still be done; empty: no such
// button.
type buttons struct {
	acknowledge string
	resolve     string
}

func (b buttons) none() bool { return b == buttons{} }

// buttons signs a token for each thing that may still be done.
func (c *Composer) buttons(j *Job) (b buttons, err error) {
	var errAck, errResolve error
	switch {
	case c.Signer == nil, j.Delivery.IncidentID == "", j.Content.Reassigned, j.Content.Status == incident.Resolved, j.Delivery.Kind == Activity:
		return b, nil
	case j.Content.Status == incident.Triggered:
		b.acknowledge, errAck = c.sign(j, actionAcknowledge)
	}
	b.resolve, errResolve = c.sign(j, actionResolve)
	return b, errors.Join(errAck, errResolve)
}

func (c *Composer) sign(j *Job, action string) (string, error) {
	d := &j.Delivery
	token, err := c.Signer.SignAction(Action{
		Name: action, IncidentID: d.IncidentID, DeliveryID: d.ID,
		UserID: d.UserID, DeviceID: d.DeviceID, ExpiresAt: d.CreatedAt.Add(actionLife),
	})
	if err != nil {
		return "", fmt.Errorf("signing the %s button of %s: %w", action, d.ID, err)
	}
	return token, nil
}

// Categories the app registers: a set of buttons each, and which of them need
// an unlocked phone. Acknowledge is always the first: a watch's double tap
// takes the first.
const (
	categoryIncident     = "NIGHTBELL_INCIDENT"     // acknowledge, resolve
	categoryAcknowledged = "NIGHTBELL_ACKNOWLEDGED" // resolve
	resolveLocked        = "_RESOLVE_LOCKED"
	acknowledgeLocked    = "_ACKNOWLEDGE_LOCKED"
	allLocked            = "_ALL_LOCKED"
)

// category names the set of buttons for what may still be done; empty means
// none. Every name it gives is in docs/mobile.md.
func (n *note) category() string {
	ack, resolve := n.options.locks(actionAcknowledge), n.options.locks(actionResolve)
	switch b := n.buttons; {
	case b.acknowledge != "" && ack && resolve:
		return categoryIncident + allLocked
	case b.acknowledge != "" && ack:
		return categoryIncident + acknowledgeLocked
	case b.acknowledge != "" && resolve:
		return categoryIncident + resolveLocked
	case b.acknowledge != "":
		return categoryIncident
	case b.resolve != "" && resolve:
		return categoryAcknowledged + resolveLocked
	case b.resolve != "":
		return categoryAcknowledged
	default:
		return ""
	}
}

// unlock lists what needs an unlocked phone, of what there are buttons for.
func (n *note) unlock() string {
	var out []string
	if n.buttons.acknowledge != "" && n.options.locks(actionAcknowledge) {
		out = append(out, actionAcknowledge)
	}
	if n.buttons.resolve != "" && n.options.locks(actionResolve) {
		out = append(out, actionResolve)
	}
	return strings.Join(out, ",")
}

func (o AppOptions) locks(action string) bool { return slices.Contains(o.Unlock, action) }

// actionTitles are the buttons' words as a JSON object, for platforms whose
// buttons the app draws.
func (n *note) actionTitles() string {
	return n.speaks.titles[n.buttons.acknowledge != ""][n.buttons.resolve != ""]
}

// titles are what actionTitles gives, made once for each language: with an
// acknowledge button or without, with a resolve button or without.
type titles map[bool]map[bool]string

func (l *Language) makeTitles() titles {
	ack, resolve := l.Say("action.acknowledge"), l.Say("action.resolve")
	return titles{
		true: {
			true:  string(encode(&actions{Acknowledge: ack, Resolve: resolve})),
			false: string(encode(&actions{Acknowledge: ack})),
		},
		false: {true: string(encode(&actions{Resolve: resolve}))},
	}
}

// actions is a word for each button, by what it does.
type actions struct {
	Acknowledge string `json:"acknowledge,omitempty"`
	Resolve     string `json:"resolve,omitempty"`
}

// tokens are the buttons as the app finds them; nil for none.
func (b buttons) tokens() *actions {
	if b.none() {
		return nil
	}
	return &actions{Acknowledge: b.acknowledge, Resolve: b.resolve}
}
