package push

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// keysOf lists the places of a JSON object; a list's are those of its items.
func keysOf(prefix string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			into[strings.TrimPrefix(prefix+"."+k, ".")] = true
			keysOf(strings.TrimPrefix(prefix+"."+k, "."), inner, into)
		}
	case []any:
		for _, inner := range v {
			keysOf(prefix, inner, into)
		}
	}
}

// whatIsSent composes every kind in every way and lists the keys.
func whatIsSent(t *testing.T) (keys, categories map[string]bool) {
	t.Helper()
	keys, categories = map[string]bool{}, map[string]bool{}
	_, public := phoneKey(t)
	badges := NewBadges()
	badges.Load("inc_2", 1, []string{"usr_1"})
	for _, p := range []Provider{APNs, FCM, WebPush} {
		for _, o := range []AppOptions{{}, {Privacy: PrivacySealed, Unlock: []string{"resolve"}}, {Unlock: []string{"acknowledge", "resolve"}}, {Unlock: []string{"acknowledge"}}} {
			c := &Composer{Signer: signer{}, BaseURL: "https://bell.example", Badges: badges, Options: func(Provider, string) AppOptions { return o }}
			for _, kind := range []Kind{Page, Update, Settle, Digest, Test, Notice, Probe, Activity} {
				for _, status := range []incident.Status{incident.Triggered, incident.Acknowledged} {
					for _, event := range []string{ActivityStart, ActivityUpdate, ActivityEnd} {
						if kind == Activity && p != APNs {
							continue
						}
						j := paged(p, func(j *Job) {
							j.Delivery.Kind, j.Content.Status, j.Content.By, j.Content.Reassigned = kind, status, "Ana", kind == Update
							j.Delivery.About = &About{Topic: "t", Loud: true, Event: event, Who: "w", What: "x", At: noon, Count: 2, Lines: []string{"l"}}
							j.Device.Keys.Seal, j.Device.Capabilities.Critical = public, true
							j.Content.StaleAt = noon.Add(time.Minute)
						})
						m, err := c.Compose(j)
						if err != nil {
							t.Fatal(err)
						}
						var body any
						if m.Body != nil && json.Unmarshal(m.Body, &body) != nil {
							t.Fatalf("no JSON: %s", m.Body)
						}
						keysOf("", body, keys)
						for k := range m.Data {
							keys[k] = true
						}
						categories[m.Data["category"]] = true
					}
				}
			}
		}
	}
	return keys, categories
}

// Whoever writes an app reads docs/mobile.md; nothing is sent that it does not
// explain.
func TestTheManualExplainsWhatIsSent(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/mobile.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]bool{}
	for _, m := range regexp.MustCompile("`([A-Za-z_.-]+)`").FindAllStringSubmatch(string(manual), -1) {
		explained[m[1]] = true
	}
	keys, categories := whatIsSent(t)
	if len(keys) < 60 {
		t.Fatalf("only %d keys are sent; has the composer changed?", len(keys))
	}
	for _, group := range []string{"aps", "nightbell", "aps.alert", "nightbell.actions"} {
		delete(keys, group) // explained by what is in them
	}
	for k := range keys {
		if !explained[k] {
			t.Errorf("docs/mobile.md does not explain %s", k)
		}
	}
	for c := range categories {
		if c != "" && !explained[c] {
			t.Errorf("docs/mobile.md does not list the category %s", c)
		}
	}
	for _, l := range []level{levelCritical, levelUrgent, levelActive, levelPassive} {
		if !explained[l.channel()] {
			t.Errorf("docs/mobile.md does not list the channel %s", l.channel())
		}
	}
	for _, word := range []string{sealInfo, noSealingKey, attributesType} {
		if !strings.Contains(string(manual), word) {
			t.Errorf("docs/mobile.md lacks %q", word)
		}
	}
}
