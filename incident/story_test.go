package incident_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/incident"
)

var (
	ana    = incident.Actor{Kind: incident.ActorUser, ID: "usr_ana", Name: "Ana", Via: "app"}
	ben    = incident.Actor{Kind: incident.ActorUser, ID: "usr_ben", Name: "Ben", Via: "notification"}
	sender = incident.Actor{Kind: incident.ActorIntegration, ID: "int_1", Name: "Prometheus", Via: "event"}
)

// clock gives the moment so many minutes after two o'clock at night.
func clock(minutes int) time.Time {
	return time.Date(2026, 3, 1, 2, minutes, 0, 0, time.UTC)
}

// opening is an incident with every timer in use.
func opening() incident.Opening {
	return incident.Opening{
		ID: "inc_1", ServiceID: "svc_1", ServiceName: "Checkout", IntegrationID: "int_1", DedupKey: "disk",
		Title: "Disk full", Severity: incident.Warning, Urgency: incident.High,
		AckTimeout: 30 * time.Minute, AutoResolve: 4 * time.Hour, At: clock(0), By: sender,
	}
}

// level is a step to a level whose people have five minutes.
func level(n int, at time.Time, users ...string) incident.EscalationStep {
	return incident.EscalationStep{Level: n, Loop: 1, Users: users, NextAt: at.Add(5 * time.Minute), Reason: incident.ReasonTriggered}
}

// must is the incident after a transition that cannot be refused here.
func must(t testing.TB, ch incident.Change, err error) incident.Incident {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return ch.Incident
}

// triggered is an incident whose first level, Ana, was paged at two.
func triggered(t testing.TB) incident.Incident {
	t.Helper()
	ch, err := incident.Open(opening()).Incident.Escalated(level(1, clock(0), ana.ID), incident.System, clock(0))
	return must(t, ch, err)
}

func acknowledged(t testing.TB) incident.Incident {
	t.Helper()
	ch, err := triggered(t).Acknowledge(ana, clock(1))
	return must(t, ch, err)
}

// snoozed sleeps until half past two.
func snoozed(t testing.TB) incident.Incident {
	t.Helper()
	ch, err := triggered(t).Snooze(ana, clock(1), clock(30))
	return must(t, ch, err)
}

func resolved(t testing.TB) incident.Incident {
	t.Helper()
	ch, err := acknowledged(t).Resolve(ana, clock(2))
	return must(t, ch, err)
}

// codeOf is the refusal's stable code, "" for none.
func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	if err != nil {
		return "internal: " + err.Error()
	}
	return ""
}
