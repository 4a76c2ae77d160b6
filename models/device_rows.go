package models

import "github.com/nightbell/nightbell/push"

// deviceColumns are what deviceFields holds, in its order.
const deviceColumns = `id, user_id, name, platform, provider, app, environment, target_kind, token, registered_at,
	state, state_reason, state_at, capabilities, app_version, os_version, locale, created_at, last_seen_at,
	keys, live_activity, last_receipt_at, verified_at, evidence`

func scanDevice(r scanner) (d push.Device, err error) {
	err = r.Scan(deviceFields(&d)...)
	return d, err
}

// deviceFields are where deviceColumns go.
func deviceFields(d *push.Device) []any {
	return []any{
		&d.ID, &d.UserID, &d.Name, &d.Platform, &d.Provider, &d.App, &d.Environment, &d.TargetKind, &d.Token, into(&d.RegisteredAt),
		&d.State, &d.StateReason, into(&d.StateAt), jsonInto{&d.Capabilities}, &d.AppVersion, &d.OSVersion, &d.Locale,
		into(&d.CreatedAt), into(&d.LastSeenAt), jsonInto{&d.Keys}, jsonInto{&d.LiveActivity}, into(&d.LastReceiptAt), into(&d.VerifiedAt),
		jsonInto{&d.Evidence},
	}
}
