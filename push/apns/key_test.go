package apns_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push/apns"
)

func pkcs8(t *testing.T, key any, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	good, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err384 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	tests := []struct {
		name, says string
		file       []byte
	}{
		{"Apple's", "", pkcs8(t, good, err)},
		{"empty", "not a PEM file", nil},
		{"a word", "not a PEM file", []byte("secret")},
		{"RSA", "*rsa.PrivateKey", pkcs8(t, rsaKey, errRSA)},
		{"Ed25519", "ed25519.PrivateKey", pkcs8(t, ed, errEd)},
		{"another curve", "P-384", pkcs8(t, p384, err384)},
		{"certificate", "push certificate", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
		{"encrypted", "passphrase", []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")},
		{"public", `"PUBLIC KEY"`, []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")},
		{"damaged", "damaged", []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := apns.ParseKey(tt.file)
			if tt.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !fault.Is(err, "bad_apns_key") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want a sentence with %q", err, tt.says)
			}
		})
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := apns.App{Name: "ios", Topic: "a.b", TeamID: "T", KeyID: "K", KeyPEM: pkcs8(t, nilErr(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), nil)}
	tests := []struct {
		says   string
		change func(*apns.Config)
	}{
		{"has no name", func(c *apns.Config) { c.Apps[0].Name = "" }},
		{"has no topic", func(c *apns.Config) { c.Apps[0].Topic = " " }},
		{"has no team_id", func(c *apns.Config) { c.Apps[0].TeamID = "" }},
		{"has no key_id", func(c *apns.Config) { c.Apps[0].KeyID = "" }},
		{"production and sandbox", func(c *apns.Config) { c.Apps[0].Environments = []string{"staging"} }},
		{"app ios: the APNs key cannot be used", func(c *apns.Config) { c.Apps[0].KeyPEM = []byte("x") }},
		{"must be https://", func(c *apns.Config) { c.Endpoints = map[string]string{"sandbox": "http://x"} }},
	}
	for _, tt := range tests {
		cfg := apns.Config{Apps: []apns.App{good}}
		tt.change(&cfg)
		if _, err := apns.New(cfg); err == nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v, want a sentence with %q", err, tt.says)
		}
	}
}

func nilErr[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
