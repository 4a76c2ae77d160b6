package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/nightbell/nightbell/push/wire"
)

type tlsRoots = *x509.CertPool

// slots are the places for connections: as many at work as have their turn,
// and the one used last is taken first, so that few stay warm.
type slots struct {
	turn chan struct{}
	mu   sync.Mutex
	idle []*slot
}

func newSlots(n int) *slots {
	s := &slots{turn: make(chan struct{}, n)}
	for range n {
		s.put(&slot{})
	}
	return s
}

// take gives a place to whoever has a turn.
func (s *slots) take() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	c := s.idle[last]
	s.idle = s.idle[:last]
	return c
}

func (s *slots) put(c *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, c)
}

// slot holds one connection, or none. Whoever has the slot owns it.
type slot struct {
	client *gomail.Client
	smtp   *smtp.Client
	used   time.Time

	mu  sync.Mutex
	raw net.Conn // closed from outside when a context ends
}

// mechanisms are the ways to sign in, the best first. PLAIN and LOGIN refuse a
// connection that is not encrypted, unless it is to this machine.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
}

// open makes sure of a connection that is fresh enough to use.
func (c *slot) open(ctx context.Context, s *Sender) error {
	if c.smtp != nil && s.cfg.Now().Sub(c.used) < s.cfg.Idle {
		if c.within(ctx, func() error { return c.smtp.Noop() }) == nil {
			return nil
		}
	}
	c.drop()
	client, err := c.dialer(s)
	if err != nil {
		return err
	}
	return c.within(ctx, func() error {
		conn, err := client.DialToSMTPClientWithContext(ctx)
		if err != nil {
			c.drop()
			return err
		}
		c.client, c.smtp, c.used = client, conn, s.cfg.Now()
		return nil
	})
}

// dialer makes go-mail's client for one connection; it is not shared, because
// it changes itself while it signs in.
func (c *slot) dialer(s *Sender) (*gomail.Client, error) {
	opts := []gomail.Option{
		gomail.WithPort(s.cfg.Port), gomail.WithTimeout(s.cfg.Timeout), gomail.WithoutNoop(),
		gomail.WithTLSConfig(s.cfg.tlsConfig()), gomail.WithTLSPolicy(s.policy), gomail.WithDialContextFunc(c.dial(s)),
	}
	if s.cfg.TLS == TLSImplicit {
		opts = append(opts, gomail.WithSSL())
	}
	if s.cfg.Hello != "" {
		opts = append(opts, gomail.WithHELO(s.cfg.Hello))
	}
	if s.cfg.Username != "" {
		opts = append(opts, gomail.WithOpportunisticSMTPAuth(mechanisms...), gomail.WithUsername(s.cfg.Username), gomail.WithPassword(s.cfg.Password))
	}
	return gomail.NewClient(s.cfg.Host, opts...)
}

// dial reaches the server and remembers the connection, to be able to cut it.
func (c *slot) dial(s *Sender) gomail.DialContextFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := &net.Dialer{KeepAlive: 15 * time.Second}
		raw, err := d.DialContext(ctx, network, s.cfg.address())
		if err != nil {
			return nil, &wire.DialError{Address: s.cfg.address(), Err: err}
		}
		c.mu.Lock()
		c.raw = raw
		c.mu.Unlock()
		if s.cfg.TLS != TLSImplicit {
			return raw, nil
		}
		conn := tls.Client(raw, s.cfg.tlsConfig())
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return conn, nil
	}
}

// within runs a part of the conversation and cuts the connection when ctx ends:
// go-mail's own deadlines are per step, and know no context.
func (c *slot) within(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, c.cut)
	defer stop()
	return do()
}

func (c *slot) send(ctx context.Context, msg *gomail.Msg) error {
	return c.within(ctx, func() error { return c.client.SendWithSMTPClient(c.smtp, msg) })
}

func (c *slot) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != nil {
		_ = c.raw.Close() // it is given up, whatever it says
	}
}

// drop gives the connection up.
func (c *slot) drop() {
	c.cut()
	c.client, c.smtp = nil, nil
}

// quit says goodbye first.
func (c *slot) quit() {
	if c.smtp != nil {
		_ = c.smtp.Quit() // a server that has left needs no goodbye
	}
	c.drop()
}
