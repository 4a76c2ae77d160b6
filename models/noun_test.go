package models_test

import (
	"time"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/respond"
)

// noon is the moment at which the stories of this room play.
var noon = time.Date(2026, 3, 29, 12, 0, 0, 123456000, time.UTC)

// aCase is a triggered incident that escalates in five minutes.
func aCase(dedupKey string) respond.Case {
	return respond.Case{
		Incident: incident.Incident{
			ID: id.New(id.Incident), ServiceID: "svc_1", ServiceName: "Checkout", IntegrationID: "int_1", DedupKey: dedupKey,
			Title: "Checkout is down", Severity: incident.Critical, Urgency: incident.High, Status: incident.Triggered,
			Revision: 1, Assignees: []string{"usr_ana", "usr_ben"}, CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
			Timers:     incident.Timers{EscalateAt: noon.Add(5 * time.Minute), AutoResolveAt: noon.Add(time.Hour)},
			AckTimeout: 30 * time.Minute, AutoResolve: time.Hour,
		},
		Plan: oncall.Plan{PolicyID: "pol_1", PolicyName: "Default", Loops: 2, Turn: 3, Levels: []oncall.Level{
			{Delay: 5 * time.Minute, Targets: []oncall.Target{{Kind: oncall.UserTarget, ID: "usr_ana"}}},
		}},
		Position:   oncall.Position{Level: 1, Loop: 1, Exhausted: true},
		NextRungAt: noon.Add(time.Minute),
	}
}

// anAlert is what the case's key points at.
func anAlert(c respond.Case) respond.Alert {
	return respond.Alert{
		ID: id.New(id.Alert), IncidentID: c.Incident.ID, ServiceID: c.Incident.ServiceID, IntegrationID: c.Incident.IntegrationID,
		DedupKey: c.Incident.DedupKey, Fingerprint: "f1", Severity: incident.Critical, Summary: "it is down", Source: "web-1",
		Payload: []byte(`{"a":1}`), Count: 1, FirstAt: noon, LastAt: noon,
	}
}

// note is a small timeline entry.
func note(incidentID, text string) incident.Entry {
	return incident.Entry{
		IncidentID: incidentID, Revision: 1, Type: incident.EntryAnnotated, At: noon,
		Actor: incident.System, Detail: incident.Detail{Text: text},
	}
}

// aPage is a delivery of the incident to the device, due at noon.
func aPage(c respond.Case, dev push.Device) push.Delivery {
	return push.Delivery{
		ID: id.New(id.Delivery), Kind: push.Page, NotificationID: "ntf_1", IncidentID: c.Incident.ID, Revision: 1,
		UserID: dev.UserID, DeviceID: dev.ID, State: push.Scheduled, DueAt: noon, ExpiresAt: noon.Add(5 * time.Minute), CreatedAt: noon,
	}
}

// aNotification is a promise to Ana, dispatched at noon.
func aNotification(c respond.Case) respond.Notification {
	return respond.Notification{
		ID: id.New(id.Notification), IncidentID: c.Incident.ID, UserID: "usr_ana", RuleID: "rul_1", Method: oncall.Push,
		Level: 1, Loop: 1, State: respond.NotificationDispatched, DueAt: noon, ExpiresAt: noon.Add(5 * time.Minute), CreatedAt: noon,
	}
}

func pages(list ...push.Delivery) []push.Delivery { return list }
