package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

const (
	saltSize  = 16
	pointSize = 65 // an uncompressed P-256 point
	authSize  = 16
	tagSize   = 16
	// recordSize is what the header claims (RFC 8188, 2.1). A message is a single
	// record, which only has to be smaller.
	recordSize = 4096
	headerSize = saltSize + 4 + 1 + pointSize
	// bodyLimit is what every push service takes (RFC 8030, 7.2), and MaxPlain
	// what that leaves for the payload: less header, tag and one delimiter.
	bodyLimit = 4096
	// MaxPlain is the longest payload in bytes.
	MaxPlain = bodyLimit - headerSize - tagSize - 1
	// padTo is the step that payloads are padded to, so that their length tells
	// a push service neither the title nor whether it is a page. To pad all to
	// the limit would cost a phone ten times the bytes for no more secrecy that
	// matters.
	padTo = 256
)

// subscription is a browser's public half.
type subscription struct {
	key  *ecdh.PublicKey
	auth []byte
}

// CheckKeys refuses keys that no browser made (fault.Invalid), with the field
// that is wrong.
func CheckKeys(k push.Keys) error {
	_, err := readKeys(k)
	return err
}

// readKeys reads PushSubscription.toJSON().keys. Both spellings of base64url
// are taken, with padding and without.
func readKeys(k push.Keys) (subscription, error) {
	point, err := decode(k.P256DH)
	switch {
	case err != nil:
		return subscription{}, fault.Field("keys.p256dh", "bad_keys", "p256dh is not base64url; send it as PushSubscription.toJSON() gives it")
	case len(point) != pointSize || point[0] != 4:
		return subscription{}, fault.Field("keys.p256dh", "bad_keys", "p256dh has %d bytes; it must be an uncompressed point of P-256, 65 bytes that begin with 4", len(point))
	}
	key, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return subscription{}, fault.Field("keys.p256dh", "bad_keys", "p256dh is no point of the curve P-256; send it as PushSubscription.toJSON() gives it")
	}
	auth, err := decode(k.Auth)
	switch {
	case err != nil:
		return subscription{}, fault.Field("keys.auth", "bad_keys", "auth is not base64url; send it as PushSubscription.toJSON() gives it")
	case len(auth) != authSize:
		return subscription{}, fault.Field("keys.auth", "bad_keys", "auth has %d bytes; a browser's has 16", len(auth))
	}
	return subscription{key, auth}, nil
}

// decode reads base64url, strictly but for the padding. The library skips line
// ends, and no browser writes them.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("a line end in base64")
	}
	enc := base64.RawURLEncoding
	if len(s)%4 == 0 && len(s) > 0 && s[len(s)-1] == '=' {
		enc = base64.URLEncoding
	}
	return enc.Strict().DecodeString(s)
}

// encrypt makes the request's body for one browser, with a key pair and salt
// made for this one message.
func (s subscription) encrypt(plain []byte) ([]byte, error) {
	ours, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key for one message: %w", err)
	}
	var salt [saltSize]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("making a salt: %w", err)
	}
	return s.seal(plain, padding(len(plain)), ours, salt[:])
}

// padding rounds the payload and its delimiter up to a step, as far as it fits.
func padding(plain int) int {
	used := plain + 1
	return max(0, min((used+padTo-1)/padTo*padTo, MaxPlain+1)-used)
}

// seal is RFC 8291, 3.4, and RFC 8188, 2: header and one last record.
func (s subscription) seal(plain []byte, pad int, ours *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	if len(plain)+pad > MaxPlain {
		return nil, fmt.Errorf("a payload of %d bytes does not fit into %d", len(plain)+pad, MaxPlain)
	}
	aead, nonce, err := s.keys(ours, salt)
	if err != nil {
		return nil, fmt.Errorf("deriving a message's keys: %w", err)
	}
	out := make([]byte, headerSize, headerSize+len(plain)+1+pad+tagSize)
	copy(out, salt)
	binary.BigEndian.PutUint32(out[saltSize:], recordSize)
	out[saltSize+4] = pointSize
	copy(out[saltSize+5:], ours.PublicKey().Bytes())
	record := out[headerSize : headerSize+len(plain)+1+pad]
	copy(record, plain)
	record[len(plain)] = 2 // the last record; zeros follow
	return aead.Seal(out, nonce, record, nil), nil
}

// keys derives the content's key and nonce from both sides' secrets.
func (s subscription) keys(ours *ecdh.PrivateKey, salt []byte) (cipher.AEAD, []byte, error) {
	shared, err := ours.ECDH(s.key)
	if err != nil {
		return nil, nil, err
	}
	prk, err := hkdf.Extract(sha256.New, shared, s.auth)
	if err != nil {
		return nil, nil, err
	}
	info := "WebPush: info\x00" + string(s.key.Bytes()) + string(ours.PublicKey().Bytes())
	ikm, err := hkdf.Expand(sha256.New, prk, info, 32)
	if err != nil {
		return nil, nil, err
	}
	return contentKeys(ikm, salt)
}

// contentKeys is RFC 8188, 2.2 and 2.3.
func contentKeys(ikm, salt []byte) (cipher.AEAD, []byte, error) {
	prk, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		return nil, nil, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, nonce, err
}
