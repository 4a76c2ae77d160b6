package push

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nightbell/nightbell/incident"
)

// choosy serves one app in production.
type choosy struct{}

func (choosy) Send(context.Context, Message) Result { return Result{Class: ClassAccepted, Status: 200} }

func (choosy) Serves(app, environment string) bool { return app == "ios" && environment == production }

func TestASwitchServesWhatItsTenantDoes(t *testing.T) {
	t.Parallel()
	s := NewSwitch(APNs)
	if s.Serves("ios", production) {
		t.Error("nobody serves")
	}
	s.Set(choosy{})
	if !s.Serves("ios", production) || s.Serves("ios", sandbox) || s.Serves("beta", production) {
		t.Error("it does not ask its tenant")
	}
	s.Set(sink{})
	if !s.Serves("any", sandbox) {
		t.Error("one that does not say is taken to serve")
	}
}

// What is known against a lane is said before anybody is paged.
func TestTroubleOfALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newRows()
		s := set(db, "a", func(c *Config) { delete(c.Senders, FCM) }).run(t)
		defer s.end(t)
		phone := db.device("dev_1", APNs)
		says := func(l Lane, want string) {
			t.Helper()
			if got := s.Trouble(l); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("%+v: %q, want %q", l, got, want)
			}
		}
		says(phone.Lane(), "")
		says(Lane{App: "app", Provider: FCM, Environment: production}, "not set up for fcm")
		s.apns.answer = func(context.Context, Message) Result {
			return Result{Class: ClassConfigBroken, Status: 403, Reason: "InvalidProviderToken"}
		}
		s.Submit([]Job{db.page("dlv_1", "inc_1", phone, "a")})
		synctest.Wait()
		says(phone.Lane(), "refuses the server's key")
	})
	p := NewPipeline(Config{Senders: map[Provider]Sender{APNs: choosy{}}})
	if got := p.Trouble(Lane{App: "beta", Provider: APNs, Environment: production}); !strings.Contains(got, "no key for the app beta") {
		t.Errorf("%q", got)
	}
}

// twoHomes knows every token in the sandbox only.
type twoHomes struct{ provider }

func (*twoHomes) Serves(string, string) bool { return true }

// A page to a phone of the other environment rings in the moment that it is
// refused, without the pause that a retry takes.
func TestAPageFindsAPhoneOfTheOtherEnvironmentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, apple := newRows(), &twoHomes{}
		apple.answer = func(_ context.Context, m Message) Result {
			if m.Environment == production {
				return Result{Class: ClassTokenSuspect, Status: 400, Reason: "BadDeviceToken"}
			}
			return yes
		}
		s := set(db, "a", func(c *Config) { c.Senders[APNs] = apple }).run(t)
		defer s.end(t)
		s.Submit([]Job{db.page("dlv_1", "inc_1", db.device("dev_1", APNs), "a")})
		synctest.Wait()
		wantState(t, db, "dlv_1", Accepted)
		wantTold(t, db, "dlv_1", incident.EntryRetrying, incident.EntrySent, incident.EntryAccepted)
		if n := len(apple.sent); n != 2 || apple.sent[1].at != 0 || apple.sent[1].Environment != sandbox {
			t.Errorf("sent %+v, want a second one to the sandbox at once", apple.sent)
		}
		if dev := db.devices["dev_1"]; dev.Environment != sandbox || dev.State != DeviceActive {
			t.Errorf("the device is %+v", dev)
		}
	})
}
