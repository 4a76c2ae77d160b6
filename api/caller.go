package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
)

type contextKey int

const (
	principalKey contextKey = iota
	addressKey
	deviceKey
)

func withPrincipal(ctx context.Context, p auth.Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// caller is who asks. Operations that are not public always have one.
func caller(ctx context.Context) auth.Principal {
	p, _ := ctx.Value(principalKey).(auth.Principal)
	return p
}

// withDevice notes which device's receipt key was the caller's proof, "" for none.
func withDevice(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, deviceKey, id)
}

func callerDevice(ctx context.Context) string {
	id, _ := ctx.Value(deviceKey).(string)
	return id
}

// withAddress notes where the request came from.
func withAddress(ctx context.Context, r *http.Request, proxies []netip.Prefix) context.Context {
	return context.WithValue(ctx, addressKey, origin(r, proxies))
}

// origin is the peer of the connection, or, behind our own proxies, the nearest
// address of X-Forwarded-For that is none of them: what stands further left
// anybody may have written. Of IPv6 it is the network, because whoever has one
// address there has 2^64.
func origin(r *http.Request, proxies []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := peer.Addr().Unmap().WithZone("")
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for ours(at, proxies) && len(said) > 0 {
		before, err := netip.ParseAddr(strings.TrimSpace(said[len(said)-1]))
		if err != nil {
			break
		}
		at, said = before.Unmap().WithZone(""), said[:len(said)-1]
	}
	if at.Is6() {
		return netip.PrefixFrom(at, 64).Masked().String()
	}
	return at.String()
}

func ours(at netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(at) })
}

func address(ctx context.Context) string {
	host, _ := ctx.Value(addressKey).(string)
	return host
}

// bearer gives the token of "Authorization: Bearer …" (RFC 6750), "" without.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// actor is the caller as the timeline names them.
func actor(p auth.Principal, via, deviceID string) incident.Actor {
	return incident.Actor{Kind: incident.ActorUser, ID: p.UserID, Name: p.Name, Via: via, DeviceID: deviceID}
}
