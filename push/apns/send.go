package apns

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sideshow/apns2"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Reasons of our own, beside wire's.
const (
	ReasonUnknownApp   = "unknown_app"
	ReasonBadToken     = "malformed_token"
	ReasonExpired      = "expired_before_send"
	ReasonTokenSigning = "provider_token_unsigned"
)

// reasonUnrelatedKey is Apple's, and newer than the library.
const reasonUnrelatedKey = "UnrelatedKeyIdInToken"

// Send hands m to APNs and waits for the answer. The only repeats are those
// that cannot ring twice: a stream that was never processed, and a push
// refused for an expired provider token.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	l, ok := s.lanes[laneKey{m.App, environmentOf(m)}]
	switch {
	case !ok:
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonUnknownApp}
	case !isToken(m.Token):
		// It would become a part of the path, and of somebody else's request.
		return push.Result{Class: push.ClassifyAPNs(http.StatusBadRequest, apns2.ReasonBadDeviceToken), Reason: ReasonBadToken}
	case !m.ExpiresAt.IsZero() && !s.cfg.Now().Before(m.ExpiresAt):
		return push.Result{Class: push.ClassRetry, Reason: ReasonExpired}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	select {
	case l.client.flight <- struct{}{}:
		defer func() { <-l.client.flight }()
	case <-ctx.Done():
		return wire.Failure(ctx, ctx.Err())
	}
	return s.exchange(ctx, l, m)
}

// exchange sends m, and once more when the answer names what this side can
// mend at once: a stale or a too new provider token, or a connection that
// Apple no longer takes it on. None of those answers comes from a phone.
func (s *Sender) exchange(ctx context.Context, l lane, m push.Message) push.Result {
	x := &exchange{message: m, topic: l.topic, now: s.cfg.Now}
	began := time.Now()
	r := l.client.once(ctx, x)
	again := &exchange{message: m, topic: l.topic, now: s.cfg.Now}
	switch r.Reason {
	case apns2.ReasonExpiredProviderToken:
		var err error
		if again.token, err = l.client.trip.tokens.renew(x.token); err != nil {
			s.cfg.Log.Warn("APNs calls our provider token expired; check this machine's clock", "error", err)
			return r
		}
	case apns2.ReasonTooManyProviderTokenUpdates:
		var ok bool
		if again.token, ok = l.client.trip.tokens.older(x.token); !ok {
			return r
		}
	case reasonUnrelatedKey, apns2.ReasonIdleTimeout:
		// The connection is bound to another key, or was left too long.
		l.client.trip.pool.Renew(began)
	default:
		return r
	}
	s.resends.Add(1)
	return l.client.once(ctx, again)
}

// once makes one request through apns2 and sorts what came of it. The answer
// is read from the exchange: apns2 forgets the status of bodies it cannot
// parse, all headers and the milliseconds of timestamps.
func (c *client) once(ctx context.Context, x *exchange) push.Result {
	// The real payload is put in by the RoundTripper: marshaling here would
	// escape it past its limit of bytes.
	_, err := c.apns2.PushWithContext(x.into(ctx), &apns2.Notification{DeviceToken: strings.ToLower(x.message.Token), Payload: "{}"})
	switch {
	case x.answered:
		return x.result()
	case x.unsigned != nil:
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonTokenSigning}
	default:
		return wire.Failure(ctx, err)
	}
}

func environmentOf(m push.Message) string {
	if m.Environment == "" {
		return Production
	}
	return m.Environment
}

// isToken accepts any length that is sensible, as Apple wants no assumption.
func isToken(s string) bool {
	if s == "" || len(s)%2 != 0 || len(s) > 400 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// expiration is the apns-expiration header: 0 means "now or never", and a
// message without an end gets it, because Apple's own default is 30 days.
func expiration(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(0, t.Unix())
}
