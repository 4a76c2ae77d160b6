package auth_test

import (
	"bytes"
	"testing"

	"github.com/nightbell/nightbell/auth"
)

func TestAVaultOpensOnlyWhatItSealedUnderThatName(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("s"), 32)
	v := auth.NewVault(secret, "push apps")
	sealed := v.Seal("webpush/web", []byte("key"))
	if bytes.Contains(sealed, []byte("key")) || bytes.Equal(sealed, v.Seal("webpush/web", []byte("key"))) {
		t.Error("the sealed bytes show the key, or that two keys are the same")
	}
	if got, err := auth.NewVault(secret, "push apps").Open("webpush/web", sealed); err != nil || string(got) != "key" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for what, open := range map[string]func() ([]byte, error){
		"another name":    func() ([]byte, error) { return v.Open("webpush/web2", sealed) },
		"another purpose": func() ([]byte, error) { return auth.NewVault(secret, "webhooks").Open("webpush/web", sealed) },
		"another secret":  func() ([]byte, error) { return auth.NewVault([]byte("other"), "push apps").Open("webpush/web", sealed) },
		"a changed byte":  func() ([]byte, error) { return v.Open("webpush/web", changed) },
		"nothing":         func() ([]byte, error) { return v.Open("webpush/web", nil) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opened %q", what, got)
		}
	}
}
