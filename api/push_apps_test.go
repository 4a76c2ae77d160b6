package api

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nightbell/nightbell/push"
)

// apps keeps push apps in memory, beside one of the configuration file.
type apps struct {
	mu    sync.Mutex
	known []push.App
	keys  map[string]string
}

var filed = push.App{Provider: push.APNs, Name: "pager", Settings: push.AppSettings{BundleID: "com.example.pager", KeyID: "K1", Fingerprint: "0011223344556677"}}

func (s *apps) PushApps(context.Context) ([]push.KnownApp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []push.KnownApp{{App: filed, OfFile: true}}
	for _, a := range s.known {
		all = append(all, push.KnownApp{App: a})
	}
	return all, nil
}

func (s *apps) AddPushApp(_ context.Context, a push.App, key []byte) (push.App, error) {
	if err := a.Check(); err != nil {
		return a, err
	}
	if a.Provider == filed.Provider && a.Name == filed.Name {
		return a, push.AppExists(a.Provider, a.Name)
	}
	if string(key) == "no key" {
		return a, push.BadAppKey("key", "the APNs key cannot be used: it is not a PEM file")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.CreatedAt, a.UpdatedAt = night, night
	s.known, s.keys = append(s.known, a), map[string]string{a.Name: string(key)}
	return a, nil
}

func (s *apps) ChangePushApp(_ context.Context, a push.App, key []byte) (push.App, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.known, func(k push.App) bool { return k.Provider == a.Provider && k.Name == a.Name })
	if i < 0 {
		return a, push.AppOfFile(a.Provider, a.Name)
	}
	if s.known[i] = a; key != nil {
		s.keys[a.Name] = string(key)
	}
	return a, nil
}

func (s *apps) RemovePushApp(_ context.Context, p push.Provider, name string, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !force {
		return push.AppInUse(p, name, 3)
	}
	s.known = slices.DeleteFunc(s.known, func(a push.App) bool { return a.Provider == p && a.Name == name })
	return nil
}

func TestAdminSetsUpAPushApp(t *testing.T) {
	t.Parallel()
	h := open(t)
	var a PushApp
	h.do(t, "ada", "POST", "/v1/push/apps", `{"provider":"apns","name":"ios","bundle_id":"com.example","team_id":"T1","key_id":"K2","key":"secret words","environments":["sandbox"]}`).into(201, &a)
	if a.Source != PushAppSourceApi || *a.BundleId != "com.example" || *a.KeyId != "K2" || len(a.Environments) != 1 || a.Ambient != nil {
		t.Errorf("created %+v", a)
	}
	if h.apps.keys["ios"] != "secret words" || h.apps.known[0].UpdatedBy == "" {
		t.Errorf("the room got %v, %+v", h.apps.keys, h.apps.known[0])
	}
	var list PushAppList
	all := h.do(t, "ada", "GET", "/v1/push/apps", "")
	if all.into(200, &list); len(list.Items) != 2 || list.Items[0].Source != PushAppSourceFile || *list.Items[0].Fingerprint != filed.Settings.Fingerprint {
		t.Errorf("the list is %+v", list)
	}
	h.do(t, "ada", "PUT", "/v1/push/apps/apns/ios", `{"bundle_id":"com.example","team_id":"T1","key_id":"K3"}`).into(200, &a)
	if *a.KeyId != "K3" || h.apps.keys["ios"] != "secret words" {
		t.Errorf("changed %+v, with the key %q", a, h.apps.keys["ios"])
	}
	h.do(t, "ada", "PUT", "/v1/push/apps/apns/ios", `{"bundle_id":"com.example","team_id":"T1","key_id":"K3","key":"other words"}`).into(200, &a)
	if h.apps.keys["ios"] != "other words" {
		t.Errorf("the new key was not handed on")
	}
	h.do(t, "ada", "GET", "/v1/push/apps/apns/ios", "").into(200, &a)
	h.do(t, "ada", "POST", "/v1/push/apps", `{"provider":"fcm","name":"own","ambient":true,"project_id":"p-1","privacy":"sealed","unlock":["resolve"]}`).into(201, &a)
	if *a.ProjectId != "p-1" || !*a.Ambient || *a.Privacy != AppPrivacySealed || len(a.Unlock) != 1 || a.Unlock[0] != UnlockedActionResolve {
		t.Errorf("created %+v", a)
	}
	h.do(t, "ada", "DELETE", "/v1/push/apps/apns/ios", "").problem(409, "push_app_in_use", "")
	h.do(t, "ada", "DELETE", "/v1/push/apps/apns/ios?force=true", "").into(204, nil)
	h.do(t, "ada", "GET", "/v1/push/apps/apns/ios", "").problem(404, "not_found", "")
	for _, shown := range []string{all.Body.String(), h.log.String()} {
		if strings.Contains(shown, "words") {
			t.Errorf("a key is shown in %s", shown)
		}
	}
	if log := h.log.String(); strings.Count(log, "an admin ") != 5 || !strings.Contains(log, `"name":"Ada"`) {
		t.Errorf("the log does not tell who did what: %s", log)
	}
}

func TestPushAppsAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	apple := `{"provider":"apns","name":"ios","bundle_id":"b","team_id":"T","key_id":"K","key":"k"}`
	for _, c := range []struct {
		name, who, method, target, body string
		status                          int
		code, field                     string
	}{
		{"nobody", "", "GET", "/v1/push/apps", "", 401, "token_missing", ""},
		{"a responder looks", "ana", "GET", "/v1/push/apps", "", 403, "role_too_low", ""},
		{"a responder looks closely", "ana", "GET", "/v1/push/apps/apns/pager", "", 403, "role_too_low", ""},
		{"a manager adds", "max", "POST", "/v1/push/apps", apple, 403, "role_too_low", ""},
		{"a manager changes", "max", "PUT", "/v1/push/apps/apns/pager", `{}`, 403, "role_too_low", ""},
		{"a manager removes", "max", "DELETE", "/v1/push/apps/apns/pager", "", 403, "role_too_low", ""},
		{"a provider nobody knows", "ada", "POST", "/v1/push/apps", `{"provider":"pigeon","name":"ios"}`, 400, "bad_value", "provider"},
		{"a provider in the path that nobody knows", "ada", "GET", "/v1/push/apps/pigeon/ios", "", 404, "not_found", ""},
		{"force in another spelling", "ada", "DELETE", "/v1/push/apps/apns/pager?force=yes", "", 400, "wrong_type", "force"},
		{"a name that is none", "ada", "POST", "/v1/push/apps", strings.Replace(apple, `"ios"`, `"a b"`, 1), 400, "bad_push_app", "name"},
		{"without its bundle", "ada", "POST", "/v1/push/apps", `{"provider":"apns","name":"ios","team_id":"T","key_id":"K","key":"k"}`, 400, "bad_push_app", "bundle_id"},
		{"a topic that is none", "ada", "POST", "/v1/push/apps", `{"provider":"apns","name":"ios","bundle_id":"com.example\r\nX-Evil: 1","team_id":"T","key_id":"K","key":"k"}`, 400, "bad_push_app", "bundle_id"},
		{"a team with a line's end", "ada", "POST", "/v1/push/apps", `{"provider":"apns","name":"ios","bundle_id":"com.example","team_id":"T\r\n","key_id":"K","key":"k"}`, 400, "bad_push_app", "team_id"},
		{"a project that leads elsewhere", "ada", "POST", "/v1/push/apps", `{"provider":"fcm","name":"a","ambient":true,"project_id":"../v2"}`, 400, "bad_push_app", "project_id"},
		{"without its project", "ada", "POST", "/v1/push/apps", `{"provider":"fcm","name":"a","ambient":true}`, 400, "bad_push_app", "project_id"},
		{"with another provider's settings", "ada", "POST", "/v1/push/apps", `{"provider":"fcm","name":"a","bundle_id":"b","ambient":true,"project_id":"p"}`, 400, "bad_push_app", "bundle_id"},
		{"an environment that is none", "ada", "POST", "/v1/push/apps", strings.Replace(apple, `"key":"k"`, `"key":"k","environments":["test"]`, 1), 400, "bad_value", "environments.0"},
		{"a key that is none", "ada", "POST", "/v1/push/apps", strings.Replace(apple, `"key":"k"`, `"key":"no key"`, 1), 400, "bad_push_key", "key"},
		{"a name of the file", "ada", "POST", "/v1/push/apps", strings.Replace(apple, `"ios"`, `"pager"`, 1), 409, "push_app_exists", ""},
		{"changing one of the file", "ada", "PUT", "/v1/push/apps/apns/pager", `{"bundle_id":"b"}`, 409, "push_app_in_file", ""},
		{"a field that is none", "ada", "PUT", "/v1/push/apps/apns/pager", `{"sandbox":true}`, 400, "unknown_field", "sandbox"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.do(t, c.who, c.method, c.target, c.body).problem(c.status, c.code, c.field)
		})
	}
}
