package mail_test

import (
	"context"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/mail"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/push/wire"
)

func server(t *testing.T) *pushtest.MailServer {
	t.Helper()
	return serverThat(t, pushtest.MailConfig{User: "nightbell", Password: "secret"})
}

func serverThat(t *testing.T, asks pushtest.MailConfig) *pushtest.MailServer {
	t.Helper()
	s, err := pushtest.StartMail(asks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func sender(t *testing.T, s *pushtest.MailServer, change func(*mail.Config)) *mail.Sender {
	t.Helper()
	c := mail.Config{
		Host: s.Host(), Port: s.Port(), Roots: s.Roots(), Username: "nightbell", Password: "secret",
		From: "Nightbell <nightbell@example.com>", Hello: "nightbell.example.com",
	}
	if change != nil {
		change(&c)
	}
	out, err := mail.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

func letter() push.Message {
	return push.Message{
		DeliveryID: "dlv_1", Kind: push.Page, High: true, Token: "ana@example.com", TargetKind: push.AddressTarget,
		Letter: &push.Letter{
			Title: "Checkout is down", Service: "Checkout", Body: "#12 · critical", What: "#12 Checkout is down",
			IncidentID: "inc_1", Number: 12, Status: incident.Triggered, Server: "https://nightbell.example.com",
			Acknowledge: "tok.ack", Resolve: "tok.res", Say: push.LetterPhrases{Acknowledge: "Acknowledge", Resolve: "Resolve", Why: "You are on call."},
		},
	}
}

func TestALetterArrivesWholeAndThreads(t *testing.T) {
	t.Parallel()
	srv := server(t)
	s := sender(t, srv, nil)
	if r := s.Send(t.Context(), letter()); r.Class != push.ClassAccepted || !strings.Contains(r.ProviderID, "STANDIN1") {
		t.Fatalf("%+v", r)
	}
	settle := letter()
	settle.DeliveryID, settle.Kind, settle.High = "dlv_2", push.Settle, false
	settle.Letter.Title, settle.Letter.Acknowledge = "Acknowledged by Ben 02:14", ""
	if r := s.Send(t.Context(), settle); r.Class != push.ClassAccepted {
		t.Fatalf("%+v", r)
	}
	all := srv.Mails()
	first, second := all[0], all[1]
	h := textproto.MIMEHeader(first.Header)
	for name, want := range map[string]string{
		"Message-Id": "<dlv_1@example.com>", "References": "<inc_1@example.com>", "In-Reply-To": "<inc_1@example.com>",
		"Auto-Submitted": "auto-generated", "Subject": "#12 Checkout is down", "To": "<ana@example.com>", "Importance": "high",
		"From": `"Nightbell" <nightbell@example.com>`, "List-Id": "Nightbell <nightbell.example.com>",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !first.TLS || first.User != "nightbell" || first.From != "nightbell@example.com" {
		t.Errorf("sent with TLS %v as %s from %s", first.TLS, first.User, first.From)
	}
	for _, part := range []string{first.Text, first.HTML} {
		for _, want := range []string{"Checkout is down", "https://nightbell.example.com/act?token=tok.ack", "https://nightbell.example.com/act?token=tok.res", "You are on call."} {
			if !strings.Contains(part, want) {
				t.Errorf("%q is not in %s", want, part)
			}
		}
	}
	h = textproto.MIMEHeader(second.Header)
	if h.Get("References") != "<inc_1@example.com>" || h.Get("Subject") != "Re: #12 Checkout is down" || h.Get("Importance") != "" {
		t.Errorf("the settle does not thread: %v", h)
	}
	if strings.Contains(second.Text, "tok.ack") || !strings.Contains(second.HTML, "Acknowledged by Ben 02:14") {
		t.Errorf("the settle says %s", second.Text)
	}
	if n := srv.Connections(); n != 1 {
		t.Errorf("%d connections for two letters", n)
	}
}

func TestWhatTheServerAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  pushtest.MailFault
		class  push.Class
		status int
		reason string
	}{
		{"unknown mailbox", pushtest.MailFault{Command: "RCPT", Answer: "550 5.1.1 no such user"}, push.ClassTokenSuspect, 550, "550 5.1.1"},
		{"mailbox full", pushtest.MailFault{Command: "RCPT", Answer: "452 4.2.2 full"}, push.ClassDeviceThrottled, 452, "452 4.2.2"},
		{"greylisted", pushtest.MailFault{Command: "RCPT", Answer: "450 4.2.0 later"}, push.ClassRetry, 450, "450 4.2.0"},
		{"sender refused", pushtest.MailFault{Command: "MAIL", Answer: "553 5.7.1 not yours"}, push.ClassConfigBroken, 553, "553 5.7.1"},
		{"too large", pushtest.MailFault{Command: ".", Answer: "552 5.3.4 too large"}, push.ClassTooLarge, 552, "552 5.3.4"},
		{"spam", pushtest.MailFault{Command: ".", Answer: "554 5.7.1 spam"}, push.ClassTokenSuspect, 554, "554 5.7.1"},
		{"wrong password", pushtest.MailFault{Command: "AUTH", Answer: "535 5.7.8 no"}, push.ClassConfigBroken, 535, "535 5.7.8"},
		{"closing", pushtest.MailFault{Command: "DATA", Answer: "421 4.3.2 going down"}, push.ClassProviderDown, 421, "421 4.3.2"},
		{"busy", pushtest.MailFault{Command: "greeting", Answer: "421 too many connections"}, push.ClassProviderDown, 421, "421"},
		{"cut at the end", pushtest.MailFault{Command: "."}, push.ClassRetry, 0, wire.ReasonConnectionLost},
		{"cut at the greeting", pushtest.MailFault{Command: "greeting"}, push.ClassRetry, 0, wire.ReasonConnectionLost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := server(t)
			tt.fault.Times = 1
			srv.Inject(tt.fault)
			s := sender(t, srv, nil)
			r := s.Send(t.Context(), letter())
			if r.Class != tt.class || r.Status != tt.status || r.Reason != tt.reason {
				t.Errorf("%+v, want %s %d %s", r, tt.class, tt.status, tt.reason)
			}
			if again := s.Send(t.Context(), letter()); again.Class != push.ClassAccepted {
				t.Errorf("the next one: %+v", again)
			}
		})
	}
}

// What was taken is taken, whatever the server says to the words after it.
func TestTroubleAfterTheMailWasTakenIsNoFailure(t *testing.T) {
	t.Parallel()
	srv := server(t)
	srv.Inject(pushtest.MailFault{Command: "RSET", Times: 1})
	s := sender(t, srv, nil)
	for n := range 2 {
		if r := s.Send(t.Context(), letter()); r.Class != push.ClassAccepted {
			t.Errorf("%d: %+v", n, r)
		}
	}
	if n := len(srv.Mails()); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func TestNoLetterLeavesInTheClearUnlessToldSo(t *testing.T) {
	t.Parallel()
	plain := func() *pushtest.MailServer { return serverThat(t, pushtest.MailConfig{NoTLS: true}) }
	open := func(policy string) func(*mail.Config) {
		return func(c *mail.Config) { c.TLS, c.Username, c.Password = policy, "", "" }
	}
	if r := sender(t, plain(), open("")).Send(t.Context(), letter()); r.Class != push.ClassConfigBroken || r.Reason != mail.ReasonNoSTARTTLS {
		t.Errorf("mandatory without STARTTLS: %+v", r)
	}
	for _, policy := range []string{mail.TLSOpportunistic, mail.TLSNone} {
		srv := plain()
		if r := sender(t, srv, open(policy)).Send(t.Context(), letter()); r.Class != push.ClassAccepted || srv.Mails()[0].TLS {
			t.Errorf("%s: %+v", policy, r)
		}
	}
	srv := serverThat(t, pushtest.MailConfig{User: "nightbell", Password: "secret", Implicit: true})
	if r := sender(t, srv, func(c *mail.Config) { c.TLS = mail.TLSImplicit }).Send(t.Context(), letter()); r.Class != push.ClassAccepted || !srv.Mails()[0].TLS {
		t.Errorf("implicit: %+v", r)
	}
	strange := sender(t, server(t), func(c *mail.Config) { c.Roots = nil })
	if r := strange.Send(t.Context(), letter()); r.Class != push.ClassConfigBroken || r.Reason != wire.ReasonUntrusted {
		t.Errorf("an unknown authority: %+v", r)
	}
	if err := strange.Check(t.Context()); err == nil {
		t.Error("the check found nothing")
	}
}

func TestConnectionsAreBoundedAndShared(t *testing.T) {
	t.Parallel()
	srv := server(t)
	s := sender(t, srv, func(c *mail.Config) { c.Connections = 3 })
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if r := s.Send(t.Context(), letter()); r.Class != push.ClassAccepted {
				t.Errorf("%+v", r)
			}
		})
	}
	all.Wait()
	if n := srv.Connections(); n > 3 {
		t.Errorf("%d connections, at most 3 are allowed", n)
	}
	if n := len(srv.Mails()); n != 30 {
		t.Errorf("%d mails, want 30", n)
	}
}

func TestASilentServerEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"greeting", "EHLO", "AUTH", "MAIL", "DATA", "."} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			srv := server(t)
			srv.Inject(pushtest.MailFault{Command: at, Hang: true})
			s := sender(t, srv, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if r := s.Send(ctx, letter()); r.Class != push.ClassRetry || r.Reason != wire.ReasonTimeout {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	srv := server(t)
	s := sender(t, srv, nil)
	srv.Close()
	if r := s.Send(t.Context(), letter()); r.Class != push.ClassProviderDown || r.Reason != wire.ReasonUnreachable {
		t.Errorf("%+v", r)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ana@example.com": "ana@example.com", " Ana.B+x@EXAMPLE.Com ": "Ana.B+x@example.com", "a@xn--bcher-kva.example": "a@xn--bcher-kva.example",
		"": "", "ana": "", "ana@": "", "@example.com": "", "ana@localhost": "", "Ana <ana@example.com>": "", "a b@example.com": "",
		"ana@exam ple.com": "", "ana@example.com\r\nBcc: x@example.com": "", "ana@example.com,ben@example.com": "", `"a b"@example.com`: "",
		"ana@bücher.example": "", "ana@[127.0.0.1]": "", "ana@-x.com": "", "ana@example..com": "", "a@b@example.com": "",
		strings.Repeat("a", 65) + "@example.com": "", strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 120) + "com": "",
	} {
		got, err := mail.Address(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]mail.Config{
		"no host": {From: "a@example.com"}, "no sender": {Host: "smtp.example.com"}, "a strange policy": {Host: "h", From: "a@example.com", TLS: "maybe"},
		"a sender with a line in it": {Host: "h", From: "a@example.com\r\nBcc: b@example.com"},
	} {
		if _, err := mail.New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
