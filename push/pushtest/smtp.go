package pushtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
)

// Mail is an e-mail that the stand-in took.
type Mail struct {
	From   string
	To     []string
	Header map[string][]string
	Text   string
	HTML   string
	Raw    string
	TLS    bool
	User   string // who signed in
}

// MailConfig is what a [MailServer] asks of its clients.
type MailConfig struct {
	// User and Password are who may send; an empty User lets everybody.
	User, Password string
	// NoTLS leaves STARTTLS out; Implicit speaks TLS from the first byte.
	NoTLS, Implicit bool
}

// MailServer is a strict SMTP server: STARTTLS before AUTH, AUTH before MAIL,
// no bare line feeds, no long lines, no mail without its headers.
type MailServer struct {
	cfg      MailConfig
	listener net.Listener
	ca       *authority
	conns    sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool
	taken  []Mail
	faults []MailFault
	opened int
	closed bool
	news   signal
}

// MailFault is what one command is answered instead of being done.
type MailFault struct {
	// Command is greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, "." (the end of
	// the content), RSET, NOOP or QUIT.
	Command string
	// Answer is the whole reply line; empty: the connection is cut.
	Answer string
	// Hang never answers.
	Hang bool
	// Deliver takes the mail all the same: only the answer is lost.
	Deliver bool
	// Times is how often; 0: always.
	Times int
}

// StartMail opens a server on this machine.
func StartMail(cfg MailConfig) (*MailServer, error) {
	ca, err := newAuthority(nil)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a listener lives until Close
	if err != nil {
		return nil, fmt.Errorf("opening the mail server: %w", err)
	}
	s := &MailServer{cfg: cfg, listener: l, ca: ca, open: map[net.Conn]bool{}}
	s.conns.Go(s.accept)
	return s, nil
}

// Host and Port are where it listens; Roots is what to trust.
func (s *MailServer) Host() string { return "127.0.0.1" }

// Port is the TCP port.
func (s *MailServer) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Roots is the authority of its certificate.
func (s *MailServer) Roots() *x509.CertPool { return s.ca.pool() }

// Inject makes a fault happen from now on.
func (s *MailServer) Inject(f MailFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Mails gives what was taken, oldest first.
func (s *MailServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// WaitMails waits until n mails have been taken, and gives them.
func (s *MailServer) WaitMails(ctx context.Context, n int) ([]Mail, error) {
	s.news.waiting.Add(1)
	defer s.news.waiting.Add(-1)
	for {
		more := s.news.next() // before asking, or a mail in between is missed
		if all := s.Mails(); len(all) >= n {
			return all, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return s.Mails(), fmt.Errorf("waiting for mail: %w", context.Cause(ctx))
		}
	}
}

// Connections is how many were opened in all.
func (s *MailServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Close ends it and all its conversations.
func (s *MailServer) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.conns.Wait()
}

func (s *MailServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.opened++
		s.open[c] = true
		s.mu.Unlock()
		s.conns.Go(func() { s.talk(c) })
	}
}

// fault takes the fault for a command, nil if there is none.
func (s *MailServer) fault(command string) *MailFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := s.faults[i]
		if !strings.EqualFold(f.Command, command) {
			continue
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return &f
	}
	return nil
}

func (s *MailServer) take(m Mail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = append(s.taken, m)
	s.news.raise()
}

func (s *MailServer) tls() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.ca.leaf}, MinVersion: tls.VersionTLS12}
}
