package push

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// App is a push app that an admin set up through the API: what devices name,
// and what lets us push to it.
type App struct {
	Provider Provider
	Name     string
	Settings AppSettings
	// Sealed are the credentials, sealed with the instance secret; nil when
	// there are none to keep.
	Sealed    []byte
	CreatedAt time.Time
	UpdatedAt time.Time
	// UpdatedBy is the user's id.
	UpdatedBy string
}

// AppSettings are what may be read of an app.
type AppSettings struct {
	// BundleID, TeamID and KeyID are APNs'.
	BundleID string `json:"bundle_id,omitempty"`
	TeamID   string `json:"team_id,omitempty"`
	KeyID    string `json:"key_id,omitempty"`
	// Environments the APNs key is good for; empty: both.
	Environments []string `json:"environments,omitempty"`
	// ProjectID is the Firebase project's; a service account brings its own.
	ProjectID string `json:"project_id,omitempty"`
	// Ambient: FCM uses the machine's own credentials (Google calls them
	// application default credentials) instead of a service account's key.
	Ambient bool `json:"ambient,omitempty"`
	// ClientEmail is the service account's.
	ClientEmail string `json:"client_email,omitempty"`
	// Fingerprint tells one key from another: the first 16 hexadecimal digits of
	// its SHA-256.
	Fingerprint string `json:"fingerprint,omitempty"`
	// PublicKey is Web Push's, in base64url; the private half is sealed.
	PublicKey string `json:"public_key,omitempty"`
	AppOptions
}

// appName is what devices can refer to and a path can hold.
var appName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// appWord is what Apple's and Google's names are made of. They go into headers,
// tokens and paths as they are.
var appWord = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:_-]*$`)

// Check refuses an app that could never push, by the field that is wrong
// (fault.Invalid, code bad_push_app). Credentials are their provider's to judge.
func (a App) Check() error {
	if !appName.MatchString(a.Name) {
		return badApp("name", "the name %q must be up to 63 letters, digits, dots, dashes and underscores; devices refer to the app by it", a.Name)
	}
	s := a.Settings
	if a.Provider != APNs && a.Provider != FCM {
		return badApp("provider", "apps of %q cannot be set up here; there are apns and fcm", a.Provider)
	}
	for _, f := range []struct {
		field, value, what string
		of                 Provider
		needed             bool
	}{
		{"bundle_id", s.BundleID, "the app's bundle id, such as com.example.nightbell", APNs, true},
		{"team_id", s.TeamID, "the ten characters shown as Team ID in the Apple developer account", APNs, true},
		{"key_id", s.KeyID, "the ten characters in the name of the .p8 file", APNs, true},
		{"environments", strings.Join(s.Environments, "."), "what the key is good for", APNs, false},
		{"project_id", s.ProjectID, "the Firebase project, which the machine's own credentials do not name for sure", FCM, s.Ambient},
	} {
		switch {
		case a.Provider != f.of && f.value != "":
			return badApp(f.field, "%s belongs to %s, and this app is %s's; leave it out", f.field, f.of, a.Provider)
		case a.Provider == f.of && f.needed && strings.TrimSpace(f.value) == "":
			return badApp(f.field, "%s is missing; it is %s", f.field, f.what)
		case f.value != "" && !appWord.MatchString(f.value):
			return badApp(f.field, "%q is no %s: those have letters, digits, dots, dashes and colons only; it is %s", f.value, f.field, f.what)
		}
	}
	if err := s.Check(); err != nil {
		return err
	}
	if i := slices.IndexFunc(s.Environments, func(e string) bool { return e != "production" && e != "sandbox" }); i >= 0 {
		return badApp("environments", "there is no environment %q; there are production and sandbox", s.Environments[i])
	}
	return nil
}

func badApp(field, sentence string, args ...any) error {
	return fault.Field(field, "bad_push_app", sentence, args...)
}

// BadAppKey says what is wrong with an app's credentials.
func BadAppKey(field, what string) error { return fault.Field(field, "bad_push_key", "%s", what) }

// NoSuchApp says that there is no app of that name.
func NoSuchApp(p Provider, name string) error {
	return fault.New(fault.NotFound, "not_found", "there is no push app %q for %s; GET /v1/push/apps lists those there are", name, p)
}

// AppExists says that the name is taken, by the configuration file or by the API.
func AppExists(p Provider, name string) error {
	return fault.New(fault.Conflict, "push_app_exists", "there is a push app %q for %s already; choose another name, or change that one", name, p)
}

// AppOfFile says that the app stands in the configuration file, where alone it can
// be changed.
func AppOfFile(p Provider, name string) error {
	return fault.New(fault.Conflict, "push_app_in_file", "the push app %q for %s stands in the configuration file; change it there, and restart the nodes", name, p)
}

// AppInUse says that devices would fall silent.
func AppInUse(p Provider, name string, devices int64) error {
	return fault.New(fault.Conflict, "push_app_in_use",
		"%d devices are registered for the push app %q of %s and could not be rung any more; move them first, or remove it with force=true", devices, name, p)
}

// KnownApp is a push app as its admins see it.
type KnownApp struct {
	App
	// OfFile: it stands in the configuration file, where alone it can be changed.
	OfFile bool
}
