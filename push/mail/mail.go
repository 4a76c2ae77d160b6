package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// How a connection is encrypted.
const (
	TLSMandatory     = "mandatory"     // STARTTLS, or no mail
	TLSImplicit      = "implicit"      // TLS from the first byte, port 465
	TLSOpportunistic = "opportunistic" // STARTTLS if it is offered
	TLSNone          = "none"
)

// Config says which server takes the letters.
type Config struct {
	Host string
	Port int // 0: 465 for implicit TLS, else 587
	TLS  string
	// Roots are the trusted authorities; nil: the system's.
	Roots tlsRoots
	// Username and Password sign in; both empty: nobody does.
	Username string
	Password string
	// From is "Nightbell <nightbell@example.com>" or the address alone.
	From string
	// Hello is the name we give; empty: the machine's.
	Hello string
	// Connections is the most at once; 2.
	Connections int
	// Timeout bounds each step with the server; 10 s.
	Timeout time.Duration
	// Idle is how long an unused connection is kept; 30 s, as servers hang up
	// on idlers.
	Idle time.Duration
	Now  func() time.Time
}

// Sender sends letters. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	from   *netmail.Address
	domain string // of from; Message-IDs end in it
	policy gomail.TLSPolicy
	slots  *slots
	closed chan struct{}
}

// New makes a sender; it connects to nobody. Errors are sentences for the
// operator.
func New(c Config) (*Sender, error) {
	if c.Host == "" || strings.ContainsAny(c.Host, " \r\n/") {
		return nil, errors.New("host must be the name of your mail server, such as smtp.example.com")
	}
	from, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("from is no address (%w); write Nightbell <nightbell@example.com>", err)
	}
	if from.Address, err = Address(from.Address); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	s := &Sender{cfg: c.withDefaults(), from: from, closed: make(chan struct{})}
	_, s.domain, _ = strings.Cut(from.Address, "@")
	switch c.TLS {
	case "", TLSMandatory, TLSImplicit:
		s.policy = gomail.TLSMandatory
	case TLSOpportunistic:
		s.policy = gomail.TLSOpportunistic
	case TLSNone:
		s.policy = gomail.NoTLS
	default:
		return nil, fmt.Errorf("tls is %q; it must be mandatory, implicit, opportunistic or none", c.TLS)
	}
	s.slots = newSlots(s.cfg.Connections)
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = 587
		if c.TLS == TLSImplicit {
			c.Port = 465
		}
	}
	if c.Connections <= 0 {
		c.Connections = 2
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Idle <= 0 {
		c.Idle = 30 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// Send implements push.Sender.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	if m.Letter == nil {
		return push.Result{Class: push.ClassPayloadBug, Reason: "no_letter"}
	}
	msg, err := s.message(m)
	if err != nil {
		// Addresses are checked when they are made, so this one is from elsewhere.
		return push.Result{Class: push.ClassTokenSuspect, Reason: "malformed_address"}
	}
	return s.deliver(ctx, msg)
}

// SendCode sends the code that proves an address to its owner.
func (s *Sender) SendCode(ctx context.Context, to, subject, text string) push.Result {
	msg, err := s.plain(to, subject, text)
	if err != nil {
		return push.Result{Class: push.ClassTokenSuspect, Reason: "malformed_address"}
	}
	return s.deliver(ctx, msg)
}

// deliver waits for a connection and sends on it.
func (s *Sender) deliver(ctx context.Context, msg *gomail.Msg) push.Result {
	select {
	case s.slots.turn <- struct{}{}:
		defer func() { <-s.slots.turn }()
	case <-s.closed:
		return wire.Failure(ctx, wire.ErrClosed)
	case <-ctx.Done():
		return wire.Failure(ctx, ctx.Err())
	}
	c := s.slots.take()
	defer s.slots.put(c)
	if err := c.open(ctx, s); err != nil {
		return failed(ctx, push.SMTPConnect, err)
	}
	err := c.send(ctx, msg)
	if err != nil && !msg.IsDelivered() {
		r := failed(ctx, stageOf(err), err)
		if r.Status == 0 || r.Status == 421 {
			c.drop() // the state of the conversation is unknown
		}
		return r
	}
	if err != nil {
		c.drop() // taken; only what came after failed
	}
	c.used = s.cfg.Now()
	return push.Result{Class: push.ClassAccepted, Status: 250, ProviderID: brief(msg.ServerResponse())}
}

// Check connects and signs in, for the doctor.
func (s *Sender) Check(ctx context.Context) error {
	c := &slot{}
	defer c.drop()
	return c.open(ctx, s)
}

// Close hangs up. What is being sent ends by its own deadline.
func (s *Sender) Close() {
	close(s.closed)
	for range s.cfg.Connections {
		s.slots.turn <- struct{}{}
		s.slots.take().quit()
	}
}
