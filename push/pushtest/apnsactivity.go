package pushtest

import (
	"bytes"
	"encoding/json"
	"time"
)

// activityPush is what a Live Activity's payload must and may hold (Apple:
// "Starting and updating Live Activities with ActivityKit push notifications").
type activityPush struct {
	Timestamp      json.Number     `json:"timestamp"`
	Event          string          `json:"event"`
	ContentState   json.RawMessage `json:"content-state"`
	AttributesType string          `json:"attributes-type"`
	Attributes     json.RawMessage `json:"attributes"`
	Alert          json.RawMessage `json:"alert"`
	InputPushToken json.RawMessage `json:"input-push-token"`
	StaleDate      json.Number     `json:"stale-date"`
	DismissalDate  json.Number     `json:"dismissal-date"`
	Sound          json.RawMessage `json:"sound"`
	Badge          json.RawMessage `json:"badge"`
}

// checkActivity judges aps of a push of type liveactivity. A phone drops what
// is wrong here without a word, so the emulator says it.
func (p *apnsPush) checkActivity(aps json.RawMessage) *refusal {
	if p.pushType != "liveactivity" {
		return nil
	}
	if p.priority == 1 {
		return refuse(400, "BadPriority", "a Live Activity is sent with priority 5 or 10")
	}
	var a activityPush
	if err := json.Unmarshal(aps, &a); err != nil {
		return refuse(400, ReasonStrict, "a Live Activity's aps does not read: %v", err)
	}
	for _, check := range []func() *refusal{a.times, a.event, a.onlyOfStart} {
		if no := check(); no != nil {
			return no
		}
	}
	return nil
}

func (a *activityPush) times() *refusal {
	if a.Timestamp == "" {
		return refuse(400, ReasonStrict, "a Live Activity needs aps.timestamp; without it iOS ignores the push")
	}
	for name, n := range map[string]json.Number{"timestamp": a.Timestamp, "stale-date": a.StaleDate, "dismissal-date": a.DismissalDate} {
		if n == "" {
			continue
		}
		seconds, err := n.Int64()
		if err != nil || seconds < 0 || time.Unix(seconds, 0).Year() > 2200 {
			return refuse(400, ReasonStrict, "aps.%s is %s; it is whole seconds since 1970", name, n)
		}
	}
	return nil
}

func (a *activityPush) event() *refusal {
	switch {
	case a.Event != "start" && a.Event != "update" && a.Event != "end":
		return refuse(400, ReasonStrict, "aps.event is %q; it is start, update or end", a.Event)
	case !isObject(a.ContentState):
		return refuse(400, ReasonStrict, "a Live Activity needs aps.content-state, an object")
	case a.Event != "end" && a.DismissalDate != "":
		return refuse(400, ReasonStrict, "only the end of a Live Activity has a dismissal-date")
	}
	return nil
}

// onlyOfStart: a start has these and the others have not.
func (a *activityPush) onlyOfStart() *refusal {
	start := a.Event == "start"
	switch {
	case start && (a.AttributesType == "" || !isObject(a.Attributes)):
		return refuse(400, ReasonStrict, "the start of a Live Activity needs attributes-type and attributes")
	case start && !isObject(a.Alert):
		return refuse(400, ReasonStrict, "the start of a Live Activity needs an alert; iOS starts none in secret")
	case !start && (a.AttributesType != "" || len(a.Attributes) > 0 || len(a.InputPushToken) > 0):
		return refuse(400, ReasonStrict, "attributes and input-push-token belong to the start of a Live Activity")
	case len(a.InputPushToken) > 0 && string(a.InputPushToken) != "1":
		return refuse(400, ReasonStrict, "input-push-token is 1 or absent")
	case len(a.Badge) > 0:
		return refuse(400, ReasonStrict, "a Live Activity changes no badge")
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] == '{'
}
