package push

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

// inBrowser is the job of a page for a browser.
func inBrowser(change func(*Job)) Job {
	return paged(WebPush, func(j *Job) {
		j.Device.Platform, j.Device.TargetKind = Web, EndpointTarget
		j.Device.Token, j.Device.Keys = "https://fcm.googleapis.com/x", Keys{P256DH: "p", Auth: "a"}
		if change != nil {
			change(j)
		}
	})
}

func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	m := compose(t, inBrowser(nil))
	if !m.High || m.Keys != (Keys{P256DH: "p", Auth: "a"}) || m.Data != nil || m.TargetKind != EndpointTarget {
		t.Errorf("%+v", m)
	}
	got := object(t, m)
	nb, _ := got["nightbell"].(map[string]any)
	acts, _ := nb["actions"].(map[string]any)
	delete(got, "nightbell")
	want := map[string]any{
		"title": "Checkout answers 500", "body": got["body"], "tag": m.CollapseID, "renotify": true, "requireInteraction": true, "silent": false,
		"timestamp": float64(noon.UnixMilli()),
		"actions": []any{
			map[string]any{"action": "acknowledge", "title": "Acknowledge"},
			map[string]any{"action": "resolve", "title": "Resolve"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the payload differs:\n%s", d)
	}
	if body, _ := got["body"].(string); !strings.HasPrefix(body, "Checkout\n#42 · critical") {
		t.Errorf("the body is %q", body)
	}
	if nb["delivery_id"] != m.DeliveryID || nb["incident_id"] != "inc_1" || nb["server"] != "https://bell.example" ||
		acts["acknowledge"] == nil || acts["resolve"] == nil {
		t.Errorf("what the worker needs is %v", nb)
	}
}

// The names of "nightbell" are the iPhone's, so that there is one reference.
func TestABrowserIsToldWhatAnIPhoneIs(t *testing.T) {
	t.Parallel()
	web := object(t, compose(t, inBrowser(nil)))["nightbell"]
	phone := object(t, compose(t, paged(APNs, nil)))["nightbell"]
	if d := cmp.Diff(phone, web); d != "" {
		t.Errorf("iPhone and browser differ:\n%s", d)
	}
}

func TestSettleInABrowserReplacesAndIsSilent(t *testing.T) {
	t.Parallel()
	page := compose(t, inBrowser(nil))
	m := compose(t, inBrowser(func(j *Job) {
		j.Delivery.Kind, j.Content.Status, j.Content.By = Settle, incident.Acknowledged, "Ana"
	}))
	got := object(t, m)
	if m.High || got["tag"] != page.CollapseID || m.CollapseID != page.CollapseID || got["silent"] != true || got["renotify"] != false || got["requireInteraction"] != false {
		t.Errorf("high %v, %v", m.High, got)
	}
	if title, _ := got["title"].(string); !strings.HasPrefix(title, "Acknowledged by Ana") {
		t.Errorf("the title is %q", title)
	}
}

// Whatever the texts, what is encrypted fits, is whole JSON in valid UTF-8, and
// keeps ids and buttons.
func TestABrowsersPayloadFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.StringN(0, 2000, 8000).Draw(t, name) }
		j := inBrowser(func(j *Job) {
			j.Content.Title, j.Content.ServiceName, j.Content.By = text("title"), text("service"), text("by")
		})
		c := &Composer{Signer: signer{length: 700}, BaseURL: "https://bell.example"}
		for _, how := range []func(Job) (Message, error){c.Compose, c.ComposeLean} {
			m, err := how(j)
			if err != nil {
				t.Fatal(err)
			}
			var p webPayload
			if err := json.Unmarshal(m.Body, &p); err != nil || !utf8.Valid(m.Body) {
				t.Fatalf("%v: %q", err, m.Body)
			}
			if len(m.Body)+webOverhead > softLimit || p.Nightbell.Actions == nil || len(p.Nightbell.Actions.Acknowledge) != 700 || p.Nightbell.IncidentID != "inc_1" {
				t.Fatalf("%d bytes, %+v", len(m.Body), p.Nightbell)
			}
		}
	})
}

func TestButtonsThatDoNotFitABrowserAreLeftOut(t *testing.T) {
	t.Parallel()
	m, err := (&Composer{Signer: signer{length: 1900}}).Compose(inBrowser(func(j *Job) { j.Delivery.ExpiresAt = noon.Add(time.Minute) }))
	if err == nil || len(m.Body)+webOverhead > hardLimit || strings.Contains(string(m.Body), "xxx") {
		t.Errorf("%v: %d bytes", err, len(m.Body))
	}
}
