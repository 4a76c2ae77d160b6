package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/fcm"
)

// PushApps implements api.PushApps: the file's first, then the API's.
func (p *pushers) PushApps(ctx context.Context) ([]push.KnownApp, error) {
	stored, err := p.store.All(ctx)
	if err != nil {
		return nil, err
	}
	known := p.app.cfg.knownApps()
	for _, a := range stored {
		if a.Provider == push.WebPush {
			continue // its key is made by the first node, and nobody's to change
		}
		known = append(known, push.KnownApp{App: a})
	}
	return known, nil
}

// AddPushApp implements api.PushApps. The app is in use on this node when it
// returns; other nodes learn of it within seconds.
func (p *pushers) AddPushApp(ctx context.Context, a push.App, credentials []byte) (push.App, error) {
	if p.app.cfg.hasPushApp(a.Provider, a.Name) {
		return push.App{}, push.AppExists(a.Provider, a.Name)
	}
	a.CreatedAt = p.now()
	a.UpdatedAt = a.CreatedAt
	a, err := p.sealed(a, credentials)
	if err != nil {
		return push.App{}, err
	}
	if err := p.store.Add(ctx, a); err != nil {
		return push.App{}, err
	}
	p.takeOver(ctx)
	return a, nil
}

// ChangePushApp implements api.PushApps.
func (p *pushers) ChangePushApp(ctx context.Context, a push.App, credentials []byte) (push.App, error) {
	if p.app.cfg.hasPushApp(a.Provider, a.Name) {
		return push.App{}, push.AppOfFile(a.Provider, a.Name)
	}
	stored, err := p.store.Change(ctx, a.Provider, a.Name, func(old push.App) (push.App, error) {
		a.CreatedAt, a.UpdatedAt = old.CreatedAt, p.now()
		if len(credentials) == 0 && !a.Settings.Ambient && len(old.Sealed) > 0 {
			return keeping(a, old)
		}
		return p.sealed(a, credentials)
	})
	if err != nil {
		return push.App{}, err
	}
	p.takeOver(ctx)
	return stored, nil
}

// RemovePushApp implements api.PushApps.
func (p *pushers) RemovePushApp(ctx context.Context, of push.Provider, name string, force bool) error {
	if p.app.cfg.hasPushApp(of, name) {
		return push.AppOfFile(of, name)
	}
	if err := p.store.Remove(ctx, of, name, force); err != nil {
		return err
	}
	p.takeOver(ctx)
	return nil
}

// takeOver uses at once what has just been stored. When that fails the next
// round of the catalogue does it.
func (p *pushers) takeOver(ctx context.Context) {
	if err := p.reload(context.WithoutCancel(ctx), 0); err != nil {
		p.app.log.Warn("changed push apps are not in use yet; this node tries again in seconds", "error", err)
	}
}

func (p *pushers) now() time.Time { return p.app.opt.Now().UTC().Truncate(time.Microsecond) }

// sealed is the app with its credentials judged, described and sealed.
func (p *pushers) sealed(a push.App, credentials []byte) (push.App, error) {
	if err := a.Check(); err != nil {
		return a, err
	}
	if err := checkCredentials(a, credentials); err != nil {
		return a, err
	}
	if err := p.atGoogle(a, credentials); err != nil {
		return a, err
	}
	a = described(a, credentials)
	if err := a.Check(); err != nil { // the service account's own project
		return a, err
	}
	if a.Sealed = nil; len(credentials) > 0 {
		a.Sealed = p.vault.Seal(credentials, owner(a))
	}
	return a, nil
}

// atGoogle refuses a service account that fetches its tokens elsewhere. An
// admin need not be who runs the server, and the address would have the server
// knock at any door of its network. Where the operator has put another endpoint
// in FCM's place, as the emulator, that one's accounts are good too.
func (p *pushers) atGoogle(a push.App, credentials []byte) error {
	if a.Provider != push.FCM || len(credentials) == 0 || p.app.cfg.Push.FCM.Endpoint != "" {
		return nil
	}
	account, err := fcm.ParseServiceAccount(credentials)
	if err != nil || account.AtGoogle() {
		return err
	}
	return push.BadAppKey("service_account", "its token_uri is not Google's, which only the configuration file may say; take the file as the Firebase console gives it")
}

// keeping is the app with the credentials it had.
func keeping(a, old push.App) (push.App, error) {
	a.Sealed, a.Settings.Fingerprint, a.Settings.ClientEmail = old.Sealed, old.Settings.Fingerprint, old.Settings.ClientEmail
	if a.Provider == push.FCM && a.Settings.ProjectID == "" {
		a.Settings.ProjectID = old.Settings.ProjectID
	}
	return a, a.Check()
}

// described adds what may be told of credentials.
func described(a push.App, credentials []byte) push.App {
	if len(credentials) == 0 {
		return a
	}
	sum := sha256.Sum256(bytes.TrimSpace(credentials))
	a.Settings.Fingerprint = hex.EncodeToString(sum[:8])
	if a.Provider == push.FCM {
		if account, err := fcm.ParseServiceAccount(credentials); err == nil {
			a.Settings.ClientEmail = account.Email
			if a.Settings.ProjectID == "" {
				a.Settings.ProjectID = account.ProjectID
			}
		}
	}
	return a
}

// hasPushApp reports whether the file has an app of that name.
func (c Config) hasPushApp(of push.Provider, name string) bool {
	for _, a := range c.knownApps() {
		if a.Provider == of && a.Name == name {
			return true
		}
	}
	return false
}

// knownApps are the configuration file's apps as admins see them.
func (c Config) knownApps() (known []push.KnownApp) {
	for _, a := range c.Push.APNs.Apps {
		known = append(known, push.KnownApp{OfFile: true, App: described(push.App{Provider: push.APNs, Name: a.Name, Settings: push.AppSettings{
			BundleID: a.BundleID, TeamID: a.TeamID, KeyID: a.KeyID, Environments: a.Environments,
			AppOptions: push.AppOptions{Privacy: push.Privacy(a.Privacy), Unlock: a.Unlock},
		}}, []byte(a.Key))})
	}
	for _, a := range c.Push.FCM.Apps {
		known = append(known, push.KnownApp{OfFile: true, App: described(push.App{Provider: push.FCM, Name: a.Name, Settings: push.AppSettings{
			ProjectID: a.ProjectID, Ambient: a.Ambient, AppOptions: push.AppOptions{Privacy: push.Privacy(a.Privacy), Unlock: a.Unlock},
		}}, []byte(a.ServiceAccount))})
	}
	return known
}
