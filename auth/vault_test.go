package auth

import (
	"bytes"
	"testing"
)

func TestVaultOpensOnlyWhatItSealed(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("s"), MinSecret)
	v := NewVault(secret, "push apps")
	sealed := v.Seal([]byte("the key"), "apns/ios")
	if bytes.Contains(sealed, []byte("the key")) {
		t.Error("the secret can be read in what is stored")
	}
	if plain, err := v.Open(sealed, "apns/ios"); err != nil || string(plain) != "the key" {
		t.Errorf("opened %q, %v", plain, err)
	}
	cut := sealed[:len(sealed)-1]
	for name, open := range map[string]func() ([]byte, error){
		"another owner":   func() ([]byte, error) { return v.Open(sealed, "apns/other") },
		"another purpose": func() ([]byte, error) { return NewVault(secret, "webhooks").Open(sealed, "apns/ios") },
		"another secret": func() ([]byte, error) {
			return NewVault(bytes.Repeat([]byte("t"), MinSecret), "push apps").Open(sealed, "apns/ios")
		},
		"damaged": func() ([]byte, error) { return v.Open(cut, "apns/ios") },
		"empty":   func() ([]byte, error) { return v.Open(nil, "apns/ios") },
	} {
		if plain, err := open(); err == nil {
			t.Errorf("%s: opened as %q", name, plain)
		}
	}
}
