package respond_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/meter"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/models/modelstest"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// tower is a node's watch.
func (s *stage) tower(db *models.DB, change func(*respond.WatchConfig)) *respond.Watch {
	c := respond.WatchConfig{
		Store: db.Desk(), Reach: db.Devices(), Pager: s.page, Node: "node-a", Lead: time.Hour, ProbeEvery: 6 * time.Hour, Now: s.now,
	}
	if change != nil {
		change(&c)
	}
	return respond.NewWatch(c)
}

// unsent claims everything that waits, as the pipeline does, and has it accepted.
func (s *stage) unsent() []push.Job {
	s.t.Helper()
	jobs, err := s.db.Deliveries().Claim(s.t.Context(), s.now(), 100, s.now().Add(time.Minute))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, j := range jobs {
		s.accept(j)
	}
	return jobs
}

// saidTo is what waits for a device, in words.
func saidTo(jobs []push.Job, deviceID string) (out []string) {
	for _, j := range jobs {
		if j.Device.ID != deviceID {
			continue
		}
		word := string(j.Delivery.Kind)
		if a := j.Delivery.About; a != nil {
			word = strings.TrimSpace(strings.Join([]string{word, a.Topic, a.Who, a.What}, " "))
		}
		out = append(out, word)
	}
	slices.Sort(out)
	return out
}

