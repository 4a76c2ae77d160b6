package respond_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// address gives a person an address; verified or not.
func (s *stage) address(user string, by push.Provider, at string, verified bool) push.Device {
	s.t.Helper()
	d := push.Device{
		ID: id.New(id.Device), UserID: user, Name: at, Platform: push.Platform(by), Provider: by, App: "main",
		TargetKind: push.AddressTarget, Token: at, RegisteredAt: s.at, State: push.DeviceActive, CreatedAt: s.at,
	}
	if verified {
		d.VerifiedAt = s.at
	}
	if err := s.db.Contacts().AddContact(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) ladder(user string, rules ...oncall.Rule) {
	s.t.Helper()
	for i := range rules {
		rules[i].ID, rules[i].Urgency = id.New(id.Rule), "high"
	}
	s.apply(setup.Changes{Rules: map[string][]oncall.Rule{user: rules}})
}

// warnings gives the texts of an incident's warnings.
func (s *stage) warnings(incidentID string) (out []string) {
	for _, e := range s.timeline(incidentID) {
		if e.Type == "incident.warning" {
			out = append(out, e.Detail.Text)
		}
	}
	return out
}

func TestALadderGoesOnFromThePhoneToItsAddresses(t *testing.T) {
	each(t, func(s *stage) {
		s.address(s.ana, push.Email, "ana@example.com", true)
		s.address(s.ana, push.SMS, "+4915112345678", true)
		s.address(s.ana, push.Voice, "+4915112345678", true)
		s.ladder(s.ana, oncall.Rule{Method: oncall.Push}, oncall.Rule{Method: oncall.Email},
			oncall.Rule{Method: oncall.SMS, Delay: time.Minute}, oncall.Rule{Method: oncall.Voice, Delay: 2 * time.Minute})
		i := s.trigger("db-1")
		first := s.page.take()
		want(s.t, "two methods at one moment", methods(first), []string{"email", "push"})
		s.accepted(first)
		s.wait(time.Minute)
		texted := s.page.take()
		want(s.t, "then a text", methods(texted), []string{"sms"})
		s.wait(time.Minute)
		called := s.page.take()
		want(s.t, "then a call", methods(called), []string{"voice"})
		s.accepted(slices.Concat(texted, called))
		for _, e := range s.timeline(i.ID) {
			if e.Type == "notification.accepted" && e.Detail.Method != oneOf(e.Detail.Provider) {
				s.t.Errorf("%s is told as %s", e.Detail.Provider, e.Detail.Method)
			}
		}
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "what can be settled is", methods(s.page.take()), []string{"email", "push"})
	})
}

// oneOf is the method of a provider.
func oneOf(provider string) string { return push.Device{Provider: push.Provider(provider)}.Method() }

func methods(jobs []push.Job) (out []string) {
	for _, j := range jobs {
		out = append(out, j.Device.Method())
	}
	slices.Sort(out)
	return out
}

func TestAnAddressIsUsedOnlyOnceVerified(t *testing.T) {
	each(t, func(s *stage) {
		mail := s.address(s.ana, push.Email, "ana@example.com", false)
		s.ladder(s.ana, oncall.Rule{Method: oncall.Email})
		i := s.trigger("db-1")
		want(s.t, "her phone instead", s.rang(), []string{"page aa11"})
		want(s.t, "and it is said", len(s.warnings(i.ID)), 1)
		_, err := s.db.Contacts().ChangeContact(s.t.Context(), s.ana, mail.ID, func(d *push.Device) error { d.VerifiedAt = s.at; return nil })
		if err != nil {
			s.t.Fatal(err)
		}
		s.trigger("db-2")
		want(s.t, "now the e-mail", s.rang(), []string{"page ana@example.com"})
	})
}

func TestWithoutRuleOrPhoneTheVerifiedAddressesAreUsed(t *testing.T) {
	each(t, func(s *stage) {
		s.address(s.ana, push.Email, "ana@example.com", true)
		s.address(s.ana, push.SMS, "+4915112345678", true)
		s.address(s.ana, push.Webhook, "https://hooks.example.com/a", false)
		s.ladder(s.ana)
		s.trigger("db-1")
		want(s.t, "the phone alone", s.rang(), []string{"page aa11"})
		if err := s.db.Devices().RemoveDevice(s.t.Context(), s.ana, s.anas.ID); err != nil {
			s.t.Fatal(err)
		}
		i := s.trigger("db-2")
		want(s.t, "the addresses", s.rang(), []string{"page +4915112345678", "page ana@example.com"})
		said := s.warnings(i.ID)
		want(s.t, "once", len(said), 1)
		if !strings.Contains(said[0], "all verified addresses") {
			s.t.Errorf("the timeline says %q", said[0])
		}
	})
}

func TestAnEMailThatWasNeverTakenIsNotFollowed(t *testing.T) {
	each(t, func(s *stage) {
		s.address(s.ana, push.Email, "ana@example.com", true)
		s.ladder(s.ana, oncall.Rule{Method: oncall.Email})
		i := s.trigger("db-1")
		s.page.take()
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		want(s.t, "nothing to follow", s.rang(), nil)
	})
}

func TestAnAddressMayBeSeveralPeoplesButOncePerPerson(t *testing.T) {
	each(t, func(s *stage) {
		mail := s.address(s.ana, push.Email, "oncall@example.com", true)
		s.address(s.ben, push.Email, "oncall@example.com", true)
		mail.ID = id.New(id.Device)
		if err := s.db.Contacts().AddContact(s.t.Context(), mail); err == nil {
			s.t.Error("the same address was taken twice")
		}
		for n := range 9 {
			s.address(s.ana, push.Email, "ana"+string(rune('a'+n))+"@example.com", false)
		}
		mail.Token = "one-too-many@example.com"
		if err := s.db.Contacts().AddContact(s.t.Context(), mail); err == nil {
			s.t.Error("an eleventh address was taken")
		}
		if err := s.db.Contacts().RemoveContact(s.t.Context(), s.ben, mail.ID); err == nil {
			s.t.Error("Ben removed Ana's address")
		}
		phones, err := s.db.Devices().Devices(s.t.Context(), s.ana)
		want(s.t, "addresses are no phones", len(phones), 1)
		want(s.t, "no error", err, nil)
	})
}
