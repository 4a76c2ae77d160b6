package push

import (
	"encoding/json"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Maybe is a yes, a no, or nothing said: an app that does not report something
// must not be taken for one that reports it absent.
type Maybe uint8

// The answers of a Maybe.
const (
	Unsaid Maybe = iota
	No
	Yes
)

// MarshalJSON writes true or false; with omitzero, what was not said is left out.
func (m Maybe) MarshalJSON() ([]byte, error) {
	switch m {
	case Yes:
		return []byte("true"), nil
	case No:
		return []byte("false"), nil
	default:
		return []byte("null"), nil
	}
}

// UnmarshalJSON reads true, false or null.
func (m *Maybe) UnmarshalJSON(text []byte) error {
	var b *bool
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	switch {
	case b == nil:
		*m = Unsaid
	case *b:
		*m = Yes
	default:
		*m = No
	}
	return nil
}

// Permission is what the person answered when the system asked whether the app
// may notify.
type Permission string

// Permissions. Provisional (iOS) delivers without a sound, into the list only.
const (
	PermissionGranted     Permission = "granted"
	PermissionDenied      Permission = "denied"
	PermissionProvisional Permission = "provisional"
	PermissionUndecided   Permission = "not_determined"
)

// Importance is how loud Android lets the app's page channel be.
type Importance string

// Importances, from blocked to heads-up.
const (
	ImportanceNone    Importance = "none"
	ImportanceMin     Importance = "min"
	ImportanceLow     Importance = "low"
	ImportanceDefault Importance = "default"
	ImportanceHigh    Importance = "high"
)

// Priority is FCM's: what we asked for, or what the phone was given.
type Priority string

// Priorities.
const (
	PriorityHigh   Priority = "high"
	PriorityNormal Priority = "normal"
)

// Capabilities is what the app last said its user and system allow. It is
// comparable, and its zero fields mean that nothing was said.
type Capabilities struct {
	// Alerts: notifications are allowed at all.
	Alerts bool `json:"alerts"`
	// Critical: the critical-alert entitlement and the user's consent (iOS),
	// or a channel that bypasses Do Not Disturb (Android).
	Critical bool `json:"critical"`
	// TimeSensitive: the time-sensitive level is allowed (iOS).
	TimeSensitive bool `json:"time_sensitive"`

	Permission Permission `json:"permission,omitempty"`
	// Sound and LockScreen: whether pages may make a sound and be shown there.
	Sound      Maybe `json:"sound,omitzero"`
	LockScreen Maybe `json:"lock_screen,omitzero"`
	// ChannelImportance, BypassDND and FullScreenIntent are of the channel that
	// pages use (Android).
	ChannelImportance Importance `json:"channel_importance,omitempty"`
	BypassDND         Maybe      `json:"bypass_dnd,omitzero"`
	FullScreenIntent  Maybe      `json:"full_screen_intent,omitzero"`
	// BatteryExempt: the system does not hold the app back to save power.
	// BackgroundRestricted: the person forbade it to work unseen (Android).
	BatteryExempt        Maybe `json:"battery_exempt,omitzero"`
	BackgroundRestricted Maybe `json:"background_restricted,omitzero"`
	// LowPower: the phone is saving power.
	LowPower Maybe `json:"low_power,omitzero"`
	// OriginalPriority and DeliveredPriority are of the last push received: FCM
	// lowers those of apps that show nothing for high ones.
	OriginalPriority  Priority `json:"original_priority,omitempty"`
	DeliveredPriority Priority `json:"delivered_priority,omitempty"`
	// LiveActivities: the person allows them (iOS).
	LiveActivities Maybe  `json:"live_activities,omitzero"`
	AppBuild       string `json:"app_build,omitempty"`
	// ReportedAt is when this server was told; zero: never.
	ReportedAt time.Time `json:"reported_at,omitzero"`
}

// Reported judges a report of now from a device of the platform. What no phone
// can be is refused (fault.Invalid, by field); what merely says the same thing
// twice is put right: nothing is granted to an app that may not notify.
func (c Capabilities) Reported(p Platform, now time.Time) (Capabilities, error) {
	if !c.ReportedAt.IsZero() {
		return c, wrong("reported_at", "reported_at is this server's word; leave it out")
	}
	for _, check := range []func(Platform) error{c.contradicts, c.foreign} {
		if err := check(p); err != nil {
			return c, err
		}
	}
	if !c.Alerts || c.ChannelImportance == ImportanceNone {
		c.Critical = false
	}
	if !c.Alerts {
		c.TimeSensitive = false
	}
	c.ReportedAt = now
	return c, nil
}

// contradicts finds what cannot be true together.
func (c Capabilities) contradicts(Platform) error {
	switch {
	case c.Alerts && (c.Permission == PermissionDenied || c.Permission == PermissionUndecided):
		return wrong("alerts", "alerts cannot be allowed while permission is %s; report them as the system does", c.Permission)
	case c.DeliveredPriority == PriorityHigh && c.OriginalPriority == PriorityNormal:
		return wrong("delivered_priority", "no push is delivered with a higher priority than it was sent with; report both of the same push")
	case c.BatteryExempt == Yes && c.BackgroundRestricted == Yes:
		return wrong("background_restricted", "an app that is exempt from saving power is not restricted in the background; report both anew")
	}
	return nil
}

// foreign finds what the platform does not have.
func (c Capabilities) foreign(p Platform) error {
	for _, f := range []struct {
		name string
		said bool
		of   Platform
	}{
		{"permission", c.Permission == PermissionProvisional, IOS},
		{"live_activities", c.LiveActivities == Yes, IOS},
		{"channel_importance", c.ChannelImportance != "", Android},
		{"bypass_dnd", c.BypassDND == Yes, Android},
		{"full_screen_intent", c.FullScreenIntent == Yes, Android},
		{"background_restricted", c.BackgroundRestricted == Yes, Android},
	} {
		if f.said && p != f.of {
			return wrong(f.name, "only %s has what %s reports; leave it out", f.of, f.name)
		}
	}
	return nil
}

func wrong(field, format string, args ...any) error {
	return fault.Field("capabilities."+field, "bad_capabilities", format, args...)
}
