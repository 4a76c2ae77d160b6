package incident

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nightbell/nightbell/fault"
)

// MaxNote is the most bytes one note may have; PagerDuty's limit for notes,
// which senders of ours already keep.
const MaxNote = 25_000

// Annotate writes a person's note. It is allowed in every state: the story of
// an incident is often told after it. Refused with empty_note, note_too_long
// or bad_encoding.
func (i Incident) Annotate(by Actor, at time.Time, text string) (Change, error) {
	switch {
	case len(text) > MaxNote:
		return i.unchanged(), fault.Field("text", "note_too_long", "A note may have %d bytes, this one has %d; shorten it or write two.", MaxNote, len(text))
	case !utf8.ValidString(text):
		return i.unchanged(), fault.Field("text", "bad_encoding", "The note is not valid UTF-8; send it as UTF-8 text.")
	case strings.TrimSpace(text) == "":
		return i.unchanged(), fault.Field("text", "empty_note", "The note is empty; write at least one character.")
	}
	return i.next(at).changed(by, nil, word{EntryAnnotated, Detail{Text: text}}), nil
}

// AlertInfo is what the incident needs to know of a new alert under it.
type AlertInfo struct {
	ID       string
	Summary  string
	Severity Severity
}

// AlertAdded notes that an event under the same key brought new content. It
// pages nobody; the title stays, and the severity may only get worse, because
// people answer to what was worst. Refused with incident_resolved: after a
// resolve a new event opens a new incident.
func (i Incident) AlertAdded(alert AlertInfo, by Actor, at time.Time) (Change, error) {
	if i.Status == Resolved {
		return i.unchanged(), errResolved("given another alert")
	}
	to := i.next(at)
	var intents []Intent
	if alert.Severity.WorseThan(to.Severity) {
		to.Severity = alert.Severity
		intents = []Intent{UpdateDevices}
	}
	said := Detail{AlertID: alert.ID, Summary: alert.Summary, Severity: alert.Severity}
	return to.changed(by, intents, word{EntryAlertAdded, said}), nil
}
