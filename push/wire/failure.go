package wire

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/nightbell/nightbell/push"
)

// Reasons we give ourselves when the provider gave none.
const (
	ReasonCut            = "cut"
	ReasonTimeout        = "timeout"
	ReasonConnectionLost = "connection_lost"
	ReasonUnreachable    = "unreachable"
	ReasonUntrusted      = "tls_untrusted"
)

// Failure sorts an exchange that brought no answer.
//
// A lost connection or a timeout may have delivered the push: the retry
// carries the same delivery id and collapse id, and the app drops the repeat.
func Failure(ctx context.Context, err error) push.Result {
	var (
		dial      *DialError
		untrusted *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(err, ErrClosed):
		return push.Result{Class: push.ClassCut, Reason: ReasonCut}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return push.Result{Class: push.ClassRetry, Reason: ReasonTimeout}
	case errors.As(err, &untrusted):
		// The wrong roots, a wrong endpoint or someone in between: no retry of
		// one push helps, and no token is to blame.
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonUntrusted}
	case errors.As(err, &dial):
		return push.Result{Class: push.ClassProviderDown, Reason: ReasonUnreachable}
	default:
		return push.Result{Class: push.ClassRetry, Reason: ReasonConnectionLost}
	}
}
