package webhook

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push/wire"
)

const maxAddress = 2048

// Address checks a webhook's URL and gives its one spelling. Plain http is
// only taken where the operator has networks of their own let through, and
// leads into those alone: it carries action tokens in the clear. Names are
// judged when they are dialed.
func Address(s string, guard wire.Guard) (string, error) {
	u, err := parsed(strings.TrimSpace(s))
	if err != nil {
		return "", fault.Field("address", "bad_address", "this is no webhook address that can be used: %v", err)
	}
	if u.Scheme == "http" && len(guard.Allow) == 0 {
		return "", fault.Field("address", "bad_address", "a webhook's address begins with https://")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	switch {
	case err == nil && u.Scheme == "http" && errors.Is(plain(guard).Check(ip), wire.ErrPlain):
		return "", fault.Field("address", "bad_address", "a webhook's address begins with https://, except in the networks of webhook.allow_networks")
	case err == nil && guard.Check(ip) != nil:
		return "", fault.Field("address", "forbidden_address", "%s is not on the public internet; the operator can let its network through with webhook.allow_networks", ip)
	}
	return u.String(), nil
}

// plain is what may be reached without TLS.
func plain(g wire.Guard) wire.Guard {
	g.Only = true
	return g
}

func parsed(s string) (*url.URL, error) {
	if len(s) > maxAddress {
		return nil, errors.New("it is longer than 2048 characters")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return nil, errors.New("it has characters that no URL has; write them percent-encoded")
		}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("it cannot be read as a URL")
	case u.Scheme != "https" && u.Scheme != "http", u.Opaque != "":
		return nil, errors.New("it must begin with https://")
	case u.User != nil:
		return nil, errors.New("it holds a user name or password; what we send is signed instead")
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.Fragment != "":
		return nil, errors.New("it has a # in it, which is never sent")
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}
