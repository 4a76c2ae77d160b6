package push

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

// signer makes readable tokens, or fails.
type signer struct {
	length int
	err    error
}

func (s signer) SignAction(a Action) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	if s.length > 0 {
		return strings.Repeat("x", s.length), nil
	}
	return strings.Join([]string{"tok", a.Name, a.IncidentID, a.DeliveryID, a.UserID, a.DeviceID, a.ExpiresAt.Format("15:04")}, "|"), nil
}

// paged is the job most of these tests start from.
func paged(p Provider, change func(*Job)) Job {
	j := Job{
		Delivery: Delivery{
			ID: "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", Kind: Page, IncidentID: "inc_1", Revision: 3, UserID: "usr_1", DeviceID: "dev_1",
			CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute),
		},
		Device: Device{
			ID: "dev_1", Provider: p, Platform: IOS, App: "main", Environment: "sandbox", TargetKind: TokenTarget, Token: "abcd",
			Capabilities: Capabilities{Alerts: true, TimeSensitive: true},
		},
		Content: Content{
			Number: 42, Title: "Checkout answers 500", ServiceName: "Checkout", Severity: incident.Critical,
			Urgency: incident.High, Status: incident.Triggered, ChangedAt: noon,
		},
	}
	if p == FCM {
		j.Device.Platform = Android
	}
	if change != nil {
		change(&j)
	}
	return j
}

func compose(t *testing.T, j Job) Message {
	t.Helper()
	m, err := (&Composer{Signer: signer{}, BaseURL: "https://bell.example"}).Compose(j)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// object parses the payload an iPhone would get.
func object(t interface{ Fatalf(string, ...any) }, m Message) map[string]any {
	var out map[string]any
	if err := json.Unmarshal(m.Body, &out); err != nil {
		t.Fatalf("the payload is no JSON: %v\n%q", err, m.Body)
	}
	return out
}

func TestPageOnAnIPhone(t *testing.T) {
	t.Parallel()
	m := compose(t, paged(APNs, nil))
	want := map[string]any{
		"aps": map[string]any{
			"alert": map[string]any{
				"title": "Checkout answers 500", "subtitle": "Checkout", "body": "#42 · critical · triggered 12:00 UTC",
			},
			"sound": "default", "interruption-level": "time-sensitive", "relevance-score": 1.0,
			"thread-id": "inc_1", "category": "NIGHTBELL_INCIDENT", "mutable-content": 1.0,
		},
		"nightbell": map[string]any{
			"kind": "page", "incident_id": "inc_1", "number": 42.0, "revision": 3.0,
			"delivery_id": "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", "device_id": "dev_1",
			"severity": "critical", "urgency": "high", "status": "triggered", "service": "Checkout",
			"changed_at": "2026-03-01T12:00:00Z", "server": "https://bell.example", "expires_at": "2026-03-01T12:05:00Z",
			"actions": map[string]any{
				"acknowledge": "tok|acknowledge|inc_1|dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ|usr_1|dev_1|12:00",
				"resolve":     "tok|resolve|inc_1|dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ|usr_1|dev_1|12:00",
			},
		},
	}
	if diff := cmp.Diff(want, object(t, m)); diff != "" {
		t.Error(diff)
	}
	m.Body = nil
	envelope := Message{
		DeliveryID: "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", UUID: "0197ffff-ffff-ffff-ffff-ffffffffffff", Kind: Page,
		App: "main", Environment: "sandbox", TargetKind: TokenTarget, Token: "abcd", High: true,
		CollapseID: CollapseID("inc_1"), ExpiresAt: noon.Add(5 * time.Minute),
		Level: "time-sensitive", Downgrade: "critical not granted by the phone",
	}
	if diff := cmp.Diff(envelope, m); diff != "" {
		t.Error(diff)
	}
}

func TestPageOnAnAndroid(t *testing.T) {
	t.Parallel()
	m := compose(t, paged(FCM, nil))
	want := map[string]string{
		"kind": "page", "incident_id": "inc_1", "number": "42", "revision": "3",
		"delivery_id": "dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ", "device_id": "dev_1",
		"severity": "critical", "urgency": "high", "status": "triggered", "level": "time-sensitive",
		"channel": "nightbell_high", "full_screen": "true", "action_titles": `{"acknowledge":"Acknowledge","resolve":"Resolve"}`,
		"title": "Checkout answers 500", "subtitle": "Checkout", "body": "#42 · critical · triggered 12:00 UTC",
		"changed_at": "2026-03-01T12:00:00Z", "server": "https://bell.example", "expires_at": "2026-03-01T12:05:00Z",
		"collapse_id": CollapseID("inc_1"), "category": "NIGHTBELL_INCIDENT",
		"action_acknowledge": "tok|acknowledge|inc_1|dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ|usr_1|dev_1|12:00",
		"action_resolve":     "tok|resolve|inc_1|dlv_01JZZZZZZZZZZZZZZZZZZZZZZZ|usr_1|dev_1|12:00",
	}
	if diff := cmp.Diff(want, m.Data); diff != "" {
		t.Error(diff)
	}
	if !m.High || m.Body != nil {
		t.Errorf("high %v, body %q; want a HIGH message of data only", m.High, m.Body)
	}
}

// How hard it knocks follows the urgency as far as the person has allowed.
func TestLevel(t *testing.T) {
	t.Parallel()
	critical := map[string]any{"critical": 1.0, "name": "default", "volume": 1.0}
	for name, c := range map[string]struct {
		change func(*Job)
		level  string
		sound  any
	}{
		"critical granted":           {func(j *Job) { j.Device.Capabilities.Critical = true }, "critical", critical},
		"time-sensitive granted":     {nil, "time-sensitive", "default"},
		"nothing granted":            {func(j *Job) { j.Device.Capabilities = Capabilities{} }, "active", "default"},
		"low urgency, all granted":   {func(j *Job) { j.Content.Urgency = incident.Low; j.Device.Capabilities.Critical = true }, "active", "default"},
		"a settle, critical granted": {func(j *Job) { settle(j, incident.Acknowledged); j.Device.Capabilities.Critical = true }, "passive", nil},
		"an update":                  {func(j *Job) { j.Delivery.Kind = Update }, "passive", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, paged(APNs, c.change))
			aps := object(t, m)["aps"].(map[string]any)
			if diff := cmp.Diff([]any{c.level, c.sound}, []any{aps["interruption-level"], aps["sound"]}); diff != "" {
				t.Error(diff)
			}
			if quiet := c.level == "passive"; m.High == quiet {
				t.Errorf("high is %v at level %s", m.High, c.level)
			}
		})
	}
}

