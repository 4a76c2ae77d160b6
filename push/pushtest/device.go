package pushtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nightbell/nightbell/push"
)

// Device is a phone as its provider knows it: a token for one app.
type Device struct {
	Provider push.Provider `json:"provider"`
	Token    string        `json:"token"`
	// App is the bundle id, or the Firebase project.
	App string `json:"app"`
	// Environment is production or sandbox for APNs; empty means production.
	Environment string `json:"environment,omitempty"`
	// Name is for people.
	Name string `json:"name,omitempty"`
}

// Push is one push a device got.
type Push struct {
	Seq         int64         `json:"seq"` // over all devices, in order
	At          time.Time     `json:"at"`
	Provider    push.Provider `json:"provider"`
	Environment string        `json:"environment,omitempty"`
	App         string        `json:"app"`
	Token       string        `json:"token"`
	// ID is the apns-id, or FCM's message name.
	ID string `json:"id"`
	// The APNs headers; Expiration is as sent, empty if it was not.
	PushType   string `json:"push_type,omitempty"`
	Priority   int    `json:"priority,omitempty"`
	Expiration string `json:"expiration,omitempty"`
	CollapseID string `json:"collapse_id,omitempty"`
	// Payload is the APNs body, or FCM's message object.
	Payload []byte `json:"-"`
	// Data, High and TTL are FCM's; TTL is as sent.
	Data map[string]string `json:"data,omitempty"`
	High bool              `json:"high,omitempty"`
	TTL  string            `json:"ttl,omitempty"`
	// Urgency and Topic are Web Push's headers; Payload is what the browser
	// decrypted.
	Urgency string `json:"urgency,omitempty"`
	Topic   string `json:"topic,omitempty"`
}

type deviceKey struct {
	provider push.Provider
	token    string
}

// device is a Device with what it got and what it shows.
type device struct {
	Device
	keep    int
	browser *subscription // nil for phones

	mu     sync.Mutex
	dead   bool
	since  time.Time
	got    []Push // the latest keep
	total  int
	screen []Notification
	away   bool   // a browser that is closed: its push service keeps what comes
	kept   []Push // what it keeps, one of each topic
	// unread are pushes the screen does not show yet: reading a payload costs
	// more than the rest of a delivery, so it waits until somebody looks.
	unread []Push
}

// isFCMToken says what FCM takes for a registration token, or a Firebase
// installation id (22 characters), at all.
func isFCMToken(s string) bool {
	if len(s) < 22 || len(s) > 4096 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := (c|0x20) >= 'a' && (c|0x20) <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("_:%-", rune(c)) {
			return false
		}
	}
	return true
}

// AddDevice makes a phone known. A phone that was killed lives again.
func (e *Emulator) AddDevice(d Device) error {
	switch d.Provider {
	case push.APNs:
		if !isHex(d.Token) || d.Token == "" {
			return fmt.Errorf("an APNs device token is hexadecimal; %q is not", d.Token)
		}
		d.Token = strings.ToLower(d.Token)
		if d.Environment == "" {
			d.Environment = Production
		}
		if d.Environment != Production && d.Environment != Sandbox {
			return fmt.Errorf("the environment is production or sandbox, not %q", d.Environment)
		}
	case push.FCM:
		if !isFCMToken(d.Token) {
			return fmt.Errorf("%q does not look like an FCM registration token (22 or more of A–Z a–z 0–9 _ : -)", d.Token)
		}
	default:
		return noProvider(d.Provider)
	}
	if d.App == "" {
		return errors.New("the device needs an app: the bundle id or the Firebase project")
	}
	e.mu.Lock()
	e.devices[deviceKey{d.Provider, d.Token}] = &device{Device: d, keep: e.cfg.History}
	e.mu.Unlock()
	e.changed.raise()
	return nil
}

// NewDevice adds a phone with a fresh token.
func (e *Emulator) NewDevice(p push.Provider, app string) Device {
	d := Device{Provider: p, App: app, Token: fcmToken()}
	if p == push.APNs {
		d.Token, d.Environment = randomHex(32), Production
	}
	if err := e.AddDevice(d); err != nil {
		panic("pushtest: " + err.Error()) // an empty app or provider: the caller's mistake
	}
	return d
}

// Kill makes the token dead since the moment: APNs answers 410 with it, FCM
// UNREGISTERED. It reports whether there was such a device.
func (e *Emulator) Kill(token string, since time.Time) bool {
	d := e.find(token)
	if d == nil {
		return false
	}
	d.mu.Lock()
	d.dead, d.since = true, since
	d.mu.Unlock()
	return true
}

// RemoveDevice forgets the phone; its token becomes unknown.
func (e *Emulator) RemoveDevice(token string) bool {
	d := e.find(token)
	if d == nil {
		return false
	}
	e.mu.Lock()
	delete(e.devices, deviceKey{d.Provider, d.Token})
	e.mu.Unlock()
	return true
}

// Devices lists the phones by provider, app and token.
func (e *Emulator) Devices() []Device {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Device, 0, len(e.devices))
	for _, d := range e.devices {
		out = append(out, d.Device)
	}
	slices.SortFunc(out, func(a, b Device) int {
		return strings.Compare(string(a.Provider)+a.App+a.Token, string(b.Provider)+b.App+b.Token)
	})
	return out
}

func (e *Emulator) device(p push.Provider, token string) *device {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.devices[deviceKey{p, token}]
}

// find looks for the token at all providers.
func (e *Emulator) find(token string) *device {
	if d := e.device(push.FCM, token); d != nil {
		return d
	}
	if d := e.browserAt(token); d != nil {
		return d
	}
	return e.device(push.APNs, strings.ToLower(token))
}

func (d *device) deadSince() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, d.dead
}

// deliver hands the push to the phone.
func (e *Emulator) deliver(d *device, p Push) {
	p.Seq = e.seq.Add(1)
	e.pushes[providerIndex(p.Provider)].Add(1)
	show := e.show.Load()
	d.mu.Lock()
	if d.away {
		d.keepLocked(p)
		d.mu.Unlock()
		e.changed.raise()
		return
	}
	if len(d.got) >= d.keep {
		d.got = append(d.got[:0], d.got[len(d.got)-d.keep/2:]...)
	}
	d.got = append(d.got, p)
	d.total++
	var shown *Shown
	if show != nil && *show != nil {
		d.catchUpLocked()
		shown = d.showLocked(p)
	} else {
		d.unread = append(d.unread, p)
		if len(d.unread) > 2*screenLimit {
			d.catchUpLocked()
		}
	}
	d.mu.Unlock()
	if shown != nil {
		(*show)(*shown)
	}
	e.changed.raise()
}

func providerIndex(p push.Provider) int {
	switch p {
	case push.APNs:
		return 0
	case push.WebPush:
		return 2
	}
	return 1
}

// Accepted is how many pushes the provider's phones ever got.
func (e *Emulator) Accepted(p push.Provider) int {
	return int(e.pushes[providerIndex(p)].Load())
}

// Received gives what the phone got, oldest first: the latest Config.History.
func (e *Emulator) Received(token string) []Push {
	d := e.find(token)
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}
