package push

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

// live is a delivery to a Live Activity.
func live(about About, change func(*Job)) Job {
	return paged(APNs, func(j *Job) {
		j.Delivery.Kind, j.Delivery.About = Activity, &about
		j.Device.LiveActivity.StartToken, j.ActivityToken = "5aa5", "ac17"
		j.Content.Theirs, j.Content.StaleAt = true, noon.Add(5*time.Minute)
		if change != nil {
			change(j)
		}
	})
}

func TestALiveActivityIsTold(t *testing.T) {
	t.Parallel()
	unix := func(d time.Duration) float64 { return float64(noon.Add(d).Unix()) }
	state := func(status, by string) map[string]any {
		s := map[string]any{
			"number": 42.0, "title": "Checkout answers 500", "status": status, "severity": "critical", "service": "Checkout",
			"changed_at": "2026-03-01T12:00:00Z", "revision": 3.0,
		}
		if by != "" {
			s["by"] = by
		}
		return s
	}
	acked := func(j *Job) { j.Content.Status, j.Content.By = incident.Acknowledged, "Ana" }
	for name, c := range map[string]struct {
		job      Job
		aps      map[string]any
		token    string
		priority int
	}{
		"start": {live(About{Event: ActivityStart}, nil), map[string]any{
			"event": "start", "timestamp": unix(0), "content-state": state("triggered", ""), "attributes-type": "NightbellIncidentAttributes",
			"attributes":       map[string]any{"incident_id": "inc_1", "device_id": "dev_1", "server": "https://bell.example"},
			"alert":            map[string]any{"title": "Checkout answers 500", "subtitle": "Checkout", "body": "#42 · critical · triggered 12:00 UTC"},
			"input-push-token": 1.0, "stale-date": unix(5 * time.Minute), "relevance-score": 100.0,
		}, "5aa5", 5},
		"escalated": {live(About{Event: ActivityUpdate}, nil), map[string]any{
			"event": "update", "timestamp": unix(0), "content-state": state("triggered", ""), "stale-date": unix(5 * time.Minute), "relevance-score": 100.0,
		}, "ac17", 5},
		"acknowledged": {live(About{Event: ActivityUpdate, Loud: true}, acked), map[string]any{
			"event": "update", "timestamp": unix(0), "content-state": state("acknowledged", "Ana"), "stale-date": unix(15 * time.Minute), "relevance-score": 100.0,
		}, "ac17", 10},
		"over": {live(About{Event: ActivityEnd, At: noon.Add(15 * time.Minute), Loud: true}, func(j *Job) { j.Content.Status = incident.Resolved }), map[string]any{
			"event": "end", "timestamp": unix(0), "content-state": state("resolved", ""), "dismissal-date": unix(15 * time.Minute),
		}, "ac17", 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, c.job)
			if diff := cmp.Diff(map[string]any{"aps": c.aps}, object(t, m)); diff != "" {
				t.Error(diff)
			}
			if m.Token != c.token || m.Priority != c.priority || m.PushType != "liveactivity" || m.High || m.CollapseID != "" || m.Level != "silent" {
				t.Errorf("to %s, priority %d, type %s, high %v, collapse %q, level %s", m.Token, m.Priority, m.PushType, m.High, m.CollapseID, m.Level)
			}
		})
	}
}

// What is not worth telling when its turn comes.
func TestLiveActivitiesThatAreNotToldAnyMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job  Job
		wish DeliveryState // empty: told
	}{
		"start":                                {live(About{Event: ActivityStart}, nil), ""},
		"start after an acknowledgement":       {live(About{Event: ActivityStart}, func(j *Job) { j.Content.Status = incident.Acknowledged }), Cancelled},
		"update":                               {live(About{Event: ActivityUpdate}, nil), ""},
		"update, acknowledged by another":      {live(About{Event: ActivityUpdate}, func(j *Job) { j.Content.Status, j.Content.Theirs = incident.Acknowledged, false }), ""},
		"update, it rings for others":          {live(About{Event: ActivityUpdate}, func(j *Job) { j.Content.Theirs = false }), Cancelled},
		"update of what is over":               {live(About{Event: ActivityUpdate}, func(j *Job) { j.Content.Status = incident.Resolved }), Cancelled},
		"end of what is over":                  {live(About{Event: ActivityEnd}, func(j *Job) { j.Content.Status = incident.Resolved }), ""},
		"a test, whatever incidents there are": {alone(APNs, Test, About{}), ""},
		"a digest":                             {alone(APNs, Digest, About{Count: 1}), ""},
		"a notice":                             {alone(APNs, Notice, About{}), ""},
		"a probe":                              {alone(APNs, Probe, About{}), ""},
	} {
		j := c.job
		j.Delivery.State = Scheduled
		if got, why := judge(&j, noon); got != c.wish {
			t.Errorf("%s: %q (%s), want %q", name, got, why, c.wish)
		}
	}
}

