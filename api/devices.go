package api

import (
	"cmp"
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

// ListDevices gives the caller's devices.
func (s *server) ListDevices(ctx context.Context, _ ListDevicesRequestObject) (ListDevicesResponseObject, error) {
	found, err := s.Devices.Devices(ctx, caller(ctx).UserID)
	if err != nil {
		return nil, err
	}
	answer := ListDevices200JSONResponse{Items: make([]Device, len(found))}
	for i, d := range found {
		answer.Items[i] = device(d)
	}
	return answer, nil
}

// RegisterDevice makes a phone ring from now on.
func (s *server) RegisterDevice(ctx context.Context, r RegisterDeviceRequestObject) (RegisterDeviceResponseObject, error) {
	d, err := s.newDevice(*r.Body)
	if err != nil {
		return nil, err
	}
	d.UserID = caller(ctx).UserID
	stored, err := s.Devices.RegisterDevice(ctx, d)
	if err != nil {
		return nil, err
	}
	s.returned(ctx, stored)
	answer := device(stored)
	key := s.Auth.ReceiptKey(stored.UserID, stored.ID)
	answer.ReceiptKey = &key
	return RegisterDevice201JSONResponse(answer), nil
}

// returned lets a phone that was off be told what it has missed. What the app
// asked for is done already, so trouble with this is only logged.
func (s *server) returned(ctx context.Context, d push.Device) {
	if err := s.Desk.Returned(ctx, d.UserID, d.ID); err != nil {
		s.Log.WarnContext(ctx, "what a device has missed could not be looked up", "device", d.ID, "error", err)
	}
}

// newDevice is the device that a registration describes.
func (s *server) newDevice(r DeviceRegistration) (push.Device, error) {
	app, err := s.appOf(r.Provider, value(r.App))
	if err != nil {
		return push.Device{}, err
	}
	now := s.now()
	can, err := capabilities(r.Capabilities, r.Platform, now)
	if err != nil {
		return push.Device{}, err
	}
	d := push.Device{
		ID: id.New(id.Device), Name: value(r.Name), Platform: r.Platform, Provider: r.Provider, App: app,
		Environment: string(cmp.Or(value(r.Environment), PushEnvironmentProduction)),
		TargetKind:  cmp.Or(value(r.TokenKind), usualTarget(r.Provider)), Token: r.Token, RegisteredAt: now,
		State: push.DeviceActive, StateAt: now, Capabilities: can,
		AppVersion: value(r.AppVersion), OSVersion: value(r.OsVersion), Locale: value(r.Locale),
		CreatedAt: now, LastSeenAt: now,
	}
	setKeys(&d, r.Keys)
	if err := setExtras(&d, r.SealKey, r.LiveActivity); err != nil {
		return push.Device{}, err
	}
	if d.Environment != string(PushEnvironmentProduction) && d.Provider != push.APNs {
		return push.Device{}, fault.Field("environment", "bad_environment", "only APNs has a sandbox; leave environment out")
	}
	return s.checked(d)
}

// capabilities takes it that alerts are allowed when an app does not say.
func capabilities(given *push.Capabilities, on push.Platform, now time.Time) (push.Capabilities, error) {
	if given == nil {
		return push.Capabilities{Alerts: true}, nil
	}
	return given.Reported(on, now)
}

// appOf finds the configured push app that is meant.
func (s *server) appOf(p push.Provider, name string) (string, error) {
	known := s.Apps(p)
	switch {
	case len(known) == 0:
		return "", fault.Field("provider", "provider_not_configured", "this server has no push app for %s; its operator must configure one", p)
	case name == "" && len(known) == 1:
		return known[0], nil
	case name == "":
		return "", fault.Field("app", "missing_field", "this server has more than one push app for %s; name yours: %s", p, strings.Join(known, ", "))
	}
	for _, k := range known {
		if k == name {
			return name, nil
		}
	}
	return "", fault.Field("app", "unknown_app", "this server has no push app of that name for %s; it has %s", p, strings.Join(known, ", "))
}

// tokenChecked refuses what can never be a token of the provider, and writes
// tokens in one spelling, so that the same phone is not rung twice.
func tokenChecked(d push.Device) (push.Device, error) {
	if d.Provider == push.APNs {
		if d.TargetKind != push.TokenTarget {
			return push.Device{}, fault.Field("token_kind", "bad_token", "only FCM knows installation ids; for APNs send a device token")
		}
		d.Token = strings.ToLower(d.Token)
		if b, err := hex.DecodeString(d.Token); err != nil || len(b) < 32 || len(b) > 100 {
			return push.Device{}, fault.Field("token", "bad_token", "an APNs token is 64 or more hexadecimal digits; send the token's bytes in hexadecimal")
		}
		return d, nil
	}
	for i := range len(d.Token) {
		if c := d.Token[i]; c <= ' ' || c > '~' {
			return push.Device{}, fault.Field("token", "bad_token", "the token holds characters that no token has; send it as the system gave it")
		}
	}
	return d, nil
}

// UpdateDevice changes what is sent, and takes a token for a sign of life.
func (s *server) UpdateDevice(ctx context.Context, r UpdateDeviceRequestObject) (UpdateDeviceResponseObject, error) {
	if err := id.Check(id.Device, r.DeviceId); err != nil {
		return nil, err
	}
	d, err := s.Devices.Device(ctx, caller(ctx).UserID, r.DeviceId)
	if err != nil {
		return nil, err
	}
	if d, err = s.changed(d, *r.Body); err != nil {
		return nil, err
	}
	if err := s.Devices.UpdateDevice(ctx, d); err != nil {
		return nil, err
	}
	s.returned(ctx, d)
	return UpdateDevice200JSONResponse(device(d)), nil
}

func (s *server) changed(d push.Device, c DeviceChange) (push.Device, error) {
	set(&d.Name, c.Name)
	set(&d.AppVersion, c.AppVersion)
	set(&d.OSVersion, c.OsVersion)
	set(&d.Locale, c.Locale)
	d.LastSeenAt = s.now()
	if err := setExtras(&d, c.SealKey, c.LiveActivity); err != nil {
		return d, err
	}
	if c.Capabilities != nil {
		var err error
		if d.Capabilities, err = capabilities(c.Capabilities, d.Platform, d.LastSeenAt); err != nil {
			return d, err
		}
	}
	if c.Token == nil {
		if c.TokenKind != nil {
			return push.Device{}, fault.Field("token_kind", "missing_field", "token_kind says what token is; send token with it")
		}
		if c.Keys != nil {
			return push.Device{}, fault.Field("keys", "missing_field", "keys belong to an endpoint; send token with them")
		}
		return d, nil
	}
	if c.Keys == nil && d.Provider == push.WebPush {
		return push.Device{}, fault.Field("keys", "missing_field", "a browser's endpoint and keys change together; send keys with token")
	}
	was := d
	setKeys(&d, c.Keys)
	d.Token, d.TargetKind = *c.Token, cmp.Or(value(c.TokenKind), usualTarget(d.Provider))
	d.RegisteredAt = d.LastSeenAt
	d, err := s.checked(d)
	return d.Presented(was), err
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// RemoveDevice stops a phone from being rung.
func (s *server) RemoveDevice(ctx context.Context, r RemoveDeviceRequestObject) (RemoveDeviceResponseObject, error) {
	if err := id.Check(id.Device, r.DeviceId); err != nil {
		return nil, err
	}
	if err := s.Devices.RemoveDevice(ctx, caller(ctx).UserID, r.DeviceId); err != nil {
		return nil, err
	}
	return RemoveDevice204Response{}, nil
}

// device shows a device without its token: that is between phone and provider.
func device(d push.Device) Device {
	return Device{
		Id: d.ID, Name: d.Name, Platform: d.Platform, Provider: d.Provider, App: d.App,
		Environment: PushEnvironment(d.Environment), EnvironmentWas: present(movedFrom(d)), TokenKind: d.TargetKind, State: d.State,
		StateReason: present(d.StateReason), StateAt: present(d.StateAt), Evidence: evidence(d.Evidence),
		Capabilities: d.Capabilities, AppVersion: d.AppVersion,
		OsVersion: d.OSVersion, Locale: d.Locale, RegisteredAt: d.RegisteredAt, CreatedAt: d.CreatedAt,
		LastSeenAt: present(d.LastSeenAt), LastReceiptAt: present(d.LastReceiptAt),
		SealKey: present(d.Keys.Seal), LiveActivities: present(d.LiveActivity.StartToken != ""),
	}
}

// movedFrom is what the app was registered for, if it is elsewhere now.
func movedFrom(d push.Device) string {
	if d.Evidence.Home == d.Environment {
		return ""
	}
	return d.Evidence.Home
}

// evidence is nil where nothing is held against the token.
func evidence(e push.Evidence) *Evidence {
	if e.Refusals == 0 {
		return nil
	}
	return &Evidence{
		Class: string(e.Class), Reason: e.Reason, Status: e.Status, At: e.At, DeliveryId: e.DeliveryID,
		Refusals: e.Refusals, FirstAt: e.FirstAt,
	}
}
