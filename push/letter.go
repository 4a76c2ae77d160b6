package push

import (
	"time"

	"github.com/nightbell/nightbell/incident"
)

// Letter is what an address gets: the words and facts of a notification,
// before e-mail, webhook or telephone give them their form.
type Letter struct {
	// Title, Service and Body are for people, in the reader's own language.
	Title   string
	Service string
	Body    string
	// What is the incident in one line, the same in each letter about it:
	// "#12 Checkout is down".
	What       string
	IncidentID string
	UserID     string
	DeviceID   string // the address's id
	Number     int64
	Revision   int64
	Severity   incident.Severity
	Urgency    incident.Urgency
	Status     incident.Status
	By         string
	ChangedAt  time.Time
	Reassigned bool
	CreatedAt  time.Time
	// Server is the instance's public address.
	Server string
	// Acknowledge and Resolve are action tokens; empty: no such action.
	Acknowledge string
	Resolve     string
	// Say are the fixed phrases around them, in the reader's language.
	Say LetterPhrases
	// About is what is said where no incident says it; nil for most.
	About *About
}

// LetterPhrases are the words of a letter that are the same in each.
type LetterPhrases struct {
	Acknowledge string // a button
	Resolve     string // a button
	Why         string // why the reader gets this
	Reply       string // how to answer a text message
}

func (n *note) letter() *Letter {
	d, t := n.job.Delivery, n.job.Content
	return &Letter{
		Title: n.text.title, Service: n.service, Body: n.text.body, What: n.what(),
		IncidentID: d.IncidentID, UserID: d.UserID, DeviceID: d.DeviceID, Number: t.Number, Revision: n.revision, Severity: t.Severity, Urgency: t.Urgency,
		Status: t.Status, By: n.by, ChangedAt: t.ChangedAt, Reassigned: t.Reassigned, CreatedAt: d.CreatedAt,
		Server: n.server, Acknowledge: n.buttons.acknowledge, Resolve: n.buttons.resolve, Say: n.phrases(), About: d.About,
	}
}

// what names the incident; a letter about none has its title alone.
func (n *note) what() string {
	if n.job.Delivery.IncidentID == "" {
		return n.text.title
	}
	return cut("#"+itoa(n.job.Content.Number)+" "+clean(n.job.Content.Title), maxTitle)
}

func (n *note) phrases() LetterPhrases {
	return LetterPhrases{
		Acknowledge: n.speaks.Say("action.acknowledge"), Resolve: n.speaks.Say("action.resolve"),
		Why: n.speaks.Say("letter.why"), Reply: n.speaks.Say("letter.reply"),
	}
}

// letterSize is counted for no letter: e-mail and webhooks take far more than
// the texts may have, and the telephone cuts by itself.
const letterSize = 0