// An answer about an activity's token ends the activity, never the device.
func TestAnActivitysTokenIsJudgedAlone(t *testing.T) {
	t.Parallel()
	for class, ends := range map[Class]bool{ClassTokenDead: true, ClassTokenSuspect: true, ClassAccepted: false, ClassRetry: false} {
		j := live(About{Event: ActivityUpdate}, nil)
		j.Delivery.State = Scheduled
		o := Outcome{Job: j, SentAt: noon, DoneAt: noon, Final: Failed, RetryAt: noon.Add(time.Second), Result: Result{Class: class}}
		dev := j.Device
		dev.State = DeviceSuspect
		v := o.Apply(j.Delivery, dev)
		if v.EndActivity != ends || v.DeviceState != "" || v.Evidence != nil {
			t.Errorf("%s: ends %v, device %q, evidence %v", class, v.EndActivity, v.DeviceState, v.Evidence)
		}
		if v.Delivery.State != Failed {
			t.Errorf("%s: the delivery is %s", class, v.Delivery.State)
		}
	}
}

// Any texts in any kind: a payload that reads, within its budget.
func TestAnyTextFitsInAnyKind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			return strings.Repeat(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"🔥", "\u202E", "é", "\xff", "&"})).Draw(t, name), rapid.IntRange(0, 400).Draw(t, name+" times"))
		}
		kind := rapid.SampledFrom([]Kind{Page, Update, Settle, Activity, Digest, Test, Notice, Probe}).Draw(t, "kind")
		p := rapid.SampledFrom([]Provider{APNs, FCM, WebPush}).Draw(t, "provider")
		if kind == Activity {
			p = APNs
		}
		j := paged(p, func(j *Job) {
			j.Delivery.Kind = kind
			j.Content.Title, j.Content.ServiceName, j.Content.By = text("title"), text("service"), text("by")
			j.Content.Locale = rapid.SampledFrom([]string{"", "de", "es", text("locale")}).Draw(t, "language")
			j.Delivery.About = &About{
				Event: rapid.SampledFrom([]string{ActivityStart, ActivityUpdate, ActivityEnd}).Draw(t, "event"),
				Topic: rapid.SampledFrom([]string{TopicShiftStarts, TopicUnpageable, "other"}).Draw(t, "topic"),
				Who:   text("who"), What: text("what"), Count: rapid.IntRange(0, 100).Draw(t, "count"),
				Lines: rapid.SliceOfN(rapid.String(), 0, 30).Draw(t, "lines"), Loud: rapid.Bool().Draw(t, "loud"), At: noon,
			}
			if p == WebPush {
				j.Device.Platform = Web
			}
		})
		mode := rapid.SampledFrom([]Privacy{"", PrivacyIDOnly}).Draw(t, "privacy")
		for limit, how := range map[int]func(Job) (Message, error){softLimit: private(mode).Compose, leanLimit: private(mode).ComposeLean} {
			m, err := how(j)
			if err != nil {
				t.Fatal(err)
			}
			if size := len(m.Body) + dataSize(m.Data); size > limit || size == 0 {
				t.Fatalf("%d bytes; %d are allowed", size, limit)
			}
			if m.Body != nil && !json.Valid(m.Body) {
				t.Fatalf("no JSON: %q", m.Body)
			}
			if high := kind == Page || kind == Test && j.Delivery.About.Loud; m.High != high {
				t.Fatalf("high is %v for a %s", m.High, kind)
			}
		}
	})
}