func settle(j *Job, s incident.Status) {
	j.Delivery.Kind, j.Content.Status, j.Content.By = Settle, s, "Ana"
	j.Content.ChangedAt = noon.Add(-9*time.Hour - 46*time.Minute) // 02:14
}

func TestSettleSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*Job)
		title   string
		buttons []string
	}{
		"acknowledged":       {func(j *Job) { settle(j, incident.Acknowledged) }, "Acknowledged by Ana 02:14 UTC", []string{"resolve"}},
		"resolved":           {func(j *Job) { settle(j, incident.Resolved) }, "Resolved by Ana 02:14 UTC", nil},
		"resolved by itself": {func(j *Job) { settle(j, incident.Resolved); j.Content.By = "" }, "Resolved 02:14 UTC", nil},
		"no longer theirs": {func(j *Job) { settle(j, incident.Triggered); j.Content.Reassigned = true },
			"Handed to somebody else 02:14 UTC", nil},
		"passed by the plan": {func(j *Job) {
			settle(j, incident.Triggered)
			j.Content.Reassigned, j.Delivery.About = true, &About{Topic: TopicEscalated}
		}, "Escalated to the next level 02:14 UTC", []string{"acknowledge", "resolve"}},
		"in their own time": {func(j *Job) { settle(j, incident.Acknowledged); j.Content.TimeZone = "Europe/Madrid" },
			"Acknowledged by Ana 03:14", []string{"resolve"}},
		"in a zone nobody knows": {func(j *Job) { settle(j, incident.Acknowledged); j.Content.TimeZone = "Mars/Base" },
			"Acknowledged by Ana 02:14 UTC", []string{"resolve"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, paged(APNs, c.change))
			got := object(t, m)
			alert := got["aps"].(map[string]any)["alert"].(map[string]any)
			if alert["title"] != c.title || !strings.Contains(alert["body"].(string), "Checkout answers 500") {
				t.Errorf("says %q / %q, want %q and what it was about", alert["title"], alert["body"], c.title)
			}
			actions, _ := got["nightbell"].(map[string]any)["actions"].(map[string]any)
			for _, b := range []string{"acknowledge", "resolve"} {
				if _, has := actions[b]; has != slices.Contains(c.buttons, b) {
					t.Errorf("button %s: %v, want %v", b, has, c.buttons)
				}
			}
			if page := compose(t, paged(APNs, nil)); page.CollapseID != m.CollapseID {
				t.Error("the settle does not replace the page")
			}
			if droid := compose(t, paged(FCM, c.change)); droid.Data["title"] != c.title || droid.High {
				t.Errorf("Android says %q, high %v", droid.Data["title"], droid.High)
			}
		})
	}
}

