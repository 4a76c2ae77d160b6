package app

import (
	"fmt"

	"github.com/nightbell/nightbell/push"
)

// push checks what can be known of the push apps without asking a provider.
func (p *Problems) push(c PushConfig) {
	p.address("push.apns.endpoint_production", c.APNs.EndpointProduction)
	p.address("push.apns.endpoint_sandbox", c.APNs.EndpointSandbox)
	p.address("push.fcm.endpoint", c.FCM.Endpoint)
	p.apnsApps(c.APNs.Apps)
	p.fcmApps(c.FCM.Apps)
	p.webPush(c.WebPush)
}

func (p *Problems) apnsApps(apps []APNsApp) {
	seen := map[string]bool{}
	for i, a := range apps {
		key := fmt.Sprintf("push.apns.apps[%d]", i)
		p.named(key, a.Name, seen)
		p.options(key, a.Privacy, a.Unlock)
		p.required(key+".bundle_id", a.BundleID, "the app's bundle id, such as com.example.nightbell")
		p.required(key+".team_id", a.TeamID, "the ten characters shown as Team ID in the Apple developer account")
		p.required(key+".key_id", a.KeyID, "the ten characters in the name of the .p8 file")
		if a.Key == "" && a.KeyFile == "" {
			p.say("%s: neither key nor key_file is set; give the path of the .p8 file from Apple as key_file", key)
		}
		for _, e := range a.Environments {
			p.oneOf(key+".environments", e, "production", "sandbox")
		}
	}
}

func (p *Problems) fcmApps(apps []FCMApp) {
	seen := map[string]bool{}
	for i, a := range apps {
		key := fmt.Sprintf("push.fcm.apps[%d]", i)
		p.named(key, a.Name, seen)
		p.options(key, a.Privacy, a.Unlock)
		account := a.ServiceAccount != "" || a.ServiceAccountFile != ""
		switch {
		case a.Ambient && account:
			p.say("%s: both ambient and a service account are set; keep one of them", key)
		case a.Ambient:
			p.required(key+".project_id", a.ProjectID, "the Firebase project, which the machine's own credentials do not name for sure")
		case !account:
			p.say("%s: neither service_account nor service_account_file is set; give the path of the JSON from the Firebase console as service_account_file", key)
		}
	}
}

// options checks what an operator decides for an app beside its keys.
func (p *Problems) options(key, privacy string, unlock []string) {
	if err := (push.AppOptions{Privacy: push.Privacy(privacy), Unlock: unlock}).Check(); err != nil {
		p.say("%s: %v", key, err)
	}
}

// named checks an app's name, which devices refer to, for presence and uniqueness.
func (p *Problems) named(key, name string, seen map[string]bool) {
	if name == "" {
		p.say("%s: name is missing; devices refer to the app by it", key)
	} else if seen[name] {
		p.say("%s: the name %q is used twice; give each app its own", key, name)
	}
	seen[name] = true
}

func (p *Problems) required(key, value, what string) {
	if value == "" {
		p.say("%s: is missing; it is %s", key, what)
	}
}