func (s *stage) can(d push.Device, c push.Capabilities) {
	s.t.Helper()
	d.Capabilities, d.AppVersion = c, "1.4"
	if err := s.db.Devices().UpdateDevice(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
}

var loud = push.Capabilities{Alerts: true, Critical: true, TimeSensitive: true}

// nights puts Ana on call until noon and Ben from then on, and Mia in charge.
func (s *stage) nights() (mias push.Device) {
	s.can(s.anas, loud)
	s.can(s.bens, push.Capabilities{})
	mia := auth.User{ID: id.New(id.User), Email: "mia@example.com", Name: "Mia", Role: auth.Manager, TimeZone: "UTC", Locale: "en", CreatedAt: s.at}
	s.apply(setup.Changes{
		Users: []auth.User{mia},
		Schedules: []oncall.Schedule{{ID: id.New(id.Schedule), Name: "Nights", TimeZone: "UTC", Layers: []oncall.Layer{
			{ID: id.New(id.Layer), Name: "1", Users: []string{s.ana, s.ben}, Start: monday.Add(-14 * time.Hour), Turn: 1, Unit: oncall.Days},
		}}},
	})
	mias = s.phone(mia.ID, push.IOS, push.APNs, "cc33")
	return mias
}

// The person is reminded and warned an hour before, their manager too, once:
// by two nodes, again and again, and after a restart.
func TestShiftsAreAnnouncedOnce(t *testing.T) {
	modelstest.EachPlace(t, func(t *testing.T, p modelstest.Place) {
		db := p.Open(t, "node-a")
		s := &stage{t: t, db: db, page: &pager{}, at: monday}
		s.furnish()
		mias := s.nights()
		other := db
		if p.Engine == "postgres" {
			other = p.Open(t, "node-b")
		}
		watches := []*respond.Watch{s.tower(db, nil), s.tower(other, nil)}
		look := func() {
			t.Helper()
			if _, err := other.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, w := range watches {
				if err := w.Remind(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.set(monday.Add(9*time.Hour - time.Minute))
		look()
		if early := s.unsent(); len(early) != 0 {
			t.Errorf("61 minutes before: %+v", early)
		}
		for range 5 {
			s.set(s.now().Add(time.Minute))
			look()
		}
		watches = append(watches, s.tower(db, nil)) // restarted: it remembers nothing
		look()
		jobs := s.unsent()
		warning := "notice unpageable Ben notifications off"
		for _, c := range []struct {
			dev  push.Device
			want []string
		}{
			{s.anas, nil}, {mias, []string{warning}}, {s.bens, []string{"notice shift_starts Ben Nights", warning}},
		} {
			if got := saidTo(jobs, c.dev.ID); !slices.Equal(got, c.want) {
				t.Errorf("%s is told %q, want %q", c.dev.Name, got, c.want)
			}
		}
		for _, j := range jobs {
			if start := monday.Add(10 * time.Hour); !j.Delivery.ExpiresAt.Equal(start) || !j.Delivery.About.At.Equal(start) {
				t.Errorf("%+v says %+v", j.Delivery, j.Delivery.About)
			}
		}
		s.set(monday.Add(11 * time.Hour))
		look()
		if late := s.unsent(); len(late) != 0 {
			t.Errorf("after it began: %+v", late)
		}
	})
}

// A shift that only goes on is no news, nor one that nobody wants announced.
func TestWhatIsNotAnnounced(t *testing.T) {
	each(t, func(s *stage) {
		s.nights()
		s.apply(setup.Changes{Schedules: []oncall.Schedule{{ID: id.New(id.Schedule), Name: "Alone", TimeZone: "UTC", Layers: []oncall.Layer{
			{ID: id.New(id.Layer), Name: "1", Users: []string{s.ana}, Start: monday.Add(-48 * time.Hour), Turn: 1, Unit: oncall.Days},
			{ID: id.New(id.Layer), Name: "2", Users: []string{s.ana}, Start: monday.Add(9*time.Hour + 30*time.Minute), Turn: 1, Unit: oncall.Weeks},
		}}}})
		s.set(monday.Add(9*time.Hour + time.Minute))
		if err := s.tower(s.db, func(c *respond.WatchConfig) { c.Lead = 0 }).Remind(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if got := s.unsent(); len(got) != 0 {
			s.t.Errorf("it is turned off, but %+v", got)
		}
		if err := s.tower(s.db, nil).Remind(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
		if got := saidTo(s.unsent(), s.anas.ID); len(got) != 0 {
			s.t.Errorf("Ana goes on, and is told %q", got)
		}
	})
}

func TestPhonesOnCallAreProbed(t *testing.T) {
	each(t, func(s *stage) {
		w := s.tower(s.db, nil)
		probe := func(w *respond.Watch) []push.Job {
			s.t.Helper()
			if err := w.Probe(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
			return s.unsent()
		}
		if got := probe(s.tower(s.db, func(c *respond.WatchConfig) { c.ProbeEvery = 0 })); len(got) != 0 {
			s.t.Errorf("it is off, but %+v", got)
		}
		first := probe(w)
		if !slices.Equal(saidTo(first, s.anas.ID), []string{"probe"}) || !slices.Equal(saidTo(first, s.bens.ID), []string{"probe"}) || len(first) != 2 {
			s.t.Fatalf("probed %+v", first)
		}
		if d := first[0].Delivery; !d.ExpiresAt.Equal(s.now().Add(time.Hour)) {
			s.t.Errorf("%+v", d)
		}
		s.set(s.now().Add(time.Hour))
		if again := probe(s.tower(s.db, nil)); len(again) != 0 {
			s.t.Errorf("an hour later, on another node: %+v", again)
		}
		s.can(s.anas, loud)
		if r := s.ring(w, s.ana); r.Outlook != push.MayRing || r.Summary("Ana") != "Ana: a probe was not answered" {
			s.t.Errorf("%+v", r)
		}
		s.set(monday.Add(7 * time.Hour))
		if next := probe(w); len(next) != 2 {
			s.t.Errorf("in the next stretch: %+v", next)
		}
	})
}

// accept records the provider's yes.
func (s *stage) accept(j push.Job) {
	s.t.Helper()
	o := push.Outcome{Job: j, SentAt: s.now(), DoneAt: s.now(), Final: push.Accepted, Result: push.Result{Class: push.ClassAccepted, Status: 200}}
	if err := s.db.Deliveries().Record(s.t.Context(), []push.Outcome{o}); err != nil {
		s.t.Fatal(err)
	}
}

// ring is the verdict on one person.
func (s *stage) ring(w *respond.Watch, user string) respond.Reachability {
	s.t.Helper()
	found, err := w.Pageability(s.t.Context(), user)
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%+v, %v", found, err)
	}
	return found[0]
}

func TestATestRingsAtOnceAndNotForEver(t *testing.T) {
	each(t, func(s *stage) {
		w := s.tower(s.db, nil)
		try := func(t respond.Trial) (push.Delivery, error) { return w.Test(s.t.Context(), t) }
		ask := respond.Trial{UserID: s.ana, DeviceID: s.anas.ID, Loud: true, Key: "k"}
		d, err := try(ask)
		if err != nil {
			s.t.Fatal(err)
		}
		jobs := s.page.take()
		if len(jobs) != 1 || jobs[0].Delivery.ID != d.ID || jobs[0].Delivery.Kind != push.Test || !jobs[0].Delivery.About.Loud || jobs[0].Device.ID != s.anas.ID {
			s.t.Fatalf("the pager got %+v", jobs)
		}
		if again, err := try(ask); err != nil || again.ID != d.ID || len(s.page.take()) != 0 {
			s.t.Errorf("under the same key: %+v, %v", again, err)
		}
		ask.Loud = false
		if _, err := try(ask); !fault.Is(err, "idempotency_key_reused") {
			s.t.Errorf("another test under the same key: %v", err)
		}
		ask.Key = ""
		for range 5 {
			if _, err := try(ask); err != nil {
				s.t.Fatal(err)
			}
		}
		if _, err := try(ask); !fault.Is(err, "too_many_tests") {
			s.t.Errorf("the seventh in a minute: %v", err)
		}
		s.set(s.now().Add(time.Minute + time.Second))
		if _, err := try(ask); err != nil {
			s.t.Errorf("a minute later: %v", err)
		}
		if _, err := try(respond.Trial{UserID: s.ana, DeviceID: s.bens.ID}); !fault.Is(err, "device_gone") {
			s.t.Errorf("somebody else's: %v", err)
		}
		mail := s.address(s.ana, push.Email, "ana@example.com", false)
		if _, err := try(respond.Trial{UserID: s.ana, DeviceID: mail.ID}); !fault.Is(err, "device_not_verified") {
			s.t.Errorf("an address that may be anybody's: %v", err)
		}
	})
}

// The verdict follows what is stored: devices, rules, receipts, lanes.
func TestWhoCanBePaged(t *testing.T) {
	each(t, func(s *stage) {
		m, trouble := meter.New(), ""
		w := s.tower(s.db, func(c *respond.WatchConfig) {
			c.Meter, c.Trouble = m, func(push.Lane) string { return trouble }
		})
		s.can(s.anas, loud)
		s.can(s.bens, push.Capabilities{})
		if r := s.ring(w, s.ana); r.Outlook != push.WillRing || !r.OnCall || r.Person.Name != "Ana" {
			s.t.Errorf("%+v", r)
		}
		if r := s.ring(w, s.ben); r.Summary(r.Person.Name) != "Ben: notifications off" {
			s.t.Errorf("%+v", r)
		}
		counted := func(want string) {
			s.t.Helper()
			if err := w.Measure(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
			a := httptest.NewRecorder()
			m.Handler().ServeHTTP(a, httptest.NewRequestWithContext(s.t.Context(), "GET", "/metrics", nil))
			if !strings.Contains(a.Body.String(), want) {
				s.t.Errorf("the metrics lack %s", want)
			}
		}
		counted(`nightbell_users_unpageable{on_call="true"} 1`)
		trouble = "apns refuses our key"
		if r := s.ring(w, s.ana); r.Summary("Ana") != "Ana: apns refuses our key" {
			s.t.Errorf("%+v", r)
		}
		counted(`nightbell_users_unpageable{on_call="true"} 2`)
		counted(`nightbell_users_unpageable{on_call="false"} 0`)
		trouble = ""

		for i := range 3 { // a test each day that the phone leaves unanswered
			s.set(monday.Add(time.Duration(i) * 24 * time.Hour))
			if _, err := w.Test(s.t.Context(), respond.Trial{UserID: s.ana, DeviceID: s.anas.ID}); err != nil {
				s.t.Fatal(err)
			}
			for _, j := range s.page.take() {
				s.accept(j)
			}
		}
		if r := s.ring(w, s.ana); r.Outlook != push.MayRing || r.Obstacles[0].Code != "never_a_receipt" {
			s.t.Errorf("%+v", r)
		}
		all, err := w.Pageability(s.t.Context())
		if err != nil || len(all) != 2 || all[0].Person.Name != "Ana" || all[1].Person.Name != "Ben" {
			s.t.Errorf("%+v, %v", all, err)
		}
		if none, err := w.Pageability(s.t.Context(), "usr_nobody"); err != nil || len(none) != 0 {
			s.t.Errorf("%+v, %v", none, err)
		}
	})
}
