package api

import (
	"context"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// GetWebPush tells a page what to subscribe with.
func (s *server) GetWebPush(context.Context, GetWebPushRequestObject) (GetWebPushResponseObject, error) {
	if s.WebPush == nil {
		return nil, fault.New(fault.NotFound, "provider_not_configured", "Web Push is switched off on this server; its operator may set push.webpush.enabled")
	}
	return GetWebPush200JSONResponse{PublicKey: s.WebPush.PublicKey()}, nil
}

// usualTarget is what a token is where the app does not say.
func usualTarget(p push.Provider) push.TargetKind {
	if p == push.WebPush {
		return push.EndpointTarget
	}
	return push.TokenTarget
}

// setKeys takes over a browser's keys where they are given.
func setKeys(d *push.Device, k *WebPushKeys) {
	if k != nil {
		d.Keys.P256DH, d.Keys.Auth = k.P256dh, k.Auth
	}
}

// checked refuses what can never be an address of the device's provider.
func (s *server) checked(d push.Device) (push.Device, error) {
	switch {
	case d.Platform == push.Web != (d.Provider == push.WebPush):
		return push.Device{}, fault.Field("platform", "bad_platform", "platform web and provider webpush belong together; %s is not reached through %s", d.Platform, d.Provider)
	case d.TargetKind == push.EndpointTarget != (d.Provider == push.WebPush):
		return push.Device{}, fault.Field("token_kind", "bad_token", "an endpoint is Web Push's kind of token, and its only one; leave token_kind out")
	case d.Provider == push.WebPush:
		return s.subscriptionChecked(d)
	case d.Keys.P256DH != "" || d.Keys.Auth != "":
		return push.Device{}, fault.Field("keys", "bad_keys", "only Web Push knows keys; leave them out")
	}
	return tokenChecked(d)
}

// subscriptionChecked refuses what is no subscription of a browser.
func (s *server) subscriptionChecked(d push.Device) (push.Device, error) {
	if s.WebPush == nil {
		return push.Device{}, fault.Field("provider", "provider_not_configured", "Web Push is switched off on this server; its operator may set push.webpush.enabled")
	}
	endpoint, err := s.WebPush.CheckSubscription(d.Token, d.Keys)
	if err != nil {
		return push.Device{}, err
	}
	d.Token = endpoint
	return d, nil
}
