package mail_test

import (
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/mail"
	"github.com/nightbell/nightbell/push/pushtest"
)

// No text that monitoring sends can end a header and begin another, or end the
// mail: the strict server takes it, with one recipient and the known headers.
func FuzzTextsStayInTheirPlace(f *testing.F) {
	f.Add("Checkout is down", "Checkout", "#12")
	f.Add("x\r\nBcc: eve@example.com", "a\nb", "\r\n.\r\nMAIL FROM:<eve@example.com>")
	f.Add("=?utf-8?q?x?=\r\n y", "\x00\x01", strings.Repeat("ä", 5000))
	f.Add("\u2028Bcc: eve@example.com", "<script>alert(1)</script>", "javascript:alert(1)")
	f.Add(strings.Repeat("\xff", 300), "\u202e", ".")
	srv, err := pushtest.StartMail(pushtest.MailConfig{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	s, err := mail.New(mail.Config{Host: srv.Host(), Port: srv.Port(), Roots: srv.Roots(), From: "nightbell@example.com", Hello: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	known := []string{
		"Auto-Submitted", "Content-Type", "Date", "From", "Importance", "In-Reply-To", "List-Id", "Message-Id", "Mime-Version", "Priority",
		"References", "Subject", "To", "X-Auto-Response-Suppress", "X-Msmail-Priority", "X-Priority",
	}
	f.Fuzz(func(t *testing.T, title, service, body string) {
		m := letter()
		m.DeliveryID, m.Letter.IncidentID = "dlv_"+title, "inc_"+service
		m.Letter.Title, m.Letter.What, m.Letter.Service, m.Letter.Body = title, title, service, body
		m.Letter.Acknowledge = body
		if r := s.Send(t.Context(), m); r.Class != push.ClassAccepted {
			t.Fatalf("%+v", r)
		}
		all := srv.Mails()
		got := all[len(all)-1]
		if len(got.To) != 1 || got.To[0] != "ana@example.com" {
			t.Fatalf("it went to %q", got.To)
		}
		for name := range got.Header {
			if !slices.Contains(known, textproto.CanonicalMIMEHeaderKey(name)) {
				t.Fatalf("a header %q came from nowhere", name)
			}
		}
		if strings.Contains(got.HTML, "<script") {
			t.Fatal("markup of others is in the HTML")
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("ana@example.com")
	f.Add("a@b.c\r\nRCPT TO:<x@y.z>")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mail.Address(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(a, "\r\n <>\x00,") || strings.Count(a, "@") != 1 || len(a) > 254 {
			t.Fatalf("%q was taken as %q", s, a)
		}
		if again, err := mail.Address(a); again != a || err != nil {
			t.Fatalf("%q becomes %q, %v", a, again, err)
		}
	})
}
