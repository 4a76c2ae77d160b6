package app

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
)

// askLimit bounds one question to a provider.
const askLimit = 15 * time.Second

// DoctorPush asks the push providers themselves: are they reached, do the
// clocks agree, do they take the keys, topics and projects? Then it tells what
// the database knows against a page. Nothing is made or changed and nobody's
// phone gets anything; Apple is pushed a token that is no device's, which it
// counts as an error, so it is not for a cron job.
func DoctorPush(ctx context.Context, cfg Config, loadErr error, opt Options) []Finding {
	if loadErr != nil {
		return Doctor(ctx, cfg, loadErr)
	}
	var f findings
	f.checkPush(cfg)
	f.checkForms(cfg)
	if slices.ContainsFunc(f, func(x Finding) bool { return x.Health == Broken }) {
		return f // no sender can be made of these
	}
	opt = opt.withDefaults()
	f.checkEgress(ctx, cfg, opt)
	a, err := New(cfg, opt)
	if err != nil {
		f.broken("push", Sentence(err), "")
		return f
	}
	pushers, err := newPushers(a)
	if err != nil {
		f.broken("push", Sentence(err), "")
		return f
	}
	defer pushers.close()
	db := f.openForPush(ctx, cfg, opt)
	if db != nil {
		defer func() { _ = db.Close() }() // nothing was written
		f.joinApps(ctx, cfg, pushers, db)
	}
	f.askAPNs(ctx, pushers)
	f.askFCM(ctx, pushers)
	if db != nil {
		f.checkPeople(ctx, cfg, opt, db)
	}
	return f
}

var (
	appleID  = regexp.MustCompile(`^[A-Z0-9]{10}$`)
	bundleID = regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
)

// suffixes of topics that carry something else than notifications.
var suffixes = []string{".voip", ".complication", ".push-type.liveactivity", ".push-type.widgets", ".pushkit.fileprovider"}

// checkForms looks at ids that are merely strange: Apple may change their form.
func (f *findings) checkForms(cfg Config) {
	for _, a := range cfg.Push.APNs.Apps {
		if !appleID.MatchString(a.KeyID) {
			f.doubt("push.apns", fmt.Sprintf("%s: the key id %q does not look like one", a.Name, a.KeyID),
				"it is the ten capital letters and digits in the name of the .p8 file, AuthKey_….p8")
		}
		if !appleID.MatchString(a.TeamID) {
			f.doubt("push.apns", fmt.Sprintf("%s: the team id %q does not look like one", a.Name, a.TeamID),
				"it is the ten capital letters and digits shown as Team ID in the Apple developer account, under Membership")
		}
		if !bundleID.MatchString(a.BundleID) || slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(a.BundleID, s) }) {
			f.doubt("push.apns", fmt.Sprintf("%s: the bundle id %q is no topic for notifications", a.Name, a.BundleID),
				"give the app's bundle id alone, such as com.example.nightbell, without .voip or the like")
		}
	}
}

// appOf is an app and the environments it is pushed to in.
type appOf struct {
	name         string
	environments []string
	// both: nobody said which, so one of them may be none of the key's.
	both bool
}

func (p *pushers) apnsApps() (out []appOf) {
	add := func(name string, environments []string) {
		if len(environments) == 0 {
			out = append(out, appOf{name, []string{apns.Production, apns.Sandbox}, true})
			return
		}
		out = append(out, appOf{name, environments, false})
	}
	for _, a := range p.app.cfg.Push.APNs.Apps {
		add(a.Name, a.Environments)
	}
	for _, a := range p.apps {
		if a.Provider == push.APNs && !p.app.cfg.hasPushApp(push.APNs, a.Name) {
			add(a.Name, a.Settings.Environments)
		}
	}
	return out
}

// askAPNs pushes to nobody, once for each app and environment.
func (f *findings) askAPNs(ctx context.Context, p *pushers) {
	sender, ok := p.inUse[push.APNs].(*apns.Sender)
	if !ok {
		return
	}
	for _, a := range p.apnsApps() {
		for _, environment := range a.environments {
			f.sayAPNs(a, environment, ask(ctx, func(ctx context.Context) push.Result { return sender.Check(ctx, a.name, environment) }))
		}
	}
}

