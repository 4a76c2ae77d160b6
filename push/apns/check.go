package apns

import (
	"context"
	"strings"

	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/push"
)

// noToken is a well-formed token that no device has.
var noToken = strings.Repeat("0", 64) //nolint:gochecknoglobals // a constant Go cannot spell

// Check pushes to a token that cannot be anybody's: Apple's BadDeviceToken
// then says that it took the key and the topic, anything else names the fault.
// Such answers slow a connection down, so it is for the doctor, not for a loop.
func (s *Sender) Check(ctx context.Context, app, environment string) push.Result {
	return s.Send(ctx, push.Message{
		UUID: id.UUID(id.New(id.Delivery)), Kind: push.Probe, App: app, Environment: environment, Token: noToken, Background: true,
		ExpiresAt: s.cfg.Now().Add(s.cfg.Timeout), Body: []byte(`{"aps":{"content-available":1}}`),
	})
}
