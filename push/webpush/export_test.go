package webpush

import (
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
)

// receiverKeys is RFC 8291, 3.4, from the browser's side.
func receiverKeys(private *ecdh.PrivateKey, theirs *ecdh.PublicKey, auth, salt []byte) (cipher.AEAD, []byte, error) {
	shared, err := private.ECDH(theirs)
	if err != nil {
		return nil, nil, err
	}
	info := "WebPush: info\x00" + string(private.PublicKey().Bytes()) + string(theirs.Bytes())
	ikm, err := hkdf.Key(sha256.New, shared, auth, info, 32)
	if err != nil {
		return nil, nil, err
	}
	return contentKeys(ikm, salt)
}

// Origins is how many push services the sender holds connections to.
func (s *Sender) Origins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.origins)
}
