package pushtest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// data takes the content, and what it is worth.
func (t *talk) data() error {
	if len(t.to) == 0 {
		return t.say("503 5.5.1 RCPT first")
	}
	if err := t.say("354 go ahead"); err != nil {
		return err
	}
	raw, err := t.content()
	if err != nil {
		return err
	}
	m, complaint := readMail(raw)
	m.From, m.To, m.TLS, m.User = t.from, t.to, t.secure, t.user
	t.reset()
	if f := t.server.fault("."); f != nil {
		if f.Deliver {
			t.server.take(m)
		}
		if f.Hang {
			_, _ = io.Copy(io.Discard, t.in) // until the other side gives up
		}
		if f.Hang || f.Answer == "" {
			return errCut
		}
		return t.say(f.Answer)
	}
	if complaint != "" {
		return t.say("550 5.6.0 " + complaint)
	}
	t.server.take(m)
	return t.say(fmt.Sprintf("250 2.0.0 Ok: queued as STANDIN%d", len(t.server.Mails())))
}

func (t *talk) content() (string, error) {
	var b strings.Builder
	for b.Len() < maxMail {
		line, err := t.line()
		if err != nil {
			return "", err
		}
		if line == "." {
			return b.String(), nil
		}
		b.WriteString(strings.TrimPrefix(line, ".") + "\r\n") // a dot is doubled on the way
	}
	_ = t.say("552 5.3.4 too large")
	return "", errCut
}

// once are the headers a mail must have exactly once (RFC 5322, 3.6).
var once = []string{"From", "To", "Date", "Message-Id", "Subject"}

// readMail takes a mail apart; complaint says what no server should take.
func readMail(raw string) (m Mail, complaint string) {
	m.Raw = raw
	parsed, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return m, "that is no message: " + err.Error()
	}
	m.Header = parsed.Header
	for _, h := range once {
		if len(parsed.Header[h]) != 1 {
			return m, fmt.Sprintf("there are %d headers %s; one is wanted", len(parsed.Header[h]), h)
		}
	}
	if _, err := parsed.Header.Date(); err != nil {
		return m, "the date cannot be read"
	}
	if id := parsed.Header.Get("Message-Id"); !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, ">") || strings.Count(id, "@") != 1 {
		return m, "the Message-ID is none"
	}
	if err := m.parts(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body); err != nil {
		return m, err.Error()
	}
	return m, ""
}

func (m *Mail) parts(contentType, encoding string, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return errors.New("the content type cannot be read")
	}
	if kind == "multipart/alternative" {
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return errors.New("the parts cannot be read")
			}
			if err := m.parts(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return errors.New("the body cannot be decoded")
	}
	switch kind {
	case "text/plain":
		m.Text = string(b)
	case "text/html":
		m.HTML = string(b)
	default:
		return errors.New("what is " + kind + " doing here")
	}
	return nil
}
