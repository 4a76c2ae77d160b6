package phone

import (
	"context"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/nightbell/nightbell/push"
)

// Paths of the callbacks, below the instance's public address.
const (
	PathVoice  = "/twilio/voice"  // what to say, when somebody answers
	PathPress  = "/twilio/press"  // the digit that was pressed
	PathStatus = "/twilio/status" // what became of a text or a call
	PathSMS    = "/twilio/sms"    // a text that somebody sent us
)

// Carrier sends texts and places calls. Callbacks are whole addresses.
type Carrier interface {
	Text(ctx context.Context, to, text, statusURL string) push.Result
	// Call rings somebody and says what they are to hear.
	Call(ctx context.Context, c Call) push.Result
}

// Call is one call to be placed.
type Call struct {
	To        string
	Script    string // TwiML
	ScriptURL string
	StatusURL string
}

// Sender sends letters as texts or as calls. It is safe for concurrent use.
type Sender struct {
	carrier Carrier
	base    string
	voice   bool
}

// NewSMS sends texts; NewVoice calls. base is the instance's public address.
func NewSMS(c Carrier, base string) *Sender { return &Sender{carrier: c, base: base} }

// NewVoice makes a sender that calls.
func NewVoice(c Carrier, base string) *Sender { return &Sender{carrier: c, base: base, voice: true} }

// Send implements push.Sender.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	to, err := Number(m.Token)
	switch {
	case m.Letter == nil:
		return push.Result{Class: push.ClassPayloadBug, Reason: "no_letter"}
	case err != nil || to != m.Token:
		return push.Result{Class: push.ClassTokenSuspect, Reason: "malformed_number"}
	case s.voice:
		return s.carrier.Call(ctx, Call{To: to, ScriptURL: Callback(s.base, PathVoice, m.DeliveryID), StatusURL: Callback(s.base, PathStatus, m.DeliveryID)})
	}
	return s.carrier.Text(ctx, to, text(m), Callback(s.base, PathStatus, m.DeliveryID))
}

// SendCode tells somebody the code that proves a number.
func (s *Sender) SendCode(ctx context.Context, to, text, code, language string) push.Result {
	if s.voice {
		return s.carrier.Call(ctx, Call{To: to, Script: Script{Language: language, Says: []string{text, spelled(code), spelled(code)}}.TwiML()})
	}
	return s.carrier.Text(ctx, to, text+" "+code, "")
}

// spelled makes digits heard one by one.
func spelled(code string) string { return strings.Join(strings.Split(code, ""), ", ") + "." }

// Callback is the address that the carrier calls about a delivery.
func Callback(base, path, deliveryID string) string {
	return strings.TrimSuffix(base, "/") + path + "?delivery=" + url.QueryEscape(deliveryID)
}

// maxText is in runes: at most five parts of a text in any script.
const maxText = 320

// text is a page in the few words of a text message: what is wrong, where, and
// how to answer.
func text(m push.Message) string {
	l := m.Letter
	lines := []string{l.What}
	if l.IncidentID == "" || l.Title != "" && !strings.Contains(l.What, l.Title) {
		lines[0] = l.Title
	}
	if l.Service != "" {
		lines = append(lines, l.Service)
	}
	reply := ""
	if l.Acknowledge != "" {
		reply = "\n" + l.Say.Reply
	}
	return short(strings.Join(lines, "\n"), maxText-utf8.RuneCountInString(reply)) + reply
}

func short(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:max(0, runes-1)]) + "…"
}
