package setup

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/push"
)

const withContacts = `
users:
  - name: Ana
    email: ana@example.com
    contact_methods:
      - {method: email, address: Ana@EXAMPLE.com, name: work}
      - {method: sms, address: "+49 151 12345678"}
      - {method: voice, address: "+4915112345678"}
    rules:
      - {urgency: high, method: push}
      - {urgency: high, method: email, delay: 2m}
      - {urgency: high, method: voice, delay: 4m}
`

func TestAddressesOfASetupFileCountAsVerified(t *testing.T) {
	t.Parallel()
	first := planned(t, withContacts, State{})
	if n := len(first.Changes.Contacts); n != 3 {
		t.Fatalf("%d addresses, want 3", n)
	}
	for i, want := range []string{"email Ana@example.com smtp", "sms +4915112345678 twilio", "voice +4915112345678 twilio"} {
		d := first.Changes.Contacts[i]
		if got := string(d.Provider) + " " + d.Token + " " + d.App; got != want || !d.Usable() || !d.VerifiedAt.Equal(now) || d.UserID != first.Changes.Users[0].ID || d.TargetKind != push.AddressTarget {
			t.Errorf("%s: %+v", got, d)
		}
	}
	s := after(State{}, first.Changes)
	if again := planned(t, withContacts, s); !again.Empty() {
		t.Errorf("a second import changes %s", again)
	}
	s.Contacts[1].VerifiedAt = time.Time{}
	second := planned(t, withContacts, s)
	if len(second.Changes.Contacts) != 1 || second.Changes.Contacts[0].ID != s.Contacts[1].ID || !strings.Contains(second.String(), "sms +4915112345678 changed") {
		t.Errorf("an unverified one: %s, %+v", second, second.Changes.Contacts)
	}
	if left := planned(t, "users:\n  - {name: Ana, email: ana@example.com}\n", s); !left.Empty() {
		t.Errorf("leaving them out changes %s", left)
	}
}

func TestAddressesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`{method: email, address: ana}`, `{method: sms, address: "0151 12345678"}`, `{method: webhook, address: "https://x.example"}`,
		`{method: email}`, `{address: ana@example.com}`, `{method: pigeon, address: x}`,
	} {
		text := "users:\n  - name: Ana\n    email: ana@example.com\n    contact_methods:\n      - " + line + "\n"
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "5") {
			t.Errorf("%s: %v", line, err)
		}
	}
	var s State
	first := planned(t, withContacts, s)
	s = after(s, first.Changes)
	for n := range 7 {
		d := s.Contacts[0]
		d.ID, d.Token = fmt.Sprint("dev_", n), fmt.Sprint("ana", n, "@example.com")
		s.Contacts = append(s.Contacts, d)
	}
	text := "users:\n  - name: Ana\n    email: ana@example.com\n    contact_methods:\n      - {method: email, address: other@example.com}\n"
	if _, err := Plan(parsed(t, text), s, now); err == nil || !strings.Contains(err.Error(), "more than 10") {
		t.Errorf("an eleventh: %v", err)
	}
}
