package respond_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// report has a person's phone say something of deliveries.
func (s *stage) report(user, device string, list ...push.Receipt) []respond.Hearing {
	s.t.Helper()
	by := s.as(user)
	by.DeviceID = device
	heard, err := s.desk.Report(s.t.Context(), respond.Report{Actor: by, Receipts: list})
	if err != nil {
		s.t.Fatal(err)
	}
	return heard
}

func said(d push.Delivery, event push.ReceiptEvent) push.Receipt {
	return push.Receipt{DeliveryID: d.ID, Event: event}
}

// receipts gives what is stored of a delivery.
func (s *stage) receipts(d push.Delivery) []push.Receipt {
	s.t.Helper()
	list, _, err := s.db.DeliveryLog().ListDeliveries(s.t.Context(), respond.DeliveryFilter{DeviceID: d.DeviceID})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, story := range list {
		if story.Delivery.ID == d.ID {
			return story.Receipts
		}
	}
	return nil
}

func TestAPhoneSaysWhatItDidWithAPage(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		jobs := s.page.take()
		s.accepted(jobs)
		page := jobs[0].Delivery
		shown := said(page, push.Displayed)
		shown.DeviceAt = monday.Add(2 * time.Second)
		s.set(monday.Add(5 * time.Second))
		want(s.t, "heard", s.report(s.ana, "", said(page, push.Received), shown, shown), []respond.Hearing{respond.Recorded, respond.Recorded, respond.Duplicate})
		want(s.t, "again", s.report(s.ana, s.anas.ID, shown, said(page, push.Opened)), []respond.Hearing{respond.Duplicate, respond.Recorded})

		told := s.timeline(i.ID)
		want(s.t, "words", s.words(i.ID)[len(told)-3:], []string{"notification.received", "notification.displayed", "notification.opened"})
		e := told[len(told)-2]
		want(s.t, "our clock", e.At, monday.Add(5*time.Second))
		want(s.t, "the phone's", *e.Detail.DeviceAt, monday.Add(2*time.Second))
		want(s.t, "who", e.Actor.ID, s.ana)
		want(s.t, "of what", []string{e.Detail.DeliveryID, e.Detail.NotificationID, e.Detail.DeviceID, e.Detail.UserID}, []string{page.ID, page.NotificationID, s.anas.ID, s.ana})
		want(s.t, "the incident stays as it was", s.get(i.ID).Revision, i.Revision)
		d, err := s.db.Devices().Device(s.t.Context(), s.ana, s.anas.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "last heard of", d.LastReceiptAt, monday.Add(5*time.Second))
	})
}

func TestReceiptsThatAreNotTheirs(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		page := s.page.take()[0].Delivery
		second := s.phone(s.ana, push.IOS, push.APNs, "aa22")
		want(s.t, "somebody else's", s.report(s.ben, "", said(page, push.Displayed)), []respond.Hearing{respond.NotYours})
		want(s.t, "another device's, by a receipt key", s.report(s.ana, second.ID, said(page, push.Displayed)), []respond.Hearing{respond.NotYours})
		want(s.t, "no delivery's, and one that is", s.report(s.ana, "", said(push.Delivery{ID: i.ID}, push.Displayed),
			said(push.Delivery{ID: id.New(id.Delivery)}, push.Displayed), said(push.Delivery{}, push.Displayed), said(page, push.Received)),
			[]respond.Hearing{respond.WrongID, respond.UnknownDelivery, respond.WrongID, respond.Recorded})
		want(s.t, "what is stored", len(s.receipts(page)), 1)
		_, err := s.desk.Report(s.t.Context(), respond.Report{Actor: s.as(s.ana), Receipts: make([]push.Receipt, respond.MaxReceipts+1)})
		want(s.t, "too many", fault.Is(err, "too_many_receipts"), true)
	})
}

