package push

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
)

// Sizes in bytes. APNs and FCM refuse more than hardLimit; we aim below it to
// leave room for what a sender or a relay adds, and leanLimit is for the
// second try after a provider found even that too large.
const (
	hardLimit = 4096
	softLimit = 3500
	leanLimit = 2048
)

// actionLife is how long a button works after the page was made. It outlives
// the page's own expiry, because a notification is often answered late; the
// incident's end voids it earlier.
const actionLife = 24 * time.Hour

// Composer turns a job into the message its provider wants. It is safe for
// concurrent use; the zero value composes messages without buttons.
type Composer struct {
	// Signer makes the tokens behind the buttons; nil leaves them out.
	Signer Signer
	// BaseURL is where the app finds this server.
	BaseURL string
	zones   zones
}

// Compose builds the message for the job's device.
//
// An error says that the buttons could not be made (no signing key, or they
// alone would not fit). The message is complete without them and should be
// sent: a page that rings without buttons is worth more than none.
func (c *Composer) Compose(j Job) (Message, error) { return c.compose(j, softLimit) }

// ComposeLean is Compose after the provider found the message too large: the
// ids, the buttons and a short title.
func (c *Composer) ComposeLean(j Job) (Message, error) { return c.compose(j, leanLimit) }

func (c *Composer) compose(j Job, limit int) (Message, error) {
	n, err := c.note(j)
	if limit == leanLimit {
		n.text = wording{title: cut(n.text.title, maxService)}
		n.service, n.by = "", ""
	}
	m := Message{
		DeliveryID: j.Delivery.ID, UUID: id.UUID(j.Delivery.ID), Kind: j.Delivery.Kind,
		App: j.Device.App, Environment: j.Device.Environment,
		TargetKind: j.Device.TargetKind, Token: j.Device.Token,
		High: j.Delivery.Kind == Page, CollapseID: n.collapseID, ExpiresAt: j.Delivery.ExpiresAt,
	}
	if n.fill(&m, limit) > hardLimit {
		n.acknowledge, n.resolve = "", ""
		n.fill(&m, limit)
		err = errors.Join(err, fmt.Errorf("the buttons of %s do not fit into %d bytes", j.Delivery.ID, hardLimit))
	}
	return m, err
}

// fill gives the message its provider's form and returns the size in bytes.
func (n note) fill(m *Message, limit int) int {
	switch n.job.Device.Provider {
	case FCM:
		m.Data = n.data(limit)
		return dataSize(m.Data)
	case WebPush:
		m.Body, m.Keys = n.web(limit), n.job.Device.Keys
		return len(m.Body) + webOverhead
	case Email, Webhook, SMS, Voice:
		m.Letter, m.Keys = n.letter(), n.job.Device.Keys
		return letterSize
	}
	m.Body = n.body(limit)
	return len(m.Body)
}

// note is all that one notification says, before it takes a platform's form.
type note struct {
	text       wording
	level      level
	job        Job
	revision   int64
	collapseID string
	service    string
	by         string
	server     string
	// acknowledge and resolve are the buttons' tokens; empty: no such button.
	acknowledge string
	resolve     string
}

// note gathers the facts, the words and the buttons.
func (c *Composer) note(j Job) (note, error) {
	n := note{
		text: c.words(j), level: levelOf(j), job: j,
		revision:   j.revision(),
		collapseID: CollapseID(j.Delivery.IncidentID),
		service:    cut(clean(j.Content.ServiceName), maxService),
		by:         cut(clean(j.Content.By), maxName),
		server:     c.BaseURL,
	}
	var err error
	switch {
	case c.Signer == nil, j.Content.Reassigned, j.Content.Status == incident.Resolved:
		return n, nil
	case j.Content.Status == incident.Triggered:
		n.acknowledge, err = c.sign(j, "acknowledge")
	}
	var errResolve error
	n.resolve, errResolve = c.sign(j, "resolve")
	return n, errors.Join(err, errResolve)
}

func (c *Composer) sign(j Job, action string) (string, error) {
	d := j.Delivery
	token, err := c.Signer.SignAction(Action{
		Name: action, IncidentID: d.IncidentID, DeliveryID: d.ID,
		UserID: d.UserID, DeviceID: d.DeviceID, ExpiresAt: d.CreatedAt.Add(actionLife),
	})
	if err != nil {
		return "", fmt.Errorf("signing the %s button of %s: %w", action, d.ID, err)
	}
	return token, nil
}

// category names the set of buttons the app registered for what may still be
// done; empty means none.
func (n note) category() string {
	switch {
	case n.acknowledge != "":
		return "NIGHTBELL_INCIDENT"
	case n.resolve != "":
		return "NIGHTBELL_ACKNOWLEDGED"
	default:
		return ""
	}
}

// CollapseID is the name under which a phone keeps one notification of the
// incident: a later one replaces it. 35 bytes; APNs allows 64.
func CollapseID(incidentID string) string {
	sum := sha256.Sum256([]byte(incidentID))
	return "nb-" + hex.EncodeToString(sum[:16])
}

// level is how hard the notification knocks.
type level string

const (
	levelCritical level = "critical"       // through mute and Focus
	levelUrgent   level = "time-sensitive" // through Focus
	levelActive   level = "active"         // sound, like any app
	levelPassive  level = "passive"        // silently rewritten
)

// levelOf follows the urgency as far as the person has allowed: asking for
// more than was granted is quietly lowered by the phone, so we ask honestly.
func levelOf(j Job) level {
	can := j.Device.Capabilities
	switch {
	case j.Delivery.Kind != Page:
		return levelPassive
	case j.Content.Urgency != incident.High:
		return levelActive
	case can.Critical:
		return levelCritical
	case can.TimeSensitive || j.Device.Platform == Android:
		return levelUrgent
	default:
		return levelActive
	}
}

// shrink shortens the texts, first to last, until size is within limit. What
// is not listed (ids, tokens) is never touched.
func shrink(limit int, size func() int, texts ...*string) {
	for _, t := range texts {
		over := size() - limit
		if over <= 0 {
			return
		}
		*t = cut(*t, max(0, len(*t)-over))
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
