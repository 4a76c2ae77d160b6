package pushtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/mail"
	"strings"
	"time"
)

const (
	maxMailLine  = 1000
	maxMail      = 1 << 20
	mailPatience = 30 * time.Second
)

// talk is one conversation.
type talk struct {
	server  *MailServer
	conn    net.Conn
	in      *bufio.Reader
	hello   bool
	secure  bool
	user    string
	from    string
	hasFrom bool
	to      []string
}

var errCut = errors.New("cut")

func (s *MailServer) talk(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	t := &talk{server: s, conn: c}
	if s.cfg.Implicit {
		t.conn, t.secure = tls.Server(c, s.tls()), true
	}
	t.in = bufio.NewReaderSize(t.conn, 2*maxMailLine)
	if t.faulty("greeting") != nil || t.say("220 stand-in ESMTP") != nil {
		return
	}
	for {
		line, err := t.line()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		if err := t.command(strings.ToUpper(verb), rest); err != nil {
			return
		}
	}
}

// faulty carries out an injected fault; errCut ends the conversation, nil
// means that there was none.
func (t *talk) faulty(command string) error {
	f := t.server.fault(command)
	switch {
	case f == nil:
		return nil
	case f.Hang:
		_, _ = io.Copy(io.Discard, t.in) // until the other side gives up
		return errCut
	case f.Answer == "":
		return errCut
	}
	if err := t.say(f.Answer); err != nil {
		return err
	}
	return errSaid
}

var errSaid = errors.New("said already")

func (t *talk) say(line string) error {
	_ = t.conn.SetDeadline(time.Now().Add(mailPatience))
	_, err := io.WriteString(t.conn, line+"\r\n")
	return err
}

// line reads one line that ends as SMTP's do.
func (t *talk) line() (string, error) {
	_ = t.conn.SetDeadline(time.Now().Add(mailPatience))
	s, err := t.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(string(s), "\r\n") || len(s) > maxMailLine {
		_ = t.say("500 5.5.2 lines end in CR LF and have at most 1000 bytes")
		return "", errCut
	}
	return string(s[:len(s)-2]), nil
}

func (t *talk) command(verb, rest string) error {
	if err := t.faulty(verb); err != nil {
		if errors.Is(err, errSaid) {
			return nil
		}
		return err
	}
	switch verb {
	case "EHLO":
		return t.ehlo(rest)
	case "STARTTLS":
		return t.startTLS()
	case "AUTH":
		return t.auth(rest)
	case "MAIL":
		return t.mail(rest)
	case "RCPT":
		return t.rcpt(rest)
	case "DATA":
		return t.data()
	case "RSET":
		t.reset()
		return t.say("250 2.0.0 forgotten")
	case "NOOP":
		return t.say("250 2.0.0 nothing done")
	case "QUIT":
		_ = t.say("221 2.0.0 bye")
		return errCut
	}
	return t.say("502 5.5.1 unknown command")
}

func (t *talk) reset() { t.from, t.hasFrom, t.to = "", false, nil }

func (t *talk) ehlo(name string) error {
	if name == "" {
		return t.say("501 5.5.4 say who you are")
	}
	t.hello = true
	t.reset()
	lines := []string{"stand-in", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 1048576"}
	if !t.secure && !t.server.cfg.NoTLS {
		lines = append(lines, "STARTTLS")
	}
	if t.server.cfg.User != "" && (t.secure || t.server.cfg.NoTLS) {
		lines = append(lines, "AUTH PLAIN LOGIN")
	}
	for i, l := range lines {
		between := "-"
		if i == len(lines)-1 {
			between = " "
		}
		if err := t.say("250" + between + l); err != nil {
			return err
		}
	}
	return nil
}

func (t *talk) startTLS() error {
	if t.secure || t.server.cfg.NoTLS || t.in.Buffered() > 0 {
		return t.say("503 5.5.1 not now")
	}
	if err := t.say("220 2.0.0 go ahead"); err != nil {
		return err
	}
	t.conn = tls.Server(t.conn, t.server.tls())
	t.in.Reset(t.conn)
	t.secure, t.hello = true, false
	return nil
}

func (t *talk) auth(rest string) error {
	if !t.hello || t.user != "" || !t.secure && !t.server.cfg.NoTLS {
		return t.say("503 5.5.1 not now")
	}
	mechanism, initial, _ := strings.Cut(rest, " ")
	var user, password string
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		b, err := base64.StdEncoding.DecodeString(initial)
		parts := strings.Split(string(b), "\x00")
		if err != nil || len(parts) != 3 {
			return t.say("501 5.5.2 that is no PLAIN")
		}
		user, password = parts[1], parts[2]
	case "LOGIN":
		for _, ask := range []struct {
			prompt string
			into   *string
		}{{"VXNlcm5hbWU6", &user}, {"UGFzc3dvcmQ6", &password}} {
			if err := t.say("334 " + ask.prompt); err != nil {
				return err
			}
			answer, err := t.line()
			if err != nil {
				return err
			}
			b, _ := base64.StdEncoding.DecodeString(answer)
			*ask.into = string(b)
		}
	default:
		return t.say("504 5.5.4 unknown mechanism")
	}
	if user != t.server.cfg.User || password != t.server.cfg.Password {
		return t.say("535 5.7.8 authentication credentials invalid")
	}
	t.user = user
	return t.say("235 2.7.0 welcome")
}

// path reads FROM:<…> or TO:<…> and its parameters.
func path(rest, keyword string) (address string, ok bool) {
	if len(rest) < len(keyword) || !strings.EqualFold(rest[:len(keyword)], keyword) {
		return "", false
	}
	rest = rest[len(keyword):]
	end := strings.IndexByte(rest, '>')
	if !strings.HasPrefix(rest, "<") || end < 0 {
		return "", false
	}
	address = rest[1:end]
	_, err := mail.ParseAddress(address)
	return address, err == nil
}

func (t *talk) mail(rest string) error {
	switch {
	case !t.hello || t.hasFrom:
		return t.say("503 5.5.1 not now")
	case !t.secure && !t.server.cfg.NoTLS:
		return t.say("530 5.7.0 say STARTTLS first")
	case t.server.cfg.User != "" && t.user == "":
		return t.say("530 5.7.0 sign in first")
	}
	from, ok := path(rest, "FROM:")
	if !ok {
		return t.say("501 5.1.7 that is no address")
	}
	t.from, t.hasFrom = from, true
	return t.say("250 2.1.0 fine")
}

func (t *talk) rcpt(rest string) error {
	if !t.hasFrom {
		return t.say("503 5.5.1 MAIL first")
	}
	to, ok := path(rest, "TO:")
	if !ok {
		return t.say("501 5.1.3 that is no address")
	}
	t.to = append(t.to, to)
	return t.say("250 2.1.5 fine")
}
