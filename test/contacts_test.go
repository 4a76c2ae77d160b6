package test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
	"github.com/nightbell/nightbell/test/stage"
)

// reached is a stage whose people have addresses too.
func reached(t *testing.T, place modelstest.Place, contacts, rules string) (*stage.Stage, *pushtest.MailServer, *pushtest.Telephone) {
	t.Helper()
	mails, err := pushtest.StartMail(pushtest.MailConfig{NoTLS: true}) // push/mail's own tests do TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mails.Close)
	phone, err := pushtest.StartTelephone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(phone.Close)
	s := stage.New(t, place, stage.Options{
		Setup: fmt.Sprintf(`
users:
  - {name: Ana, email: ana@example.com, role: admin, password: %[1]q, contact_methods: [%[2]s], rules: [%[3]s]}
policies:
  - {name: Default, levels: [{delay: 1h, targets: [{user: ana@example.com}]}]}
services:
  - {name: Checkout, policy: Default}
integrations:
  - {name: Prometheus, service: Checkout, routing_key: %[4]s}
`, stage.Password, contacts, rules, stage.RoutingKey),
		Settings: fmt.Sprintf(`
smtp: {host: %s, port: %d, tls: none, from: nightbell@example.com}
webhook: {allow_networks: [127.0.0.0/8]}
twilio: {account_sid: %s, auth_token: %q, from: %q, endpoint: %q}
`, mails.Host(), mails.Port(), phone.SID, phone.AuthToken, phone.From, phone.URL()),
	})
	return s, mails, phone
}

var link = regexp.MustCompile(`Acknowledge: (http\S+)`)

// The phone is not answered; the e-mail is. Its link asks first, and its button
// quiets the phone.
func TestThePhoneIsNotAnsweredAndTheEMailIs(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s, mails, _ := reached(t, place, `{method: email, address: ana@example.com}`,
			`{urgency: high, method: push}, {urgency: high, method: email, delay: 1s}`)
		s.Start("")
		s.Phone("ana", push.APNs)
		s.Trigger("db-1", "Disk full on db-1")
		rings(t, s, "ana")
		all, err := mails.WaitMails(soon(t), 1)
		if err != nil {
			t.Fatal(err)
		}
		to := link.FindStringSubmatch(all[0].Text)
		if all[0].To[0] != "ana@example.com" || to == nil || !strings.Contains(all[0].Text, "Disk full on db-1") {
			t.Fatalf("the e-mail says %s", all[0].Raw)
		}
		status, page := open(t, http.MethodGet, to[1], nil)
		if status != 200 || !strings.Contains(page, `<form method="post" action="/act">`) || incidents(s)[0].Status != incident.Triggered {
			t.Fatalf("opening the link: %d %s, and the incident is %s", status, page, incidents(s)[0].Status)
		}
		u, _ := url.Parse(to[1])
		token := u.Query().Get("token")
		u.RawQuery = ""
		if status, page = open(t, http.MethodPost, u.String(), url.Values{"token": {token}}); status != 200 {
			t.Fatalf("its button: %d %s", status, page)
		}
		quiet(t, s, "ana")
		i := incidents(s)[0]
		if i.Status != incident.Acknowledged || i.AcknowledgedBy.Name != "Ana" {
			t.Errorf("%+v", i)
		}
	})
}

