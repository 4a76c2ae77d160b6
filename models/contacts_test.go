package models_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

func anAddress(userID, address string) push.Device {
	return push.Device{
		ID: id.New(id.Device), UserID: userID, Platform: push.Mail, Provider: push.Email, App: "smtp", TargetKind: push.AddressTarget,
		Token: address, RegisteredAt: noon, State: push.DeviceActive, StateAt: noon, CreatedAt: noon,
	}
}

// withCode gives an address of a person, and its registry.
func withCode(t *testing.T, db *models.DB) (models.Contacts, push.Device) {
	t.Helper()
	ch := settled(t, db)
	d := anAddress(ch.Users[0].ID, "ana@example.com")
	if err := db.Contacts().AddContact(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return db.Contacts(), d
}

func TestACodeProvesAnAddressOnce(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c, d := withCode(t, db)
		if _, err := c.TryCode(t.Context(), d, []byte("a"), noon); !fault.Is(err, "code_expired") {
			t.Errorf("before any was sent: %v", err)
		}
		keep := func(hash string, at time.Time) error {
			return c.KeepCode(t.Context(), d, []byte(hash), at, at.Add(10*time.Minute))
		}
		if err := errors.Join(keep("a", noon), keep("b", noon.Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		later := noon.Add(2 * time.Minute)
		if _, err := c.TryCode(t.Context(), d, []byte("a"), later); !fault.Is(err, "bad_code") {
			t.Errorf("the code before: %v", err)
		}
		if _, err := c.TryCode(t.Context(), d, []byte("b"), noon.Add(11*time.Minute)); !fault.Is(err, "code_expired") {
			t.Errorf("after ten minutes: %v", err)
		}
		got, err := c.TryCode(t.Context(), d, []byte("b"), later)
		if err != nil || !got.VerifiedAt.Equal(later) {
			t.Errorf("%v, %v", got.VerifiedAt, err)
		}
		stored, err := c.Contact(t.Context(), d.UserID, d.ID)
		if err != nil || !stored.Usable() {
			t.Errorf("%+v, %v", stored, err)
		}
		if _, err := c.TryCode(t.Context(), d, []byte("b"), later); !fault.Is(err, "code_expired") {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestCodesAreTriedFiveTimesAndSentTenAnHour(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c, d := withCode(t, db)
		if err := c.KeepCode(t.Context(), d, []byte("a"), noon, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			if _, err := c.TryCode(t.Context(), d, []byte("x"), noon); !fault.Is(err, "bad_code") {
				t.Errorf("try %d: %v", n, err)
			}
		}
		if _, err := c.TryCode(t.Context(), d, []byte("a"), noon); !fault.Is(err, "too_many_attempts") {
			t.Errorf("the right one, too late: %v", err)
		}
		if err := c.KeepCode(t.Context(), d, []byte("b"), noon.Add(59*time.Second), noon.Add(time.Hour)); !fault.Is(err, "too_many_codes") {
			t.Errorf("within a minute: %v", err)
		}
		// Removing the address and adding another does not begin anew.
		if err := c.RemoveContact(t.Context(), d.UserID, d.ID); err != nil {
			t.Fatal(err)
		}
		for n := range 10 {
			next := anAddress(d.UserID, "other@example.com")
			if err := c.AddContact(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			err := c.KeepCode(t.Context(), next, []byte("c"), noon.Add(time.Duration(n)*time.Second), noon.Add(time.Hour))
			if (n == 9) != fault.Is(err, "too_many_codes") {
				t.Errorf("code %d: %v", n, err)
			}
			if err := c.RemoveContact(t.Context(), d.UserID, next.ID); err != nil {
				t.Fatal(err)
			}
		}
		last := anAddress(d.UserID, "other@example.com")
		if err := errors.Join(c.AddContact(t.Context(), last), c.KeepCode(t.Context(), last, []byte("d"), noon.Add(2*time.Hour), noon.Add(3*time.Hour))); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestRulesThatStayKeepTheirIDs(t *testing.T) {
	t.Parallel()
	modelstest.Each(t, func(t *testing.T, db *models.DB) {
		c, d := withCode(t, db)
		rule := func(m oncall.Method, delay time.Duration) oncall.Rule {
			return oncall.Rule{ID: id.New(id.Rule), Urgency: "high", Method: m, Delay: delay, DisplayedWithin: time.Second}
		}
		first, err := c.ReplaceRules(t.Context(), d.UserID, []oncall.Rule{rule(oncall.Push, 0), rule(oncall.Email, time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		second, err := c.ReplaceRules(t.Context(), d.UserID, []oncall.Rule{rule(oncall.Voice, 0), rule(oncall.Email, time.Minute), rule(oncall.Email, time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		if second[1] != first[1] || second[0].ID == first[0].ID || second[2].ID == second[1].ID {
			t.Errorf("%v became %v", first, second)
		}
		stored, err := c.Rules(t.Context(), d.UserID)
		if err != nil || len(stored) != 3 || stored[0] != second[0] {
			t.Errorf("%v, %v", stored, err)
		}
		cat, err := db.Refresh(t.Context())
		if err != nil || len(cat.People[d.UserID].Rules) != 3 {
			t.Errorf("the catalogue has %v, %v", cat, err)
		}
	})
}
