package fcm

import (
	"context"

	"firebase.google.com/go/v4/messaging"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// noToken looks like a registration token and is nobody's.
const noToken = "nightbell-doctor:0000000000000000000000000000000000000000"

// Check has FCM validate a message (validate_only) to a token that cannot be
// anybody's: UNREGISTERED or INVALID_ARGUMENT then says that it took account
// and project, anything else names the fault. Nothing is delivered.
func (s *Sender) Check(ctx context.Context, app string) push.Result {
	a, ok := s.apps[app]
	if !ok {
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonUnknownApp}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	select {
	case a.flight <- struct{}{}:
		defer func() { <-a.flight }()
	case <-ctx.Done():
		return wire.Failure(ctx, ctx.Err())
	}
	x := &exchange{now: s.cfg.Now}
	m := &messaging.Message{Token: noToken, Data: map[string]string{"kind": string(push.Probe)}} //nolint:staticcheck // see message
	name, err := a.client.SendDryRun(x.into(ctx), m)
	return x.result(ctx, name, err)
}