func open(t *testing.T, method, address string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// No app at all: a call is answered, 4 is pressed, and the callbacks of others
// are refused.
func TestACallIsAnsweredWithADigit(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s, _, phone := reached(t, place, `{method: voice, address: "+4915112345678"}`, `{urgency: high, method: voice}`)
		s.Start("")
		s.Trigger("db-1", "Disk full on db-1")
		if err := phone.Wait(soon(t), func() bool { return len(phone.Calls()) == 1 }); err != nil {
			t.Fatal(err)
		}
		call := phone.Calls()[0]
		forged := url.Values{"CallSid": {call.SID}, "Digits": {"6"}}
		press := strings.Replace(call.URL, "/twilio/voice", "/twilio/press", 1)
		if status, _, err := phone.Post(soon(t), press, "another account's token", forged); status != 403 || err != nil {
			t.Errorf("a forged callback: %d, %v", status, err)
		}
		heard, err := phone.Answer(soon(t), 0)
		if err != nil || len(heard.Gather) == 0 || !strings.Contains(strings.Join(heard.Gather[0].Say, " "), "Disk full on db-1") {
			t.Fatalf("%+v, %v", heard, err)
		}
		if incidents(s)[0].Status != incident.Triggered {
			t.Fatal("answering alone changed it")
		}
		said, err := phone.Press(soon(t), 0, heard, "4")
		if err != nil || !strings.Contains(strings.Join(said.Say, " "), "is acknowledged.") {
			t.Fatalf("%+v, %v", said, err)
		}
		again, err := phone.Press(soon(t), 0, heard, "4")
		if err != nil || !strings.Contains(strings.Join(again.Say, " "), "already") {
			t.Errorf("twice: %+v, %v", again, err)
		}
		i := incidents(s)[0]
		if i.Status != incident.Acknowledged || i.AcknowledgedBy.Name != "Ana" || i.AcknowledgedBy.Via != "voice" {
			t.Errorf("%+v", i.AcknowledgedBy)
		}
		if told := words(s, i.ID); !strings.Contains(told, "notification.received voice") || !strings.Contains(told, "notification.accepted voice") {
			t.Errorf("the timeline says %s", told)
		}
	})
}

func words(s *stage.Stage, id string) string {
	var out []string
	for _, e := range timeline(s, id) {
		out = append(out, e.Type+" "+e.Detail.Method)
	}
	return strings.Join(out, "\n")
}

// A text is delivered, answered, and answered again by somebody who replays it.
func TestATextIsAnsweredWithAWord(t *testing.T) {
	each(t, func(t *testing.T, place modelstest.Place) {
		s, _, phone := reached(t, place, `{method: sms, address: "+4915112345678"}`, `{urgency: high, method: sms}`)
		s.Start("")
		live := screen(t, s, "ana")
		s.Trigger("db-1", "Disk full on db-1")
		texts := func(n int) {
			t.Helper()
			if err := phone.Wait(soon(t), func() bool { return len(phone.Texts()) == n }); err != nil {
				t.Fatal(err)
			}
		}
		texts(1)
		if got := phone.Texts()[0]; !strings.Contains(got.Body, "Disk full on db-1") || !strings.Contains(got.Body, "4") {
			t.Errorf("%+v", got)
		}
		sees(t, live, incident.EntryAccepted)
		if status, err := phone.Delivered(soon(t), 0, "delivered", ""); status != 200 || err != nil {
			t.Fatalf("%d, %v", status, err)
		}
		at := s.URL + "/twilio/sms"
		if status, said, err := phone.Reply(soon(t), at, "+4915199999999", "4"); status != 200 || err != nil || !strings.Contains(said, "no open incident") {
			t.Errorf("a stranger: %d %s %v", status, said, err)
		}
		if status, said, err := phone.Reply(soon(t), at, "+4915112345678", " Ack "); status != 200 || err != nil || !strings.Contains(said, "is acknowledged.") {
			t.Fatalf("%d %s %v", status, said, err)
		}
		first := incidents(s)[0]
		if first.Status != incident.Acknowledged || first.AcknowledgedBy.Via != "sms" {
			t.Errorf("%+v", first.AcknowledgedBy)
		}
		if told := words(s, first.ID); !strings.Contains(told, "notification.received sms") {
			t.Errorf("the timeline says %s", told)
		}
		s.Trigger("db-2", "Disk full on db-2")
		texts(2)
		sees(t, live, incident.EntryAccepted)
		if _, said, _ := phone.Reply(soon(t), at, "+4915112345678", " Ack "); !strings.Contains(said, "not done") {
			t.Errorf("the same text again: %s", said)
		}
		for _, i := range incidents(s) {
			if i.DedupKey == "db-2" && i.Status != incident.Triggered {
				t.Error("a replayed text acted on a newer incident")
			}
		}
	})
}
