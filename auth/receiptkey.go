package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/nightbell/nightbell/fault"
)

// receiptInfo separates this use of the instance secret from all others.
const receiptInfo = "nightbell receipt keys v1"

// receiptKeys makes the keys with which the parts of an app that may hold no
// living session report receipts. They are derived, not stored.
type receiptKeys struct{ secret []byte }

func newReceiptKeys(secret []byte) receiptKeys {
	key, err := hkdf.Key(sha256.New, secret, nil, receiptInfo, sha256.Size)
	if err != nil {
		panic("auth: deriving the receipt keys: " + err.Error()) // cannot be, with this length
	}
	return receiptKeys{key}
}

// of is the key of a device while it is this user's: who takes a phone over
// gets another key, and the former owner's is void.
func (r receiptKeys) of(userID, deviceID string) string {
	mac := hmac.New(sha256.New, r.secret)
	mac.Write([]byte(deviceID + "\x00" + userID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ReceiptKey is the key with which a device of this user reports receipts, and
// does nothing else. It is the same each time, so it may be shown again.
func (s *Service) ReceiptKey(userID, deviceID string) string {
	return s.receipts.of(userID, deviceID)
}

// VerifyReceiptKey tells whether key is that of a device, whose user the caller
// has looked up: a device that is removed has none. Refusals are
// receipt_key_invalid, account_disabled and session_ended (no such user).
func (s *Service) VerifyReceiptKey(ctx context.Context, userID, deviceID, key string) (Principal, error) {
	if !hmac.Equal([]byte(key), []byte(s.receipts.of(userID, deviceID))) {
		return Principal{}, ErrReceiptKey()
	}
	u, err := s.enabledUser(ctx, userID)
	if err != nil {
		return Principal{}, err
	}
	return Principal{UserID: u.ID, Name: u.Name, Role: u.Role}, nil
}

// ErrReceiptKey refuses a key that is not, or no longer, a device's.
func ErrReceiptKey() error {
	return fault.New(fault.Unauthenticated, "receipt_key_invalid", "this is not the receipt key of a registered device; register the device again to get its key")
}
