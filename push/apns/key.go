package apns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"

	"github.com/nightbell/nightbell/fault"
)

// ParseKey reads the .p8 file that Apple hands out for push: a PKCS #8 PEM
// block with a P-256 key. What is something else is refused with a sentence
// that says what it is (fault.Invalid, code bad_apns_key).
func ParseKey(file []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, badKey("it is not a PEM file (it should begin with -----BEGIN PRIVATE KEY-----)")
	}
	switch block.Type {
	case "PRIVATE KEY":
	case "CERTIFICATE":
		return nil, badKey("it is a certificate; Nightbell uses a token signing key (.p8), not a push certificate")
	case "ENCRYPTED PRIVATE KEY":
		return nil, badKey("it is encrypted; give the key without a passphrase")
	default:
		return nil, badKey("it is a PEM file of the type %q instead of \"PRIVATE KEY\"", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, badKey("the file is damaged: its PEM block is not a PKCS #8 key")
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, badKey("it is a %T, and Apple's keys are elliptic curve keys; is it another service's key?", key)
	}
	if ec.Curve != elliptic.P256() {
		return nil, badKey("it is on the curve %s, and Apple's keys are on P-256", ec.Params().Name)
	}
	return ec, nil
}

func badKey(what string, args ...any) error {
	const fix = "; download the .p8 file anew from developer.apple.com, Certificates, Identifiers & Profiles, Keys"
	return fault.New(fault.Invalid, "bad_apns_key", "the APNs key cannot be used: "+what+fix, args...)
}
