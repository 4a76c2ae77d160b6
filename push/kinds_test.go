package push

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nightbell/nightbell/incident"
)

// alone is a delivery that is about no incident.
func alone(p Provider, kind Kind, about About) Job {
	return paged(p, func(j *Job) {
		j.Delivery.Kind, j.Delivery.IncidentID, j.Delivery.Revision, j.Delivery.About = kind, "", 0, &about
		j.Content = Content{Locale: "de", TimeZone: "Europe/Berlin"}
	})
}

// How hard it knocks, and what the timeline is told when that is less than it
// should be.
func TestHonestDowngrades(t *testing.T) {
	t.Parallel()
	all := Capabilities{Alerts: true, Critical: true, TimeSensitive: true}
	for name, c := range map[string]struct {
		provider  Provider
		change    func(*Job)
		level     string
		downgrade string
		channel   string
	}{
		"critical, granted":          {APNs, func(j *Job) { j.Device.Capabilities = all }, "critical", "", ""},
		"critical, only Focus":       {APNs, nil, "time-sensitive", "critical not granted by the phone", ""},
		"critical, nothing":          {APNs, func(j *Job) { j.Device.Capabilities = Capabilities{Alerts: true} }, "active", "critical and time-sensitive not granted by the phone", ""},
		"notifications off":          {APNs, func(j *Job) { j.Device.Capabilities = Capabilities{} }, "active", "notifications not allowed by the phone", ""},
		"low urgency asks for less":  {APNs, func(j *Job) { j.Content.Urgency = incident.Low }, "active", "", ""},
		"a settle asks for nothing":  {APNs, func(j *Job) { settle(j, incident.Acknowledged) }, "passive", "", ""},
		"Android, granted":           {FCM, func(j *Job) { j.Device.Capabilities = all }, "critical", "", "nightbell_critical"},
		"Android, no bypass of DND":  {FCM, nil, "time-sensitive", "critical not granted by the phone", "nightbell_high"},
		"Android, low urgency":       {FCM, func(j *Job) { j.Content.Urgency = incident.Low }, "active", "", "nightbell_default"},
		"Android, an update":         {FCM, func(j *Job) { j.Delivery.Kind = Update }, "passive", "", "nightbell_quiet"},
		"Android, notifications off": {FCM, func(j *Job) { j.Device.Capabilities = Capabilities{} }, "time-sensitive", "notifications not allowed by the phone", "nightbell_high"},
		"Android, channel blocked":   {FCM, func(j *Job) { j.Device.Capabilities.ChannelImportance = ImportanceNone }, "time-sensitive", "notifications not allowed by the phone", "nightbell_high"},
		"a probe shows nothing":      {FCM, func(j *Job) { *j = alone(FCM, Probe, About{}) }, "silent", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, paged(c.provider, c.change))
			if diff := cmp.Diff([]string{c.level, c.downgrade, c.channel}, []string{m.Level, m.Downgrade, m.Data["channel"]}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAndroidIsToldHowToKnock(t *testing.T) {
	t.Parallel()
	loud := compose(t, paged(FCM, func(j *Job) { j.Device.Capabilities.Critical = true }))
	quiet := compose(t, paged(FCM, func(j *Job) { settle(j, incident.Resolved) }))
	for key, want := range map[string][2]string{"bypass_dnd": {"true", ""}, "full_screen": {"true", ""}, "channel": {"nightbell_critical", "nightbell_quiet"}} {
		if got := [2]string{loud.Data[key], quiet.Data[key]}; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// What the phone said it does not do is not asked for.
func TestNoFullScreenWhereItIsNotGranted(t *testing.T) {
	t.Parallel()
	m := compose(t, paged(FCM, func(j *Job) { j.Device.Capabilities.FullScreenIntent = No }))
	if m.Data["full_screen"] != "" {
		t.Error("it asks for a full-screen intent")
	}
}

// A critical alert is as loud as the incident is bad.
func TestVolumeFollowsSeverity(t *testing.T) {
	t.Parallel()
	before := 2.0
	for _, s := range []incident.Severity{incident.Critical, incident.Error, incident.Warning, incident.Info} {
		m := compose(t, paged(APNs, func(j *Job) { j.Content.Severity, j.Device.Capabilities.Critical = s, true }))
		sound := object(t, m)["aps"].(map[string]any)["sound"].(map[string]any)
		if v := sound["volume"].(float64); v >= before || v <= 0.5 {
			t.Errorf("%s rings at %v, after %v", s, v, before)
		} else {
			before = v
		}
	}
}

// What each kind says, in German, and how it travels. Only a page and a loud
// test may ask for high priority.
func TestKindsWithoutAnIncident(t *testing.T) {
	t.Parallel()
	shift := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		kind                   Kind
		about                  About
		title, body            string
		high, shown, mustSound bool
	}{
		"digest of one": {Digest, About{Count: 1, Lines: []string{"Kasse antwortet nicht"}}, "1 offener Vorfall", "Kasse antwortet nicht", false, true, true},
		"digest of many": {Digest, About{Count: 9, Lines: []string{"a", "b", "c", "d", "e", "f"}}, "9 offene Vorfälle",
			"a\nb\nc\nd\ne\nund 4 weitere", false, true, true},
		"loud test":    {Test, About{Loud: true}, "Test von Nightbell", "Es ist nichts passiert. So klingelt ein Alarm.", true, true, true},
		"quiet test":   {Test, About{}, "Test von Nightbell", "Es ist nichts passiert. So kommen stille Nachrichten an.", false, true, false},
		"shift starts": {Notice, About{Topic: TopicShiftStarts, What: "Kasse", At: shift}, "Bereitschaft ab Mo 08:00", "Kasse", false, true, true},
		"shift ends":   {Notice, About{Topic: TopicShiftEnds, What: "Kasse", At: shift}, "Deine Schicht endet Mo 08:00", "Kasse", false, true, true},
		"unpageable": {Notice, About{Topic: TopicUnpageable, Who: "Ben"}, "Ben ist nicht erreichbar",
			"Kein funktionierender Weg ist eingetragen; öffne die App auf einem Telefon oder trage einen weiteren Weg ein.", false, true, true},
		"unpageable, with reasons": {Notice, About{Topic: TopicUnpageable, Who: "Ben", What: "no device", At: shift}, "Ben ist nicht erreichbar", "no device", false, true, true},
		"you are unpageable": {Notice, About{Topic: TopicUnpageable}, "Du bist nicht erreichbar",
			"Kein funktionierender Weg ist eingetragen; öffne die App auf einem Telefon oder trage einen weiteren Weg ein.", false, true, true},
		"another topic": {Notice, About{Topic: "of_tomorrow", What: "Kasse", At: shift}, "Nachricht von Nightbell", "Kasse Mo 08:00", false, true, true},
		"probe":         {Probe, About{}, "", "", false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, alone(FCM, c.kind, c.about))
			if diff := cmp.Diff([]string{c.title, c.body}, []string{m.Data["title"], m.Data["body"]}); diff != "" {
				t.Error(diff)
			}
			phone := compose(t, alone(APNs, c.kind, c.about))
			if m.High != c.high || phone.High != c.high {
				t.Errorf("high is %v and %v, want %v", m.High, phone.High, c.high)
			}
			aps := object(t, phone)["aps"].(map[string]any)
			if _, alert := aps["alert"]; alert != c.shown || phone.Background == c.shown {
				t.Errorf("shown is %v, background %v; want shown %v", alert, phone.Background, c.shown)
			}
			if _, sound := aps["sound"]; sound != c.mustSound {
				t.Errorf("sound is %v, want %v", aps["sound"], c.mustSound)
			}
			for key := range m.Data {
				if strings.HasPrefix(key, "action") || slices.Contains(strings.Fields("incident_id number revision severity status category"), key) {
					t.Errorf("%s: %q is about an incident, and there is none", key, m.Data[key])
				}
			}
		})
	}
}

// A probe wakes the app and nothing else.
func TestProbeIsSilent(t *testing.T) {
	t.Parallel()
	want := map[string]any{
		"aps": map[string]any{"content-available": 1.0},
		"nightbell": map[string]any{
			"kind": "probe", "delivery_id": "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", "device_id": "dev_1",
			"server": "https://bell.example", "expires_at": "2026-03-01T12:05:00Z",
		},
	}
	if diff := cmp.Diff(want, object(t, compose(t, alone(APNs, Probe, About{})))); diff != "" {
		t.Error(diff)
	}
}

// The device's language goes before the person's.
func TestSpokenLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ device, person, want string }{
		{"de-AT", "es", "#42 · kritisch · ausgelöst 12:00 UTC"},
		{"", "es-MX", "#42 · crítico · activado 12:00 UTC"},
		{"fr", "", "#42 · critical · triggered 12:00 UTC"},
	} {
		m := compose(t, paged(FCM, func(j *Job) { j.Device.Locale, j.Content.Locale = c.device, c.person }))
		if m.Data["body"] != c.want {
			t.Errorf("%s/%s reads %q, want %q", c.device, c.person, m.Data["body"], c.want)
		}
	}
	m := compose(t, paged(FCM, func(j *Job) { settle(j, incident.Acknowledged); j.Device.Locale = "es" }))
	if got := m.Data["title"] + m.Data["action_titles"]; got != `Atendido por Ana 02:14 UTC{"resolve":"Resolver"}` {
		t.Errorf("a settle says %q", got)
	}
}

// A digest of which nothing is left is not sent.
func TestAnEmptyDigestIsNotSent(t *testing.T) {
	t.Parallel()
	for count, want := range []DeliveryState{Cancelled, ""} {
		j := alone(APNs, Digest, About{Count: count})
		j.Delivery.State = Scheduled
		if final, why := judge(&j, noon); final != want {
			t.Errorf("of %d: %q, %s", count, final, why)
		}
	}
}
