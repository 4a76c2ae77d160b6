package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// errSealed says no more, because there is no more to know: the secret, the
// name or the bytes are not those that were sealed.
var errSealed = errors.New("it was sealed with another instance secret, or for something else, or it was changed")

// Vault seals what the database must keep but not know, such as the keys of
// push providers. Each purpose has a key of its own, derived from the instance
// secret, so that what was sealed for one opens for no other. It is safe for
// concurrent use.
type Vault struct{ aead cipher.AEAD }

// NewVault makes the vault of one purpose, a short name that never changes.
func NewVault(secret []byte, purpose string) Vault {
	return Vault{newAEAD(secret, "nightbell "+purpose+" v1")}
}

// newAEAD derives a sealing key: HKDF-SHA256 (RFC 5869) to AES-256-GCM with
// random nonces. None of the steps can fail with these lengths.
func newAEAD(secret []byte, info string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, secret, nil, info, 32)
	if err != nil {
		panic("auth: deriving a sealing key: " + err.Error())
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("auth: deriving a sealing key: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("auth: deriving a sealing key: " + err.Error())
	}
	return aead
}

// Seal encrypts plain under a name: the row it belongs to, and whatever public
// part must not be exchanged. It opens only under the same name.
func (v Vault) Seal(name string, plain []byte) []byte {
	return v.aead.Seal(nil, nil, plain, []byte(name))
}

// Open gives back what was sealed under the name. The error says nothing of
// the content.
func (v Vault) Open(name string, sealed []byte) ([]byte, error) {
	plain, err := v.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
