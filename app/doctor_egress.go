package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/nightbell/nightbell/push/apns"
	"github.com/nightbell/nightbell/push/fcm"
)

// clockLimit is how far this machine's clock may be from a provider's before
// it refuses our tokens: Apple and Google allow a few minutes.
const clockLimit = 5 * time.Minute

// checkEgress reaches the hosts of the providers that are set up, as the
// senders do: through the proxy, if there is one.
func (f *findings) checkEgress(ctx context.Context, cfg Config, opt Options) {
	roots, err := cfg.rootCAs()
	if err != nil {
		return // said already
	}
	client := &http.Client{
		Timeout: askLimit,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true, DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, base := range cfg.providerHosts() {
		f.checkHost(ctx, client, base, opt.Now)
	}
}

// providerHosts are the addresses that the configured apps are pushed through,
// each once. Browsers bring their own.
func (c Config) providerHosts() (bases []string) {
	add := func(override, usual string) {
		if override == "" {
			override = usual
		}
		if !slices.Contains(bases, override) {
			bases = append(bases, override)
		}
	}
	for _, a := range c.Push.APNs.Apps {
		if len(a.Environments) == 0 || slices.Contains(a.Environments, apns.Production) {
			add(c.Push.APNs.EndpointProduction, "https://api.push.apple.com")
		}
		if len(a.Environments) == 0 || slices.Contains(a.Environments, apns.Sandbox) {
			add(c.Push.APNs.EndpointSandbox, "https://api.sandbox.push.apple.com")
		}
	}
	for _, a := range c.Push.FCM.Apps {
		add(c.Push.FCM.Endpoint, "https://fcm.googleapis.com")
		if account, err := fcm.ParseServiceAccount([]byte(a.ServiceAccount)); err == nil && !a.Ambient {
			if u, err := url.Parse(account.TokenURI); err == nil {
				add("", u.Scheme+"://"+u.Host)
			}
		}
	}
	return bases
}

// checkHost asks a host anything at all; any answer shows the way and the time.
func (f *findings) checkHost(ctx context.Context, client *http.Client, base string, now func() time.Time) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/", nil)
	if err != nil {
		f.broken("egress", base+" is no address", "")
		return
	}
	host, by := req.URL.Host, ""
	if proxy, err := http.ProxyFromEnvironment(req); err == nil && proxy != nil {
		by = " through the proxy " + proxy.Host
	}
	sent := now()
	res, err := client.Do(req)
	if err != nil {
		f.broken("egress", fmt.Sprintf("%s cannot be reached%s: %v", host, by, unwrapped(err)), egressFix(err, host))
		return
	}
	_ = res.Body.Close()
	trip := now().Sub(sent)
	theirs, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		f.fine("egress", "%s is reached%s", host, by)
		return
	}
	if off := theirs.Sub(sent.Add(trip / 2)).Abs(); off > clockLimit+trip {
		f.broken("clock", fmt.Sprintf("this machine's clock and that of %s differ by %s, so the tokens we sign are refused", host, off.Round(time.Second)),
			"run NTP (timedatectl set-ntp true)")
		return
	}
	f.fine("egress", "%s is reached%s, and the clocks agree", host, by)
}

// unwrapped leaves out what the sentence says already.
func unwrapped(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func egressFix(err error, host string) string {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return "let this machine resolve " + host + ": look at its DNS servers"
	case errors.As(err, &authority), errors.As(err, &name):
		return "somebody answers in its place: if that is your TLS-inspecting proxy, name its authority in push.ca_file; in a container, install ca-certificates"
	default:
		return "allow outgoing TCP to " + host + " in the firewall, or set HTTPS_PROXY"
	}
}
