package respond_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// digests gives the digests that were made, newest first.
func (s *stage) digests(device push.Device) []push.Delivery {
	s.t.Helper()
	list, _, err := s.db.DeliveryLog().ListDeliveries(s.t.Context(), respond.DeliveryFilter{DeviceID: device.ID, Kinds: []push.Kind{push.Digest}})
	if err != nil {
		s.t.Fatal(err)
	}
	out := []push.Delivery{}
	for _, d := range list {
		out = append(out, d.Delivery)
	}
	return out
}

// missing opens incidents, one after the other, of which the provider takes
// every page, and gives Ana's pages.
func (s *stage) missing(severities ...incident.Severity) (pages []push.Delivery) {
	s.t.Helper()
	for n, severity := range severities {
		s.event(respond.EventTrigger, fmt.Sprintf("%d-%s", s.now().Unix(), severity), severity, fmt.Sprintf("Trouble %d", n+1))
		jobs := s.page.take()
		s.accepted(jobs)
		for _, j := range jobs {
			pages = append(pages, j.Delivery)
		}
		s.set(s.now().Add(time.Second))
	}
	return pages
}

func (s *stage) returns() {
	s.t.Helper()
	if err := s.desk.Returned(s.t.Context(), s.ana, s.anas.ID); err != nil {
		s.t.Fatal(err)
	}
}

// APNs has kept only the last notification for the phone that was off; its
// receipt comes long after the provider's yes.
func TestAPhoneThatWasOffIsToldWhatItMissed(t *testing.T) {
	each(t, func(s *stage) {
		pages := s.missing(incident.Error, incident.Critical, incident.Error, incident.Critical)
		s.set(monday.Add(4 * time.Minute))
		s.report(s.ana, s.anas.ID, said(pages[3], push.Received))
		got := s.digests(s.anas)
		want(s.t, "one digest", len(got), 1)
		d := got[0]
		want(s.t, "of", d.About, &push.About{Count: 3, Lines: []string{"#2 critical Trouble 2", "#1 error Trouble 1", "#3 error Trouble 3"}})
		want(s.t, "to", []string{d.DeviceID, d.UserID, d.IncidentID}, []string{s.anas.ID, s.ana, ""})
		due, err := s.db.Deliveries().Claim(s.t.Context(), s.now(), 10, s.now().Add(time.Minute))
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "due now, for any node", []any{len(due), due[0].Delivery.ID, due[0].Device.ID}, []any{1, d.ID, s.anas.ID})

		s.report(s.ana, s.anas.ID, said(pages[3], push.Displayed))
		s.set(monday.Add(10 * time.Minute))
		s.report(s.ana, s.anas.ID, said(pages[2], push.Received), said(pages[2], push.Displayed))
		want(s.t, "nothing is told twice", len(s.digests(s.anas)), 1)
	})
}

func TestAPhoneThatWasOnGetsNoDigest(t *testing.T) {
	each(t, func(s *stage) {
		pages := s.missing(incident.Critical, incident.Critical, incident.Critical)
		s.set(monday.Add(50 * time.Second))
		s.report(s.ana, s.anas.ID, said(pages[2], push.Received))
		want(s.t, "within a minute", s.digests(s.anas), []push.Delivery{})
		s.set(monday.Add(4 * time.Minute))
		s.report(s.ana, s.anas.ID, said(pages[2], push.Opened))
		want(s.t, "opening late is no sign of having been off", s.digests(s.anas), []push.Delivery{})
	})
}

// One that is left rings by itself, and what is over, taken, handed over or
// never left is not missed.
func TestADigestTellsOnlyWhatIsMissed(t *testing.T) {
	each(t, func(s *stage) {
		pages := s.missing(incident.Critical, incident.Critical, incident.Critical, incident.Critical, incident.Critical)
		s.act(respond.Command{Name: respond.Resolve, IncidentID: pages[0].IncidentID, Actor: s.as(s.ben)})
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: pages[1].IncidentID, Actor: s.as(s.ben)})
		s.act(respond.Command{Name: respond.Reassign, IncidentID: pages[2].IncidentID, Actor: s.as(s.ben), Users: []string{s.ben}})
		s.page.take()
		s.trigger("not yet accepted")
		s.set(monday.Add(4 * time.Minute))
		s.report(s.ana, s.anas.ID, said(pages[4], push.Received))
		want(s.t, "only one was missed", s.digests(s.anas), []push.Delivery{})
	})
}

