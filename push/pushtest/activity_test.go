package pushtest_test

import (
	"strings"
	"testing"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

const goodStart = `{"aps":{"timestamp":1772331000,"event":"start","content-state":{"n":1},"attributes-type":"A","attributes":{"id":"1"},` +
	`"alert":{"title":"t"},"input-push-token":1,"stale-date":1772331900}}`

const goodEnd = `{"aps":{"timestamp":1772331000,"event":"end","content-state":{"n":1},"dismissal-date":1772331900}}`

// A phone drops a wrong Live Activity without a word; the emulator says why.
func TestLiveActivitiesAreChecked(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		if !strings.Contains(goodStart, from) {
			t.Fatalf("%q is not in the good one", from)
		}
		return strings.Replace(goodStart, from, to, 1)
	}
	for name, body := range map[string]string{
		"no timestamp":                 change(`"timestamp":1772331000,`, ""),
		"milliseconds":                 change("1772331000", "1772331000000"),
		"a timestamp in words":         change("1772331000", `"now"`),
		"an event there is not":        change(`"start"`, `"begin"`),
		"no content-state":             change(`"content-state":{"n":1},`, ""),
		"a content-state that is none": change(`{"n":1}`, `7`),
		"no attributes-type":           change(`"attributes-type":"A",`, ""),
		"no attributes":                change(`"attributes":{"id":"1"},`, ""),
		"no alert":                     change(`"alert":{"title":"t"},`, ""),
		"another input-push-token":     change(`"input-push-token":1`, `"input-push-token":true`),
		"a start that is dismissed":    change(`"stale-date"`, `"dismissal-date"`),
		"attributes in an end":         strings.Replace(goodEnd, `"event"`, `"attributes":{},"event"`, 1),
		"a badge":                      strings.Replace(goodEnd, `"event"`, `"badge":1,"event"`, 1),
	} {
		b := newBench(t)
		r := activity(b, body)
		if got := b.apns(r); got.status != 400 || got.reason() != pushtest.ReasonStrict {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for _, c := range []struct{ priority, topic, body, reason string }{
		{"1", bundle + ".push-type.liveactivity", goodEnd, "BadPriority"},
		{"10", bundle, goodEnd, "BadTopic"},
	} {
		b := newBench(t)
		r := activity(b, c.body)
		r.header.Set("apns-priority", c.priority)
		r.header.Set("apns-topic", c.topic)
		if got := b.apns(r); got.reason() != c.reason {
			t.Errorf("priority %s to %s: %d %s, want %s", c.priority, c.topic, got.status, got.body, c.reason)
		}
	}
	b := newBench(t)
	for _, body := range []string{goodStart, goodEnd} {
		if got := b.apns(activity(b, body)); got.status != 200 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if n := b.em.Accepted(push.APNs); n != 2 {
		t.Errorf("%d delivered", n)
	}
	if shown := b.em.Screen(b.phone.Token); len(shown) != 0 {
		t.Errorf("a Live Activity is no notification: %+v", shown)
	}
}

func activity(b *bench, body string) *request {
	r := b.good()
	r.header.Set("apns-push-type", "liveactivity")
	r.header.Set("apns-topic", bundle+".push-type.liveactivity")
	r.body = body
	return r
}
