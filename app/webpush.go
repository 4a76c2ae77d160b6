package app

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/models"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/webpush"
)

// webApp is the name of the one Web Push app: an instance has one key.
const webApp = "web"

// webPush makes the sender for browsers, with the key of this instance, which
// the first node to start has made. Nil when it is switched off.
func (a *App) webPush(ctx context.Context, p *pushers) (*webpush.Sender, error) {
	c := a.cfg.Push.WebPush
	if !c.Enabled {
		return nil, nil
	}
	hosts, err := webpush.ParseHosts(c.ExtraHosts)
	if err != nil {
		return nil, fmt.Errorf("push.webpush.extra_hosts: %w", err)
	}
	roots, err := a.cfg.rootCAs()
	if err != nil {
		return nil, err
	}
	key, err := webPushKey(ctx, p.store, p.vault, p.now())
	if err != nil {
		return nil, err
	}
	s, err := webpush.New(webpush.Config{
		Key: key, Subject: a.cfg.webPushSubject(), Hosts: hosts, AllowPrivate: c.AllowPrivate, RootCAs: roots,
		Dial: a.opt.DialWebPush, Now: a.opt.Now, Log: a.log, Meter: a.meter,
	})
	if err != nil {
		return nil, err
	}
	a.opened.add("connections to Web Push services", func(context.Context) error { s.Close(); return nil })
	return s, nil
}

// webPushKey reads the instance's key, or makes it at the first start.
func webPushKey(ctx context.Context, store models.PushApps, vault auth.Vault, now time.Time) (*webpush.Key, error) {
	fresh, err := freshWebPushKey(vault, now)
	if err != nil {
		return nil, err
	}
	kept, err := store.Keep(ctx, fresh)
	if err != nil {
		return nil, fmt.Errorf("keeping the Web Push key: %w", err)
	}
	raw, err := vault.Open(kept.Sealed, webPushSealedFor(kept.Settings.PublicKey))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "wrong_secret",
			"the Web Push key in the database was sealed with another instance secret; start with the secret used before, or delete its row in push_apps, after which every browser has to subscribe again")
	}
	return webpush.ParseKey(raw)
}

// webPushSealedFor binds the private half to the public one, so that nobody who
// writes to the table can make browsers subscribe with a key of their own.
func webPushSealedFor(publicKey string) string { return "webpush/" + webApp + "/" + publicKey }

func freshWebPushKey(vault auth.Vault, now time.Time) (push.App, error) {
	key, err := webpush.NewKey()
	if err != nil {
		return push.App{}, err
	}
	raw, err := key.Bytes()
	if err != nil {
		return push.App{}, fmt.Errorf("writing the Web Push key: %w", err)
	}
	return push.App{
		Provider: push.WebPush, Name: webApp, Settings: push.AppSettings{PublicKey: key.Public()},
		Sealed: vault.Seal(raw, webPushSealedFor(key.Public())), CreatedAt: now, UpdatedAt: now, UpdatedBy: "system",
	}, nil
}

// webPushSubject is how push services reach the operator: as configured, or the
// public address if it is one. Empty: they are not told, and Apple refuses.
func (c Config) webPushSubject() string {
	if s := c.Push.WebPush.Subject; s != "" {
		return s
	}
	if webpush.CheckSubject(c.PublicURL) == nil {
		return c.BaseURL()
	}
	return ""
}

// webPush checks the settings of Web Push.
func (p *Problems) webPush(c WebPushConfig) {
	if c.Subject != "" {
		if err := webpush.CheckSubject(c.Subject); err != nil {
			p.say("push.webpush.subject: %v", err)
		}
	}
	if _, err := webpush.ParseHosts(c.ExtraHosts); err != nil {
		p.say("push.webpush.extra_hosts: %v", err)
	}
}

// checkWebPush says what will not work with some browsers.
func (f *findings) checkWebPush(cfg Config) {
	c := cfg.Push.WebPush
	switch subject := cfg.webPushSubject(); {
	case !c.Enabled:
		f.fine("push.webpush", "switched off")
		return
	case subject == "":
		f.doubt("push.webpush", "no subject is known, so Safari and iPhone web apps will not ring; other browsers do",
			"set push.webpush.subject to mailto:you@example.com, or public_url to an https:// address")
	default:
		f.fine("push.webpush", "browsers can ring; push services are told to reach %s", subject)
	}
	for _, h := range c.ExtraHosts {
		if !c.AllowPrivate && privateHost(h) {
			f.doubt("push.webpush.extra_hosts", h+" is a private address, which is refused when it is dialled", "set push.webpush.allow_private")
		}
	}
}

// privateHost reports whether an extra host is the address of a closed network.
func privateHost(host string) bool {
	u, err := url.Parse("https://" + strings.TrimPrefix(host, "*."))
	if err != nil {
		return false
	}
	at, err := netip.ParseAddr(u.Hostname())
	return err == nil && (at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast())
}