// An app that registers again after a silence gets a digest too, once in a
// minute at most and of each page once.
func TestAPhoneThatRegistersAgainIsToldWhatItMissed(t *testing.T) {
	each(t, func(s *stage) {
		s.missing(incident.Critical, incident.Critical)
		s.set(monday.Add(30 * time.Second))
		s.returns()
		want(s.t, "no silence yet", len(s.digests(s.anas)), 0)
		s.set(monday.Add(2 * time.Minute))
		s.returns()
		s.returns()
		got := s.digests(s.anas)
		want(s.t, "one digest", len(got), 1)
		want(s.t, "of both", got[0].About.Count, 2)

		s.missing(incident.Critical, incident.Critical)
		s.set(monday.Add(4 * time.Minute))
		s.report(s.ana, s.anas.ID, said(got[0], push.Displayed))
		s.returns()
		want(s.t, "not silent: it has just reported", len(s.digests(s.anas)), 1)
		s.set(monday.Add(5*time.Minute - time.Second))
		s.returns()
		want(s.t, "not silent for a minute", len(s.digests(s.anas)), 1)
		s.set(monday.Add(5*time.Minute + time.Second))
		s.returns()
		want(s.t, "the new ones", s.digests(s.anas)[0].About.Lines, []string{"#3 critical Trouble 1", "#4 critical Trouble 2"})
		want(s.t, "each in one digest", len(s.digests(s.anas)), 2)
	})
}

// A digest names a few and counts the rest; a dead phone gets none.
func TestADigestIsBounded(t *testing.T) {
	each(t, func(s *stage) {
		s.missing(slicesOf(incident.Critical, 8)...)
		s.set(monday.Add(3 * time.Minute))
		s.returns()
		d := s.digests(s.anas)[0]
		want(s.t, "counted and named", []int{d.About.Count, len(d.About.Lines)}, []int{8, 5})
		want(s.t, "the oldest first", strings.HasPrefix(d.About.Lines[0], "#1 "), true)

		s.missing(slicesOf(incident.Critical, 2)...)
		if err := s.db.Devices().RemoveDevice(s.t.Context(), s.ana, s.anas.ID); err != nil {
			s.t.Fatal(err)
		}
		s.set(monday.Add(6 * time.Minute))
		s.returns()
		if diff := cmp.Diff(1, len(s.digests(s.anas))); diff != "" {
			s.t.Errorf("after it was removed: %s", diff)
		}
	})
}

func slicesOf(severity incident.Severity, n int) (out []incident.Severity) {
	for range n {
		out = append(out, severity)
	}
	return out
}

// A phone that changed hands tells its new owner nothing of the former one's.
func TestADigestIsForWhoeverWasPaged(t *testing.T) {
	each(t, func(s *stage) {
		s.missing(incident.Critical, incident.Critical, incident.Critical)
		s.set(monday.Add(3 * time.Minute))
		taken := s.phone(s.ben, push.IOS, push.APNs, s.anas.Token)
		want(s.t, "the same device", taken.ID, s.anas.ID)
		if err := s.desk.Returned(s.t.Context(), s.ben, taken.ID); err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "digests", s.digests(taken), []push.Delivery{})
	})
}

// What was taken care of while a digest waited is not told any more (I6), and a
// digest of nothing is not sent.
func TestADigestTellsWhatIsStillMissedWhenItLeaves(t *testing.T) {
	each(t, func(s *stage) {
		pages := s.missing(incident.Critical, incident.Error, incident.Critical)
		s.set(monday.Add(3 * time.Minute))
		s.returns()
		claim := func() *push.About {
			jobs, err := s.db.Deliveries().Claim(s.t.Context(), s.now(), 10, s.now().Add(time.Second))
			if err != nil {
				s.t.Fatal(err)
			}
			for _, j := range jobs {
				if j.Delivery.Kind == push.Digest {
					return j.Delivery.About
				}
			}
			s.t.Fatal("no digest was claimed")
			return nil
		}
		for i, left := range []*push.About{
			{Count: 2, Lines: []string{"#3 critical Trouble 3", "#2 error Trouble 2"}},
			{Count: 1, Lines: []string{"#2 error Trouble 2"}},
			{},
		} {
			s.act(respond.Command{Name: respond.Acknowledge, IncidentID: pages[[]int{0, 2, 1}[i]].IncidentID, Actor: s.as(s.ben)})
			s.page.take()
			s.set(s.now().Add(2 * time.Second))
			want(s.t, "left", claim(), left)
		}
	})
}
