package fcm

import (
	"context"
	"errors"
	"time"

	"firebase.google.com/go/v4/messaging"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Reasons of our own, beside wire's and the token source's oauth_….
const (
	ReasonUnknownApp = "unknown_app"
	ReasonExpired    = "expired_before_send"
	ReasonNotSent    = "message_refused_by_library"
	// ReasonDeviceBudget: one more would pass what Google lets one device have.
	ReasonDeviceBudget = "device_budget"
)

// maxTTL is the longest FCM keeps a message.
const maxTTL = 28 * 24 * time.Hour

// Send hands m to FCM and waits for the answer. The only repeats are those
// that cannot ring twice: a stream that was never processed, and a push
// refused for a stale access token.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	a, ok := s.apps[m.App]
	switch {
	case !ok:
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonUnknownApp}
	case !m.ExpiresAt.IsZero() && !s.cfg.Now().Before(m.ExpiresAt):
		return push.Result{Class: push.ClassRetry, Reason: ReasonExpired}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	select {
	case a.flight <- struct{}{}:
		defer func() { <-a.flight }()
	case <-ctx.Done():
		return wire.Failure(ctx, ctx.Err())
	}
	if wait := a.budget.device(m.Token, s.cfg.Now()); wait > 0 {
		return push.Result{Class: push.ClassDeviceThrottled, Reason: ReasonDeviceBudget, RetryAfter: wait}
	}
	if err := a.budget.wait(ctx, s.cfg.Now); err != nil {
		return wire.Failure(ctx, err)
	}
	x := &exchange{now: s.cfg.Now}
	name, err := a.client.Send(x.into(ctx), message(m, s.cfg.Now()))
	return x.result(ctx, name, err)
}

// message is m in firebase's form: data only, because a notification drawn by
// FCM can have no buttons.
func message(m push.Message, now time.Time) *messaging.Message {
	ttl := ttl(m.ExpiresAt, now)
	out := &messaging.Message{
		Data: m.Data,
		Android: &messaging.AndroidConfig{
			Priority: "normal", TTL: &ttl,
			// A phone that restarted at night rings before it is unlocked.
			DirectBootOK: m.High,
		},
	}
	if m.High {
		out.Android.Priority = "high"
	}
	out.Android.CollapseKey = collapseKey(m.Kind)
	if m.TargetKind == push.FIDTarget {
		out.Fid = m.Token
	} else {
		out.Token = m.Token //nolint:staticcheck // Google deprecates it, phones have it: see push.TargetKind
	}
	return out
}

// collapseKey is the name under which FCM keeps only the newest message for a
// phone that is off. It keeps four names for a device, so there are three.
// Pages, tests and settles have none, because each must arrive: a settle that
// another incident's replaced would leave a page ringing, and FCM slows down
// what is collapsible to one in three minutes after a burst.
func collapseKey(k push.Kind) string {
	switch k {
	case push.Update, push.Digest, push.Notice:
		return "nightbell-" + string(k)
	default:
		return ""
	}
}

// ttl is how long FCM may keep the message, in whole seconds; 0 means "now or
// never", which a message without an end gets instead of Google's 28 days.
func ttl(expires, now time.Time) time.Duration {
	if expires.IsZero() {
		return 0
	}
	return min(max(expires.Sub(now).Truncate(time.Second), 0), maxTTL)
}

// result sorts the exchange. What the library made of it matters only when
// the request never left.
func (x *exchange) result(ctx context.Context, name string, err error) push.Result {
	var auth *authError
	switch {
	case x.status != 0:
		return x.sort(name)
	case errors.As(x.err, &auth):
		return auth.result
	case x.err != nil:
		return wire.Failure(ctx, x.err)
	case err != nil && ctx.Err() == nil:
		// Its own checks: no target, two targets, a ttl below zero.
		return push.Result{Class: push.ClassPayloadBug, Reason: ReasonNotSent}
	default:
		return wire.Failure(ctx, err)
	}
}
