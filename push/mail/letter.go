package mail

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/nightbell/nightbell/push"
)

// maxSubject is in bytes; mail programs show some 70 characters.
const maxSubject = 200

// message writes the e-mail of a letter.
func (s *Sender) message(m push.Message) (*gomail.Msg, error) {
	l := m.Letter
	subject := l.What
	if m.Kind == push.Settle {
		subject = "Re: " + subject // threads with the page in programs that go by subject
	}
	msg, err := s.envelope(m.Token, subject)
	if err != nil {
		return nil, err
	}
	msg.SetMessageIDWithValue(word(m.DeliveryID) + "@" + s.domain)
	if l.IncidentID != "" {
		root := "<" + word(l.IncidentID) + "@" + s.domain + ">"
		msg.SetGenHeader(gomail.HeaderInReplyTo, root)
		msg.SetGenHeader(gomail.HeaderReferences, root)
	}
	if m.High {
		msg.SetImportance(gomail.ImportanceHigh)
	}
	v := view{Letter: l, Acknowledge: act(l.Server, l.Acknowledge), Resolve: act(l.Server, l.Resolve)}
	msg.SetBodyString(gomail.TypeTextPlain, v.text())
	html, err := v.html()
	if err != nil {
		return nil, err
	}
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

// plain writes an e-mail about no incident.
func (s *Sender) plain(to, subject, text string) (*gomail.Msg, error) {
	msg, err := s.envelope(to, subject)
	if err != nil {
		return nil, err
	}
	msg.SetMessageID()
	msg.SetBodyString(gomail.TypeTextPlain, text)
	return msg, nil
}

// envelope fills what each e-mail of ours has.
func (s *Sender) envelope(to, subject string) (*gomail.Msg, error) {
	to, err := Address(to)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.To(to); err != nil {
		return nil, err
	}
	msg.Subject(line(subject, maxSubject))
	msg.SetDateWithValue(s.cfg.Now())
	// Vacation notes must not answer (RFC 3834), and filters may go by the list.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("List-Id", "Nightbell <nightbell."+s.domain+">")
	return msg, nil
}

// view is what the two parts of an e-mail show.
type view struct {
	*push.Letter
	Acknowledge string
	Resolve     string
}

func (v view) text() string {
	var b strings.Builder
	for _, part := range []string{v.Title, v.Service, v.Body} {
		if part != "" {
			b.WriteString(part + "\n")
		}
	}
	b.WriteString("\n")
	for _, to := range [][2]string{{v.Say.Acknowledge, v.Acknowledge}, {v.Say.Resolve, v.Resolve}} {
		if to[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n\n", to[0], to[1])
		}
	}
	if v.Say.Why != "" {
		b.WriteString("-- \n" + v.Say.Why + "\n")
	}
	return b.String()
}

// page is the HTML part: no picture, no style sheet, nothing to load.
//
//nolint:gochecknoglobals // a constant page, parsed once
var page = template.Must(template.New("letter").Parse(`<!DOCTYPE html>
<html><body style="font-family:sans-serif;max-width:36em">
<h2>{{.Title}}</h2>
{{with .Service}}<p><b>{{.}}</b></p>
{{end}}<p style="white-space:pre-line">{{.Body}}</p>
<p>{{with .Acknowledge}}<a href="{{.}}" style="display:inline-block;padding:.8em 1.6em;margin-right:1em;background:#1a5fb4;color:#fff;text-decoration:none;border-radius:.3em">{{$.Say.Acknowledge}}</a>{{end}}
{{with .Resolve}}<a href="{{.}}" style="display:inline-block;padding:.8em 1.6em;background:#26734d;color:#fff;text-decoration:none;border-radius:.3em">{{$.Say.Resolve}}</a>{{end}}</p>
<p style="color:#666;font-size:85%">{{.Say.Why}}</p>
</body></html>
`))

func (v view) html() (string, error) {
	var b bytes.Buffer
	err := page.Execute(&b, v)
	return b.String(), err
}

// act is the link to the page that asks before it acts.
func act(server, token string) string {
	if token == "" {
		return ""
	}
	return strings.TrimSuffix(server, "/") + "/act?token=" + url.QueryEscape(token)
}

// line makes any text fit for one line of a header: nothing in it can end the
// header or begin another.
func line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimSpace(s)
}

// word keeps of an id what may stand in a Message-ID.
func word(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, s)
}
