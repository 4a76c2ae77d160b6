package models

import "github.com/nightbell/nightbell/push"

// Device is a row of devices.
type Device struct {
	ID           string `gorm:"primaryKey"`
	UserID       string
	Name         string
	Platform     string
	Provider     string
	App          string
	Environment  string
	TargetKind   string
	Token        string
	RegisteredAt stamp
	State        string
	StateReason  string
	StateAt      stamp
	Capabilities document[push.Capabilities]
	AppVersion   string
	OSVersion    string `gorm:"column:os_version"`
	Locale       string
	CreatedAt    stamp `gorm:"autoCreateTime:false"`
	LastSeenAt   stamp
	Keys         document[push.Keys]
	LiveActivity document[push.LiveActivity]
	// LastReceiptAt and VerifiedAt are null until they happen.
	LastReceiptAt stamp
	VerifiedAt    stamp
	Evidence      document[push.Evidence]
	// RemovedAt is when the person took the device off; it is no part of the
	// noun, because nobody outside sees removed devices.
	RemovedAt stamp
}

func deviceRow(d push.Device) Device {
	return Device{
		ID: d.ID, UserID: d.UserID, Name: clean(d.Name), Platform: string(d.Platform), Provider: string(d.Provider),
		App: clean(d.App), Environment: d.Environment, TargetKind: string(d.TargetKind), Token: clean(d.Token), RegisteredAt: at(d.RegisteredAt),
		State: string(d.State), StateReason: clean(d.StateReason), StateAt: at(d.StateAt), Capabilities: document[push.Capabilities]{d.Capabilities},
		AppVersion: clean(d.AppVersion), OSVersion: clean(d.OSVersion), Locale: clean(d.Locale), CreatedAt: at(d.CreatedAt), LastSeenAt: at(d.LastSeenAt),
		Keys: document[push.Keys]{d.Keys}, LiveActivity: document[push.LiveActivity]{d.LiveActivity}, LastReceiptAt: at(d.LastReceiptAt), VerifiedAt: at(d.VerifiedAt),
		Evidence: document[push.Evidence]{d.Evidence},
	}
}

func (r Device) noun() push.Device {
	return push.Device{
		ID: r.ID, UserID: r.UserID, Name: r.Name, Platform: push.Platform(r.Platform), Provider: push.Provider(r.Provider),
		App: r.App, Environment: r.Environment, TargetKind: push.TargetKind(r.TargetKind), Token: r.Token, RegisteredAt: r.RegisteredAt.Time,
		State: push.DeviceState(r.State), StateReason: r.StateReason, StateAt: r.StateAt.Time, Capabilities: r.Capabilities.Of,
		AppVersion: r.AppVersion, OSVersion: r.OSVersion, Locale: r.Locale, CreatedAt: r.CreatedAt.Time, LastSeenAt: r.LastSeenAt.Time,
		Keys: r.Keys.Of, LiveActivity: r.LiveActivity.Of, LastReceiptAt: r.LastReceiptAt.Time, VerifiedAt: r.VerifiedAt.Time,
		Evidence: r.Evidence.Of,
	}
}