func ask(ctx context.Context, question func(context.Context) push.Result) push.Result {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return question(ctx)
}

// remedies for what Apple names, by its own word.
var apnsRemedies = map[string]string{
	"InvalidProviderToken":       "key, key_id and team_id do not belong together, or the key was revoked: compare key_id with the file's name and team_id with the developer account",
	"MissingProviderToken":       "this is a bug in Nightbell; please report it",
	"ExpiredProviderToken":       "this machine's clock is wrong: run NTP",
	"BadEnvironmentKeyIdInToken": "the key is of the other environment only: say so with the app's environments, or make a key for both",
	"TopicDisallowed":            "the key may not push to this bundle id: compare bundle_id and team_id with the developer account, and the key's own list of topics",
	"BadTopic":                   "bundle_id is no topic: give the app's bundle id as it stands in Xcode",
	"Forbidden":                  "the key has no right to push: make one with Apple Push Notifications service enabled",
	"unreachable":                "see the finding on its host",
	"tls_untrusted":              "see the finding on its host",
}

func (f *findings) sayAPNs(a appOf, environment string, r push.Result) {
	what := fmt.Sprintf("%s, %s: ", a.name, environment)
	said := fmt.Sprintf("Apple answers %d %s", r.Status, r.Reason)
	if r.Status == 0 {
		said = "no answer (" + r.Reason + ")"
	}
	fix := apnsRemedies[r.Reason]
	switch {
	case r.Reason == "BadDeviceToken" || r.Reason == "DeviceTokenNotForTopic":
		f.fine("push.apns", "%sApple takes the key and the topic", what)
	case r.Class == push.ClassConfigBroken && a.both && r.Reason == "BadEnvironmentKeyIdInToken":
		f.doubt("push.apns", what+said, fix)
	case r.Class == push.ClassConfigBroken, r.Reason == "ExpiredProviderToken":
		f.broken("push.apns", what+said, fix)
	default:
		f.doubt("push.apns", what+said, orElse(fix, "try again later; if it stays, look at the network"))
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (f *findings) askFCM(ctx context.Context, p *pushers) {
	sender, ok := p.inUse[push.FCM].(*fcm.Sender)
	if !ok {
		return
	}
	for _, name := range p.Names(push.FCM) {
		f.sayFCM(name, ask(ctx, func(ctx context.Context) push.Result { return sender.Check(ctx, name) }))
	}
}

var fcmRemedies = map[string]string{
	"oauth_invalid_grant":       "the service account's key was deleted or disabled, or this machine's clock is wrong: make a new key in the Firebase console, and run NTP",
	"oauth_invalid_client":      "the service account does not exist any more: download a new key",
	"oauth_unauthorized_client": "the service account may not ask for tokens: download a new key",
	"PERMISSION_DENIED":         "give the service account the role Firebase Cloud Messaging API Admin, and enable the API (fcm.googleapis.com) for the project",
	"UNAUTHENTICATED":           "the service account's token is not taken: download a new key",
	"NOT_FOUND":                 "there is no such project: compare project_id with the Firebase console",
}

func (f *findings) sayFCM(name string, r push.Result) {
	said := fmt.Sprintf("%s: Google answers %d %s", name, r.Status, r.Reason)
	if r.Status == 0 {
		said = name + ": no answer (" + r.Reason + ")"
	}
	fix := fcmRemedies[r.Reason]
	switch {
	case r.Class == push.ClassAccepted, r.Status == 404 && r.Reason == "UNREGISTERED", r.Status == 400 && r.Reason == "INVALID_ARGUMENT":
		f.fine("push.fcm", "%s: Google takes the account and the project", name)
	case r.Class == push.ClassConfigBroken:
		f.broken("push.fcm", said, fix)
	default:
		f.doubt("push.fcm", said, orElse(fix, "try again later; if it stays, look at the network"))
	}
}
