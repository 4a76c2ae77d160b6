package push

import (
	"net/url"
	"strings"
)

// WebPushService is a browser maker's push service: the only hosts that a
// subscription from an ordinary browser can name.
type WebPushService struct {
	Name string
	// Host is the service's own; Subdomains says that those beneath it are its
	// own too, Bare that the host itself takes pushes.
	Host             string
	Bare, Subdomains bool
}

// WebPushServices are the push services of the world's browsers. Chrome,
// Edge on Android, Opera, Brave and Samsung use Google's.
var WebPushServices = []WebPushService{
	{Name: "google", Host: "fcm.googleapis.com", Bare: true},
	// Builds of Chromium that are not Chrome's stable ones, Debian's among them.
	{Name: "google", Host: "jmt17.google.com", Bare: true},
	{Name: "mozilla", Host: "push.services.mozilla.com", Bare: true, Subdomains: true},
	{Name: "apple", Host: "push.apple.com", Subdomains: true},
	{Name: "microsoft", Host: "notify.windows.com", Subdomains: true},
}

// Serves reports whether the host is one of the service's.
func (s WebPushService) Serves(host string) bool {
	if host == s.Host {
		return s.Bare
	}
	return s.Subdomains && strings.HasSuffix(host, "."+s.Host)
}

// otherService is the lane of push services that the operator allowed.
const otherService = "other"

// webPushService names the service behind an endpoint: one that is down must
// not stop the browsers of the others.
func webPushService(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return otherService
	}
	for _, s := range WebPushServices {
		if s.Serves(u.Hostname()) {
			return s.Name
		}
	}
	return otherService
}
