package app

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minSecret is the length of 128 random bits in hexadecimal.
const minSecret = 32

var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate refuses a configuration that cannot work, with all [Problems] at
// once. It looks at values only; what the world makes of them is found by
// Start, or beforehand by Doctor.
func (c Config) Validate() error {
	if p := c.problems(); len(p) > 0 {
		return p
	}
	return nil
}

func (c Config) problems() Problems {
	var p Problems
	p.host("listen", c.Listen)
	p.address("public_url", c.PublicURL)
	for _, network := range c.TrustedProxies {
		if _, err := readNetwork(network); err != nil {
			p.say("trusted_proxies: %q is neither an address such as 10.0.0.7 nor a network such as 10.0.0.0/8", network)
		}
	}
	p.database(c)
	p.within("database_connections", c.DatabaseConnections, 4, 1000)
	p.within("writers", c.Writers, 1, 64)
	p.between("shutdown_deadline", c.ShutdownDeadline, time.Second, 10*time.Minute)
	p.between("lease", c.Lease, time.Second, 10*time.Minute)
	if c.Node != "" && !nodeName.MatchString(c.Node) {
		p.say("node: %q must be up to 63 letters, digits, dots, dashes and underscores", c.Node)
	}
	p.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	p.oneOf("log.format", c.Log.Format, "text", "json")
	for _, o := range c.Realtime.Origins {
		p.address("realtime.origins", o)
	}
	p.within("realtime.max_connections", c.Realtime.MaxConnections, 1, 1_000_000)
	p.within("retention.timeline_days", c.Retention.TimelineDays, 1, 36_500)
	p.within("retention.deliveries_days", c.Retention.DeliveriesDays, 1, 36_500)
	p.between("notices.shift_reminder", c.Notices.ShiftReminder, 0, 7*24*time.Hour)
	if every := c.Push.ProbeEvery; every != 0 {
		p.between("push.probe_every", every, time.Hour, 7*24*time.Hour) // iOS lets about two silent pushes an hour through
	}
	p.push(c.Push)
	p.contacts(c)
	return p
}

func (p *Problems) say(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *Problems) host(key, value string) {
	_, port, err := net.SplitHostPort(value)
	n, numErr := strconv.Atoi(port)
	if err != nil || numErr != nil || n < 0 || n > 65535 {
		p.say("%s: %q is not an address such as 127.0.0.1:8080 or :8080", key, value)
	}
}

func (p *Problems) address(key, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		p.say("%s: %q is not an address such as https://nightbell.example.com (no path, no query)", key, value)
	}
}

func (p *Problems) database(c Config) {
	scheme, _, isURL := strings.Cut(c.Database, "://")
	if isURL && scheme != "postgres" && scheme != "postgresql" {
		p.say("database: %s:// is not supported; give a postgres:// URL or the path of a SQLite file", scheme)
	}
	if isURL && strings.HasPrefix(scheme, "postgres") && c.Secret == "" {
		p.say("secret: PostgreSQL may be shared by several nodes, and all of them need the same secret, so it is not generated; " +
			"make one with `openssl rand -base64 32` and set secret_file (or NIGHTBELL_SECRET)")
	}
	if !isURL && c.Database == "" && c.DataDir == "" {
		p.say("data_dir: must not be empty while database does not say where to keep data")
	}
	if c.Secret != "" && len(c.Secret) < minSecret {
		p.say("secret: is %d characters long and needs at least %d; make one with `openssl rand -base64 32`", len(c.Secret), minSecret)
	}
}

func (p *Problems) within(key string, value, low, high int) {
	if value < low || value > high {
		p.say("%s: %d is not between %d and %d", key, value, low, high)
	}
}

func (p *Problems) between(key string, value, low, high time.Duration) {
	if value < low || value > high {
		p.say("%s: %v is not between %v and %v", key, value, low, high)
	}
}

func (p *Problems) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.say("%s: %q is not one of %s", key, value, strings.Join(allowed, ", "))
	}
}

// Postgres reports whether the database is PostgreSQL.
func (c Config) Postgres() bool {
	return strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://")
}
