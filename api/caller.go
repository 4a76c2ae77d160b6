package api

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/incident"
)

type contextKey int

const (
	principalKey contextKey = iota
	addressKey
)

func withPrincipal(ctx context.Context, p auth.Principal) context.Context {
	return context.WithValue(ctx, principalKey, p)
}

// caller is who asks. Operations that are not public always have one.
func caller(ctx context.Context) auth.Principal {
	p, _ := ctx.Value(principalKey).(auth.Principal)
	return p
}

// withAddress notes where the request came from: the peer of the connection,
// never a header that anybody may write.
func withAddress(ctx context.Context, r *http.Request) context.Context {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return context.WithValue(ctx, addressKey, host)
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
