package push

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nightbell/nightbell/id"
)

// Sizes in bytes. APNs and FCM refuse more than hardLimit; we aim below it to
// leave room for what a sender or a relay adds, and leanLimit is for the
// second try after a provider found even that too large.
const (
	hardLimit = 4096
	softLimit = 3500
	leanLimit = 2048
)

// Composer turns a job into the message its provider wants. It is safe for
// concurrent use; the zero value composes messages in the built-in languages,
// without buttons and without badges.
type Composer struct {
	// Signer makes the tokens behind the buttons; nil leaves them out.
	Signer Signer
	// BaseURL is where the app finds this server.
	BaseURL string
	// Words are the languages; nil means the built-in ones.
	Words *Words
	// Options gives what is configured for a push app; nil means nothing is.
	Options func(p Provider, app string) AppOptions
	// Badges counts people's open incidents; nil leaves the badge as it is.
	Badges *Badges

	builtin sync.Once
	zones   zones
}

func (c *Composer) words() *Words {
	c.builtin.Do(func() {
		if c.Words == nil {
			c.Words = BuiltinWords()
		}
	})
	return c.Words
}

func (c *Composer) options(d Device) AppOptions {
	if c.Options == nil {
		return AppOptions{}
	}
	return c.Options(d.Provider, d.App)
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
	n, err := c.note(&j)
	if limit == leanLimit {
		n.text = wording{title: cut(n.text.title, maxService)}
		n.service, n.by = "", ""
	}
	n.protect()
	m := n.envelope()
	if n.fill(&m, limit) > hardLimit {
		n.buttons = buttons{}
		n.fill(&m, limit)
		err = errors.Join(err, fmt.Errorf("the buttons of %s do not fit into %d bytes", j.Delivery.ID, hardLimit))
	}
	m.Downgrade = n.downgrade
	return m, err
}

// note is all that one notification says, before it takes a platform's form.
type note struct {
	text       wording
	level      level
	downgrade  string
	job        *Job
	speaks     writer
	options    AppOptions
	revision   int64
	collapseID string
	service    string
	by         string
	server     string
	badge      int // below zero: leave it as it is
	buttons    buttons
	// sealed is what only the device may read; nil when nothing is.
	sealed *secret
}

// note gathers the facts, the words and the buttons.
func (c *Composer) note(j *Job) (note, error) {
	if j.escalatedAway() {
		j.Content.Reassigned = false // it went on, but was not taken away
	}
	n := note{
		job: j, speaks: c.writer(j), options: c.options(j.Device),
		revision:   j.revision(),
		collapseID: collapseOf(&j.Delivery),
		service:    cut(clean(j.Content.ServiceName), maxService),
		by:         cut(clean(j.Content.By), maxName),
		server:     c.BaseURL,
		badge:      -1,
	}
	n.text = n.speaks.words(j)
	n.level, n.downgrade = levelOf(j)
	if c.Badges != nil && n.level != levelSilent {
		n.badge = c.Badges.Count(j.Delivery.UserID, j.Delivery.IncidentID, j.Content.Theirs)
	}
	var err error
	n.buttons, err = c.buttons(j)
	return n, err
}

// envelope is the message without what is in it.
func (n *note) envelope() Message {
	d, v := &n.job.Delivery, &n.job.Device
	return Message{
		DeliveryID: d.ID, UUID: id.UUID(d.ID), Kind: d.Kind,
		App: v.App, Environment: v.Environment, TargetKind: v.TargetKind, Token: v.Token,
		High: rings(d), CollapseID: n.collapseID, ExpiresAt: d.ExpiresAt,
		Level: string(n.level), Background: d.Kind == Probe && v.Provider == APNs,
	}
}

// fill gives the message its provider's form and returns the size in bytes.
func (n *note) fill(m *Message, limit int) int {
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
	m.Body = n.inner(m, limit)
	return len(m.Body)
}

// inner is the JSON that Apple carries.
func (n *note) inner(m *Message, limit int) []byte {
	if n.job.Delivery.Kind == Activity {
		return n.activity(m, limit)
	}
	return n.body(limit)
}

// CollapseID is the name under which a phone keeps one notification of the
// incident: a later one replaces it. 35 bytes; APNs allows 64.
func CollapseID(incidentID string) string {
	sum := sha256.Sum256([]byte(incidentID))
	return "nb-" + hex.EncodeToString(sum[:16])
}

// collapseOf names what the delivery replaces on the phone. What is about no
// incident replaces the last of its own kind.
func collapseOf(d *Delivery) string {
	switch {
	case d.IncidentID != "":
		return CollapseID(d.IncidentID)
	case d.Kind == Probe:
		return ""
	case d.Kind == Notice && d.About != nil:
		return CollapseID("notice " + d.About.Topic)
	default:
		return "nb-" + string(d.Kind)
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
