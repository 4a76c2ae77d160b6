package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// PushApps keeps the push apps and their keys: those of the configuration
// file, and those that admins set up here. Whatever refuses says so by a fault
// fit for the admin.
type PushApps interface {
	PushApps(ctx context.Context) ([]push.KnownApp, error)
	// AddPushApp stores a new app with its credentials: a .p8 key, a service
	// account's JSON, or nil for a machine's own.
	AddPushApp(ctx context.Context, a push.App, credentials []byte) (push.App, error)
	// ChangePushApp replaces an app's settings; nil credentials stay as they are.
	ChangePushApp(ctx context.Context, a push.App, credentials []byte) (push.App, error)
	// RemovePushApp refuses while devices are registered for it, unless forced.
	RemovePushApp(ctx context.Context, p push.Provider, name string, force bool) error
}

// appManager is the caller, if they may change push apps here.
func (s *server) appManager(ctx context.Context) (auth.Principal, error) {
	who := caller(ctx)
	if s.PushApps == nil {
		return who, fault.New(fault.NotFound, "no_such_path", "push apps cannot be set up on this server")
	}
	return who, who.Role.MayManage()
}

// ListPushApps gives all push apps.
func (s *server) ListPushApps(ctx context.Context, _ ListPushAppsRequestObject) (ListPushAppsResponseObject, error) {
	found, err := s.knownApps(ctx)
	if err != nil {
		return nil, err
	}
	answer := ListPushApps200JSONResponse{Items: make([]PushApp, len(found))}
	for i, a := range found {
		answer.Items[i] = pushApp(a)
	}
	return answer, nil
}

func (s *server) knownApps(ctx context.Context) ([]push.KnownApp, error) {
	if _, err := s.appManager(ctx); err != nil {
		return nil, err
	}
	return s.PushApps.PushApps(ctx)
}

// GetPushApp gives one.
func (s *server) GetPushApp(ctx context.Context, r GetPushAppRequestObject) (GetPushAppResponseObject, error) {
	found, err := s.knownApps(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(a push.KnownApp) bool { return a.Provider == r.Provider && a.Name == r.Name })
	if i < 0 {
		return nil, push.NoSuchApp(r.Provider, r.Name)
	}
	return GetPushApp200JSONResponse(pushApp(found[i])), nil
}

// CreatePushApp sets an app up; phones can register for it as soon as this
// node has answered, and on the others within seconds.
func (s *server) CreatePushApp(ctx context.Context, r CreatePushAppRequestObject) (CreatePushAppResponseObject, error) {
	who, err := s.appManager(ctx)
	if err != nil {
		return nil, err
	}
	b := *r.Body
	a := push.App{Provider: b.Provider, Name: b.Name, UpdatedBy: who.UserID, Settings: push.AppSettings{
		BundleID: value(b.BundleId), TeamID: value(b.TeamId), KeyID: value(b.KeyId), Environments: environments(b.Environments),
		ProjectID: value(b.ProjectId), Ambient: value(b.Ambient), AppOptions: appOptions(b.Privacy, b.Unlock),
	}}
	stored, err := s.PushApps.AddPushApp(ctx, a, credentials(b.Key, b.ServiceAccount))
	s.audit(ctx, who, "created a push app", a, err)
	if err != nil {
		return nil, err
	}
	return CreatePushApp201JSONResponse(pushApp(push.KnownApp{App: stored})), nil
}

// ChangePushApp replaces an app's settings.
func (s *server) ChangePushApp(ctx context.Context, r ChangePushAppRequestObject) (ChangePushAppResponseObject, error) {
	who, err := s.appManager(ctx)
	if err != nil {
		return nil, err
	}
	b := *r.Body
	a := push.App{Provider: r.Provider, Name: r.Name, UpdatedBy: who.UserID, Settings: push.AppSettings{
		BundleID: value(b.BundleId), TeamID: value(b.TeamId), KeyID: value(b.KeyId), Environments: environments(b.Environments),
		ProjectID: value(b.ProjectId), Ambient: value(b.Ambient), AppOptions: appOptions(b.Privacy, b.Unlock),
	}}
	stored, err := s.PushApps.ChangePushApp(ctx, a, credentials(b.Key, b.ServiceAccount))
	s.audit(ctx, who, "changed a push app", a, err)
	if err != nil {
		return nil, err
	}
	return ChangePushApp200JSONResponse(pushApp(push.KnownApp{App: stored})), nil
}

// RemovePushApp takes an app out.
func (s *server) RemovePushApp(ctx context.Context, r RemovePushAppRequestObject) (RemovePushAppResponseObject, error) {
	who, err := s.appManager(ctx)
	if err != nil {
		return nil, err
	}
	err = s.PushApps.RemovePushApp(ctx, r.Provider, r.Name, value(r.Params.Force))
	s.audit(ctx, who, "removed a push app", push.App{Provider: r.Provider, Name: r.Name}, err)
	if err != nil {
		return nil, err
	}
	return RemovePushApp204Response{}, nil
}

// audit writes down who changed the instance, in the log until there is an
// audit log of its own.
func (s *server) audit(ctx context.Context, who auth.Principal, did string, a push.App, err error) {
	if err == nil {
		s.Log.InfoContext(ctx, "an admin "+did, "actor", who.UserID, "name", who.Name, "provider", a.Provider, "app", a.Name)
	}
}

func credentials(key, account *string) []byte {
	if given := cmp.Or(value(key), value(account)); given != "" {
		return []byte(given)
	}
	return nil
}

// appOptions is what an app does with what it was told beside its keys.
func appOptions(privacy *AppPrivacy, unlock []UnlockedAction) push.AppOptions {
	o := push.AppOptions{Privacy: push.Privacy(value(privacy))}
	for _, action := range unlock {
		o.Unlock = append(o.Unlock, string(action))
	}
	return o
}

func environments(given []PushEnvironment) (names []string) {
	for _, e := range given {
		names = append(names, string(e))
	}
	return names
}

// pushApp shows an app without its credentials, which nobody reads back.
func pushApp(a push.KnownApp) PushApp {
	s := a.Settings
	shown := PushApp{
		Provider: a.Provider, Name: a.Name, Source: PushAppSourceApi, BundleId: present(s.BundleID), TeamId: present(s.TeamID), KeyId: present(s.KeyID),
		ProjectId: present(s.ProjectID), Ambient: present(s.Ambient), ClientEmail: present(s.ClientEmail), Fingerprint: present(s.Fingerprint),
		CreatedAt: present(a.CreatedAt), UpdatedAt: present(a.UpdatedAt), UpdatedBy: present(a.UpdatedBy),
	}
	if s.Privacy != "" {
		privacy := AppPrivacy(s.Privacy)
		shown.Privacy = &privacy
	}
	for _, action := range s.Unlock {
		shown.Unlock = append(shown.Unlock, UnlockedAction(action))
	}
	if a.OfFile {
		shown.Source = PushAppSourceFile
	}
	for _, e := range s.Environments {
		shown.Environments = append(shown.Environments, PushEnvironment(e))
	}
	return shown
}
