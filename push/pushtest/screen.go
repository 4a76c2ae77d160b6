package pushtest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/nightbell/nightbell/push"
)

// Notification is what a phone shows for a push.
type Notification struct {
	// Key is the collapse id: a later push with the same key rewrites it.
	Key      string    `json:"key,omitempty"`
	At       time.Time `json:"at"`
	Title    string    `json:"title"`
	Subtitle string    `json:"subtitle,omitempty"`
	Body     string    `json:"body,omitempty"`
	// Level is the interruption level: passive, active, time-sensitive, critical.
	Level string `json:"level,omitempty"`
	// Rings says whether it makes a sound.
	Rings    bool     `json:"rings"`
	Thread   string   `json:"thread,omitempty"`
	Category string   `json:"category,omitempty"`
	Buttons  []Button `json:"buttons,omitempty"`
	// What the app reads: where to report to, about what.
	Server     string `json:"server,omitempty"`
	Kind       string `json:"kind,omitempty"`
	IncidentID string `json:"incident_id,omitempty"`
	DeliveryID string `json:"delivery_id,omitempty"`
}

// Button is one action on a notification.
type Button struct {
	Name  string `json:"name"`
	Token string `json:"token"`
}

// Shown is one change of a phone's screen.
type Shown struct {
	Device       Device
	Notification Notification
	// Replaced is the notification it rewrote, nil when it is new.
	Replaced *Notification
	Push     Push
}

// Notification reads what the push shows; ok is false for one that shows
// nothing, such as a background push.
func (p Push) Notification() (n Notification, ok bool) {
	switch p.Provider {
	case push.FCM:
		return p.android()
	case push.WebPush:
		return p.inBrowser()
	}
	return p.iphone()
}

func (p Push) iphone() (Notification, bool) {
	if p.PushType != "alert" {
		return Notification{}, false
	}
	var body struct {
		APS struct {
			Alert    json.RawMessage `json:"alert"`
			Sound    json.RawMessage `json:"sound"`
			Level    string          `json:"interruption-level"`
			Thread   string          `json:"thread-id"`
			Category string          `json:"category"`
		} `json:"aps"`
		Nightbell struct {
			Kind       string            `json:"kind"`
			IncidentID string            `json:"incident_id"`
			DeliveryID string            `json:"delivery_id"`
			Server     string            `json:"server"`
			Actions    map[string]string `json:"actions"`
		} `json:"nightbell"`
	}
	// Shapes we do not know leave their fields empty, as a phone would.
	_ = json.Unmarshal(p.Payload, &body)
	n := Notification{
		Key: p.CollapseID, At: p.At, Level: body.APS.Level, Thread: body.APS.Thread, Category: body.APS.Category,
		Rings:  len(body.APS.Sound) > 0 && body.APS.Level != "passive",
		Server: body.Nightbell.Server, Kind: body.Nightbell.Kind,
		IncidentID: body.Nightbell.IncidentID, DeliveryID: body.Nightbell.DeliveryID,
		Buttons: buttons(func(name string) string { return body.Nightbell.Actions[name] }),
	}
	n.readAlert(body.APS.Alert)
	return n, true
}

// readAlert reads both forms of aps.alert: an object, or just the text.
func (n *Notification) readAlert(raw json.RawMessage) {
	var alert struct{ Title, Subtitle, Body string }
	if json.Unmarshal(raw, &alert) == nil {
		n.Title, n.Subtitle, n.Body = alert.Title, alert.Subtitle, alert.Body
		return
	}
	_ = json.Unmarshal(raw, &n.Body)
}

// android does what our Android app does with a data message.
func (p Push) android() (Notification, bool) {
	d := p.Data
	if d["title"] == "" && d["body"] == "" {
		return Notification{}, false
	}
	return Notification{
		Key: d["collapse_id"], At: p.At, Title: d["title"], Subtitle: d["subtitle"], Body: d["body"],
		Level: d["level"], Rings: p.High && d["level"] != "passive", Thread: d["incident_id"], Category: d["category"],
		Server: d["server"], Kind: d["kind"], IncidentID: d["incident_id"], DeliveryID: d["delivery_id"],
		Buttons: buttons(func(name string) string { return d["action_"+name] }),
	}, true
}

// buttons lists the actions there are tokens for; acknowledge first, as a
// watch's double tap takes the first.
func buttons(token func(name string) string) []Button {
	var out []Button
	for _, name := range []string{"acknowledge", "resolve"} {
		if t := token(name); t != "" {
			out = append(out, Button{Name: name, Token: t})
		}
	}
	return out
}

// showLocked puts the push on the screen and says what changed; nil if nothing.
func (d *device) showLocked(p Push) *Shown {
	n, ok := p.Notification()
	if !ok {
		return nil
	}
	s := &Shown{Device: d.Device, Notification: n, Push: p}
	if i := slices.IndexFunc(d.screen, func(old Notification) bool { return n.Key != "" && old.Key == n.Key }); i >= 0 {
		old := d.screen[i]
		s.Replaced = &old
		d.screen = slices.Delete(d.screen, i, i+1)
	}
	if len(d.screen) >= screenLimit {
		d.screen = slices.Delete(d.screen, 0, 1)
	}
	d.screen = append(d.screen, n)
	return s
}

// catchUpLocked shows what came while nobody looked.
func (d *device) catchUpLocked() {
	for _, p := range d.unread {
		d.showLocked(p)
	}
	d.unread = d.unread[:0]
}

// screenLimit is about what Android keeps of one app (25–50).
const screenLimit = 50

// Screen gives the notifications the phone shows, oldest first.
func (e *Emulator) Screen(token string) []Notification {
	d := e.find(token)
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.catchUpLocked()
	return slices.Clone(d.screen)
}
