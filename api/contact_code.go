package api

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

// codeFor is how long a code is good for.
const codeFor = 10 * time.Minute

// sendCode makes a code and sends it to the address. It counts before it is
// sent, or a slow carrier would let somebody ask for hundreds.
func (s *server) sendCode(ctx context.Context, d push.Device) error {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return fmt.Errorf("making a code: %w", err)
	}
	code, now := fmt.Sprintf("%06d", n), s.now()
	if err := s.Contacts.KeepCode(ctx, d, s.printed(d.ID, code), now, now.Add(codeFor)); err != nil {
		return err
	}
	who, err := s.Auth.User(ctx, d.UserID)
	if err != nil {
		return err
	}
	if err := s.Carriers.SendCode(ctx, d, code, who.Locale); err != nil {
		return fault.Wrap(err, fault.Unavailable, "code_not_sent", "the code could not be sent (%v); look at the address and try again later", err)
	}
	return nil
}

// tryCode compares a code with the one that was sent.
func (s *server) tryCode(ctx context.Context, d push.Device, code string) (push.Device, error) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1 // as people copy it
		}
		return r
	}, code)
	if code == "" {
		return d, fault.Field("code", "missing_field", "send the code of six digits that was sent to the address")
	}
	return s.Contacts.TryCode(ctx, d, s.printed(d.ID, code), s.now())
}

// printed is what the database keeps of a code. It is keyed: a million codes
// are hashed in a moment by whoever has the database alone.
func (s *server) printed(contactID, code string) []byte {
	mac := hmac.New(sha256.New, s.CodeKey)
	mac.Write([]byte(contactID + "\x00" + code))
	return mac.Sum(nil)
}
