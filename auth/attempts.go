package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/fault"
)

// Limits on failed sign-ins within [attemptWindow], counted in the store so
// that all nodes share them. The first is narrow, so that nobody guesses; the
// others are wide, so that nobody can lock somebody else out from one place
// and a team behind one address can sign in.
const (
	attemptWindow     = 15 * time.Minute
	attemptsFromHere  = 10  // one email from one address
	attemptsOnEmail   = 100 // one email from anywhere
	attemptsOnAddress = 200 // any email from one address
)

// MaxAttempts is the widest of the limits: a store counts at least one beyond
// it, and may stop counting there.
const MaxAttempts = attemptsOnAddress

type attemptLimit struct {
	key   string
	limit int
	// forgiven limits are cleared by a good sign-in. Of the address's only that
	// sign-in itself is taken back, so that a whole office may come in by one
	// address: one's own account must not buy guesses at others'.
	forgiven bool
}

func attemptLimits(l Login) []attemptLimit {
	return []attemptLimit{
		// First, because it is the only key that a guesser cannot make up: over
		// this limit, no row is written for the others.
		{attemptKey("address", l.Address), attemptsOnAddress, false},
		{attemptKey("here", l.Email, l.Address), attemptsFromHere, true},
		{attemptKey("email", l.Email), attemptsOnEmail, true},
	}
}

// attemptKey is a hash: people type passwords into the wrong field.
func attemptKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return parts[0] + ":" + hex.EncodeToString(h.Sum(nil)[:16])
}

// countAttempt takes each attempt for a failure until it has succeeded, so
// that a hundred at once do not all find the counter at zero.
func (s *Service) countAttempt(ctx context.Context, l Login, now time.Time) error {
	for _, a := range attemptLimits(l) {
		n, err := s.store.CountLogin(ctx, a.key, now, now.Add(-attemptWindow))
		if err != nil {
			return fmt.Errorf("counting sign-ins: %w", err)
		}
		if n > a.limit {
			return fault.New(fault.TooMany, "too_many_attempts",
				"too many failed sign-ins; wait 15 minutes and try again, or ask an administrator for a new password")
		}
	}
	return nil
}

// forgiveAttempts is for an attempt, counted at that moment, that was good.
func (s *Service) forgiveAttempts(ctx context.Context, l Login, counted time.Time) error {
	for _, a := range attemptLimits(l) {
		var err error
		if a.forgiven {
			err = s.store.ClearLogins(ctx, a.key)
		} else {
			err = s.store.UncountLogin(ctx, a.key, counted)
		}
		if err != nil {
			return fmt.Errorf("clearing failed sign-ins: %w", err)
		}
	}
	return nil
}
