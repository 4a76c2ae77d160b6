package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealInfo separates this use of the instance secret from all others.
const sealInfo = "nightbell signing keys v1"

// sealer keeps private keys unreadable, and rows unforgeable, for whoever can
// read or write the database but does not have the instance secret.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the sealing key: HKDF-SHA256 (RFC 5869) to AES-256-GCM.
// None of the steps can fail with these lengths.
func newSealer(secret []byte) sealer { return newSealerFor(secret, sealInfo) }

// newSealerFor derives the key of another use.
func newSealerFor(secret []byte, info string) sealer {
	key, err := hkdf.Key(sha256.New, secret, nil, info, 32)
	if err != nil {
		panic("auth: deriving the sealing key: " + err.Error())
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("auth: deriving the sealing key: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("auth: deriving the sealing key: " + err.Error())
	}
	return sealer{aead}
}

// seal binds the private half to its kid and public half.
func (s sealer) seal(kid string, private ed25519.PrivateKey) []byte {
	return s.aead.Seal(nil, nil, private.Seed(), sealedFor(kid, private.Public().(ed25519.PublicKey)))
}

// open gives the private key back, and refuses a row whose kid or public half
// was changed: otherwise writing a public key into the table would be enough
// to sign in as anybody.
func (s sealer) open(k SigningKey) (ed25519.PrivateKey, error) {
	seed, err := s.aead.Open(nil, nil, k.Sealed, sealedFor(k.KID, k.Public))
	if err != nil {
		return nil, fmt.Errorf("opening signing key %s: %w", k.KID, err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("opening signing key %s: %w", k.KID, errors.New("wrong length"))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func sealedFor(kid string, public ed25519.PublicKey) []byte {
	return append([]byte(kid+"\x00"), public...)
}
