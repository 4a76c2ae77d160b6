package apns_test

import (
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

// What the composer makes of each kind gets past an APNs that refuses what a
// real phone would drop without a word.
func TestEveryKindIsTakenByAPNs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start, update := w.em.NewDevice(push.APNs, bundle), w.em.NewDevice(push.APNs, bundle)
	c := &push.Composer{BaseURL: "https://bell.example", Badges: push.NewBadges()}
	now := w.clock.now()
	for _, k := range []struct {
		name     string
		kind     push.Kind
		about    *push.About
		token    string
		pushType string
		priority int
	}{
		{"page", push.Page, nil, w.phone.Token, "alert", 10},
		{"settle", push.Settle, nil, w.phone.Token, "alert", 5},
		{"digest", push.Digest, &push.About{Count: 2}, w.phone.Token, "alert", 5},
		{"loud test", push.Test, &push.About{Loud: true}, w.phone.Token, "alert", 10},
		{"quiet test", push.Test, &push.About{}, w.phone.Token, "alert", 5},
		{"notice", push.Notice, &push.About{Topic: push.TopicShiftEnds, At: now}, w.phone.Token, "alert", 5},
		{"probe", push.Probe, nil, w.phone.Token, "background", 5},
		{"start", push.Activity, &push.About{Event: push.ActivityStart}, start.Token, "liveactivity", 5},
		{"update", push.Activity, &push.About{Event: push.ActivityUpdate}, update.Token, "liveactivity", 5},
		{"prompt update", push.Activity, &push.About{Event: push.ActivityUpdate, Loud: true}, update.Token, "liveactivity", 10},
		{"end", push.Activity, &push.About{Event: push.ActivityEnd, At: now}, update.Token, "liveactivity", 5},
	} {
		j := push.Job{
			Delivery: push.Delivery{ID: "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", Kind: k.kind, About: k.about, IncidentID: "inc_1", CreatedAt: now, ExpiresAt: now.Add(time.Hour)},
			Device: push.Device{
				Platform: push.IOS, Provider: push.APNs, App: "ios", Environment: pushtest.Production, TargetKind: push.TokenTarget,
				Token: w.phone.Token, LiveActivity: push.LiveActivity{StartToken: start.Token},
			},
			Content:       push.Content{Number: 1, Title: "db down", Severity: incident.Critical, Urgency: incident.High, Status: incident.Acknowledged, ChangedAt: now},
			ActivityToken: update.Token,
		}
		m, err := c.Compose(j)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.send(m); r.Class != push.ClassAccepted {
			t.Errorf("%s: %+v, refusals %+v", k.name, r, w.em.Refusals())
			continue
		}
		got := w.em.Received(k.token)
		if last := got[len(got)-1]; last.PushType != k.pushType || last.Priority != k.priority {
			t.Errorf("%s went as %s with priority %d, want %s and %d", k.name, last.PushType, last.Priority, k.pushType, k.priority)
		}
	}
}