// The words give way, the ids and the buttons never do.
func TestAnyTitleFits(t *testing.T) {
	t.Parallel()
	seeds := []string{"", "🔥", "e\u0301", "\xff\xfe", "مرحبا", "\u202E", "\"\\", "\u2028", "<&>", "a", "\x00\x1b[31m", "👩‍👩‍👧‍👦"}
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			s := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.Rune(), 0, 3000, -1),
				rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 2000), func(b []byte) string { return string(b) }),
				rapid.Map(rapid.SampledFrom(seeds), func(s string) string { return strings.Repeat(s, 100_000/(len(s)+1)) }),
			).Draw(t, name)
			return s
		}
		p := rapid.SampledFrom([]Provider{APNs, FCM}).Draw(t, "provider")
		kind := rapid.SampledFrom([]Kind{Page, Update, Settle}).Draw(t, "kind")
		status := rapid.SampledFrom([]incident.Status{incident.Triggered, incident.Acknowledged, incident.Resolved}).Draw(t, "status")
		j := paged(p, func(j *Job) {
			j.Delivery.Kind, j.Content.Status = kind, status
			j.Content.Title, j.Content.ServiceName, j.Content.By = text("title"), text("service"), text("by")
		})
		length := rapid.IntRange(1, 1200).Draw(t, "token")
		c := &Composer{Signer: signer{length: length}, BaseURL: "https://bell.example"}
		for _, how := range []func(Job) (Message, error){c.Compose, c.ComposeLean} {
			m, err := how(j)
			if err != nil {
				t.Fatal(err)
			}
			wholeAndSmall(t, m, softLimit)
			wantActions(t, m, status, length)
		}
	})
}

func wholeAndSmall(t *rapid.T, m Message, limit int) {
	if size := len(m.Body) + dataSize(m.Data); size > limit {
		t.Fatalf("%d bytes, want at most %d", size, limit)
	}
	if !utf8.Valid(m.Body) {
		t.Fatal("the body is not UTF-8")
	}
	for k, v := range m.Data {
		if !utf8.ValidString(v) || v == "" {
			t.Fatalf("%s is %q", k, v)
		}
	}
	ids := m.Data
	if m.Body != nil {
		nb := object(t, m)["nightbell"].(map[string]any)
		ids = map[string]string{"incident_id": nb["incident_id"].(string), "delivery_id": nb["delivery_id"].(string)}
	}
	if ids["incident_id"] != "inc_1" || ids["delivery_id"] != m.DeliveryID {
		t.Fatalf("the ids were cut: %v", ids)
	}
}

func wantActions(t *rapid.T, m Message, s incident.Status, length int) {
	ack, resolve := m.Data["action_acknowledge"], m.Data["action_resolve"]
	if m.Body != nil {
		actions, _ := object(t, m)["nightbell"].(map[string]any)["actions"].(map[string]any)
		ack, _ = actions["acknowledge"].(string)
		resolve, _ = actions["resolve"].(string)
	}
	if (len(ack) == length) != (s == incident.Triggered) || (len(resolve) == length) != (s != incident.Resolved) {
		t.Fatalf("buttons of %d and %d bytes on a %s incident, want whole ones of %d", len(ack), len(resolve), s, length)
	}
}

// A page that rings without buttons is worth more than none.
func TestWithoutButtonsItStillRings(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]signer{"no key": {err: errors.New("no key")}, "absurd tokens": {length: 5000}} {
		for _, p := range []Provider{APNs, FCM} {
			m, err := (&Composer{Signer: s}).Compose(paged(p, nil))
			if err == nil {
				t.Errorf("%s, %s: nobody is told", name, p)
			}
			if size := len(m.Body) + dataSize(m.Data); size == 0 || size > softLimit {
				t.Errorf("%s, %s: %d bytes", name, p, size)
			}
			if strings.Contains(string(m.Body), "actions") || m.Data["action_resolve"] != "" {
				t.Errorf("%s, %s: half a set of buttons", name, p)
			}
		}
	}
}

func TestLongTitleIsReadInTheBody(t *testing.T) {
	t.Parallel()
	title := strings.Repeat("disk full on db-7 ", 20)
	m := compose(t, paged(FCM, func(j *Job) { j.Content.Title = title }))
	if got := m.Data["title"]; len(got) > maxTitle || !strings.HasSuffix(got, "…") {
		t.Errorf("title %q", got)
	}
	if !strings.Contains(m.Data["body"], strings.TrimSpace(title)) {
		t.Errorf("body %q does not hold the whole title", m.Data["body"])
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\xff\u202E\n\x00é🔥", 7)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, min(n, len(s)))
		got := cut(clean(s), n)
		if len(got) > n || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\r\u202E") {
			t.Errorf("cut(clean(%q), %d) = %q", s, n, got)
		}
	})
}

func BenchmarkCompose(b *testing.B) {
	for _, p := range []Provider{APNs, FCM} {
		b.Run(string(p), func(b *testing.B) {
			c := &Composer{Signer: signer{length: 500}, BaseURL: "https://bell.example"}
			j := paged(p, nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Compose(j); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
