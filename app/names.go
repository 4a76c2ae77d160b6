package app

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nightbell/nightbell/push"
)

// BaseURL is the address phones and people are told: the public URL, or what
// follows from where we listen.
func (c Config) BaseURL() string {
	if c.PublicURL != "" {
		return strings.TrimSuffix(c.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // all interfaces: this machine can always reach itself
	}
	return "http://" + net.JoinHostPort(host, port)
}

// nodeName is the configured name, or the host's with the process's number: two
// nodes of one name would take each other's leases for their own.
func (c Config) nodeName() string {
	if c.Node != "" {
		return c.Node
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		return fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return fmt.Sprintf("nightbell-%d", os.Getpid())
}

// databaseURL is where the data is: a postgres:// URL or a SQLite file.
func (c Config) databaseURL() string {
	if c.Database != "" {
		return c.Database
	}
	return filepath.Join(c.DataDir, "nightbell.db")
}

// databaseName is databaseURL fit for logs: without the password.
func (c Config) databaseName() string {
	if !c.Postgres() {
		return c.databaseURL()
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return "postgres"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// pushApps are the names devices may register for.
func (c Config) pushApps() map[push.Provider][]string {
	apps := map[push.Provider][]string{}
	for _, a := range c.Push.APNs.Apps {
		apps[push.APNs] = append(apps[push.APNs], a.Name)
	}
	for _, a := range c.Push.FCM.Apps {
		apps[push.FCM] = append(apps[push.FCM], a.Name)
	}
	if c.Push.WebPush.Enabled {
		apps[push.WebPush] = []string{webApp}
	}
	return apps
}

// readNetwork reads a network in CIDR, or one address.
func readNetwork(text string) (netip.Prefix, error) {
	if at, err := netip.ParseAddr(text); err == nil {
		return at.Prefix(at.BitLen())
	}
	return netip.ParsePrefix(text)
}

// proxies are the networks of the proxies in front, validated before.
func (c Config) proxies() []netip.Prefix {
	var networks []netip.Prefix
	for _, text := range c.TrustedProxies {
		if n, err := readNetwork(text); err == nil {
			networks = append(networks, n)
		}
	}
	return networks
}
