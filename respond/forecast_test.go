package respond_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
	"github.com/nightbell/nightbell/setup"
)

// TestTheForecastIsWhatHappens: an incident that nobody answers rings exactly
// when, whom and where the forecast said, over two loops, an empty level, a
// hand-off in between, and a person without usable rules.
func TestTheForecastIsWhatHappens(t *testing.T) {
	each(t, func(s *stage) {
		tablet := s.phone(s.ana, push.Android, push.FCM, "anas-tablet")
		rule := func(device string, delay time.Duration) oncall.Rule {
			return oncall.Rule{ID: id.New(id.Rule), Urgency: "high", Method: oncall.Push, DeviceID: device, Delay: delay}
		}
		night := oncall.Schedule{ID: id.New(id.Schedule), Name: "Night", TimeZone: "Europe/Madrid", Layers: []oncall.Layer{{
			ID: id.New(id.Layer), Users: []string{s.ana, s.ben}, Start: monday.Add(8*time.Minute - 7*24*time.Hour), Turn: 1, Unit: oncall.Weeks,
		}}}
		day := oncall.Schedule{ID: id.New(id.Schedule), Name: "Day", TimeZone: "UTC", Layers: []oncall.Layer{{
			ID: id.New(id.Layer), Users: []string{s.ben}, Start: monday.Add(-time.Hour * 24 * 30), Turn: 1, Unit: oncall.Days,
			Restrictions: []oncall.Restriction{{Cycle: oncall.Daily, Start: 9 * time.Hour, Length: 8 * time.Hour}},
		}}}
		to := func(kind oncall.TargetKind, id string) oncall.Level {
			return oncall.Level{Targets: []oncall.Target{{Kind: kind, ID: id}}, Delay: 5 * time.Minute}
		}
		s.apply(setup.Changes{
			Rules:     map[string][]oncall.Rule{s.ana: {rule(tablet.ID, 0), rule("", 3*time.Minute), rule(s.anas.ID, 9*time.Minute)}, s.ben: {rule("dev_gone", 0)}},
			Schedules: []oncall.Schedule{night, day},
			Policies: []oncall.Policy{{ID: s.policy, Name: "Default", Loops: 1, Levels: []oncall.Level{
				to(oncall.ScheduleTarget, night.ID), to(oncall.ScheduleTarget, day.ID), to(oncall.UserTarget, s.ben),
			}}},
		})
		outlook, err := s.desk.Forecast(s.svc, incident.High, s.now())
		if err != nil {
			s.t.Fatal(err)
		}
		want(s.t, "somebody", outlook.Nobody || outlook.Silent, false)
		want(s.t, "until", outlook.Ends, monday.Add(20*time.Minute))
		want(s.t, "the day's level is empty", outlook.Stops[1].Skipped, []oncall.Skip{{Level: 2, Loop: 1}})
		said := foretold(s, outlook)

		s.trigger("db-1")
		s.wait(time.Hour)
		var happened []string
		for _, j := range s.page.take() {
			if j.Delivery.Kind != push.Page {
				continue
			}
			happened = append(happened, fmt.Sprint(j.Delivery.DueAt.Sub(monday), " ", j.Device.Name))
		}
		slices.Sort(happened)
		want(s.t, "what rang", happened, said)
		want(s.t, "in all", len(said), 3+1+1+1)

		_, err = s.desk.Forecast("svc_gone", incident.High, s.now())
		want(s.t, "no such service", fault.KindOf(err), fault.NotFound)
	})
}

// foretold lists the pages of an outlook: those whose level lasts long enough.
func foretold(s *stage, o oncall.Outlook) []string {
	var out []string
	for _, stop := range o.Stops {
		for _, call := range stop.People {
			for _, r := range call.Rungs {
				for _, dev := range s.db.Catalog().DevicesOf(call.UserID, r.Method, r.DeviceID) {
					if r.At.Before(stop.Until) {
						out = append(out, fmt.Sprint(r.At.Sub(monday), " ", name(s, call.UserID, dev)))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

func name(s *stage, userID, deviceID string) string {
	for _, d := range s.db.Catalog().Devices[userID] {
		if d.ID == deviceID {
			return d.Name
		}
	}
	return deviceID
}

var _ oncall.Reach = (*respond.Catalog)(nil)