// A clock that cannot be is written down as such, and ours counts; a word that
// comes days late is believed.
func TestAPhonesClock(t *testing.T) {
	each(t, func(s *stage) {
		s.trigger("db-1")
		page := s.page.take()[0].Delivery
		heard := monday.Add(72 * time.Hour)
		s.set(heard)
		for _, c := range []struct {
			event  push.ReceiptEvent
			at     time.Time
			off    bool
			moment time.Time
		}{
			{push.Received, monday.Add(time.Second), false, monday.Add(time.Second)},
			{push.Displayed, monday.Add(-time.Second), true, heard},
			{push.Opened, heard.Add(25 * time.Hour), true, heard},
			{push.Acted, heard.Add(time.Hour), false, heard},
		} {
			r := said(page, c.event)
			r.DeviceAt = c.at
			s.report(s.ana, "", r)
			list := s.receipts(page)
			got := list[slices.IndexFunc(list, func(r push.Receipt) bool { return r.Event == c.event })]
			want(s.t, string(c.event)+" as it was said", got.DeviceAt, c.at)
			want(s.t, string(c.event)+" is off", got.ClockOff, c.off)
			want(s.t, string(c.event)+" happened", got.Moment(), c.moment)
		}
		offs := 0
		for _, e := range s.timeline(s.newest().ID) {
			if e.Detail.ClockOff {
				offs++
			}
		}
		want(s.t, "off on the timeline", offs, 2)
	})
}

// What quiets a phone and what is about no incident is not for the timeline.
func TestReceiptsOfQuietThingsAreOnlyStored(t *testing.T) {
	each(t, func(s *stage) {
		i := s.trigger("db-1")
		s.accepted(s.page.take())
		s.act(respond.Command{Name: respond.Acknowledge, IncidentID: i.ID, Actor: s.as(s.ben)})
		settle := s.page.take()[0].Delivery
		test := settle
		test.ID, test.Kind, test.IncidentID = id.New(id.Delivery), push.Test, ""
		err := s.db.Desk().Write(s.t.Context(), "k", func(tx respond.Tx) error { return tx.AddDeliveries([]push.Delivery{test}) })
		if err != nil {
			s.t.Fatal(err)
		}
		before := s.words(i.ID)
		want(s.t, "heard", s.report(s.ana, "", said(settle, push.Received), said(test, push.Displayed)), []respond.Hearing{respond.Recorded, respond.Recorded})
		want(s.t, "timeline", s.words(i.ID), before)
		want(s.t, "stored", []int{len(s.receipts(settle)), len(s.receipts(test))}, []int{1, 1})
	})
}

// Phones report when they can: in any order, twice, in any parts, late. What is
// known in the end is the same.
func TestReceiptsInAnyOrderGiveTheSameRows(t *testing.T) {
	each(t, func(s *stage) {
		events := []push.ReceiptEvent{push.Received, push.Displayed, push.Opened, push.Acted}
		var rows []string
		for round := range 6 {
			key := fmt.Sprintf("db-%d", round)
			i := s.trigger(key)
			page := s.page.take()[0].Delivery
			var all []push.Receipt
			for n, e := range events {
				r := said(page, e)
				r.DeviceAt, r.Detail = page.CreatedAt.Add(time.Duration(n)*time.Second), string(e)
				all = append(all, r, r)
			}
			rand.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
			recorded := 0
			for len(all) > 0 {
				s.set(s.now().Add(time.Duration(rand.IntN(3600)) * time.Second))
				n := 1 + rand.IntN(len(all))
				for _, h := range s.report(s.ana, s.anas.ID, all[:n]...) {
					if h == respond.Recorded {
						recorded++
					}
				}
				all = all[n:]
			}
			want(s.t, "each once", recorded, len(events))
			var row strings.Builder
			for _, r := range s.receipts(page) {
				fmt.Fprintln(&row, r.Event, r.DeviceAt.Sub(page.CreatedAt), r.ClockOff, r.Detail)
			}
			told := slices.DeleteFunc(s.words(i.ID), func(w string) bool {
				return !slices.Contains([]string{"notification.received", "notification.displayed", "notification.opened", "notification.acted"}, w)
			})
			slices.Sort(told)
			rows = append(rows, row.String()+strings.Join(told, " "))
			s.act(respond.Command{Name: respond.Resolve, IncidentID: i.ID, Actor: incident.System})
			s.page.take()
		}
		for _, row := range rows {
			if diff := cmp.Diff(rows[0], row); diff != "" {
				s.t.Errorf("(-first +other):\n%s", diff)
			}
		}
	})
}
