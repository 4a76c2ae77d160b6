package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// encodeSealed writes sealed bytes as text.
func encodeSealed(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decodeSealed(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("reading a sealed secret: %w", err)
	}
	return b, nil
}

// codeKey keys the hashes of the codes that prove addresses.
func codeKey(secret []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "nightbell contact codes v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of the codes: %w", err)
	}
	return key, nil
}
