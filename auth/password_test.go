package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nightbell/nightbell/fault"
)

func TestPasswordRoundTrip(t *testing.T) {
	t.Parallel()
	const pw = "corréct horse battery"
	hash, err := HashPassword(pw)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q is not the PHC string we document", hash)
	}
	for _, c := range []struct {
		name, hash, pw string
		want           bool
	}{
		{"right", hash, pw, true},
		{"wrong", hash, pw + "x", false},
		{"empty", hash, "", false},
		{"no password set", "", pw, false},
		{"longer than any password", hash, strings.Repeat("a", MaxPassword+1), false},
	} {
		got, err := VerifyPassword(c.hash, c.pw)
		if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	again, err := HashPassword(pw)
	if err != nil || again == hash {
		t.Errorf("the same password hashed twice must differ by its salt (%v)", err)
	}
}

func TestHashPasswordRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, pw, code string }{
		{"short", "1234567", "password_too_short"},
		{"long", strings.Repeat("a", MaxPassword+1), "password_too_long"},
		{"no text", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "password_not_text"},
	} {
		if _, err := HashPassword(c.pw); !fault.Is(err, c.code) {
			t.Errorf("%s: got %v, want code %s", c.name, err, c.code)
		}
	}
}

// A hash from a setup file must not be able to buy gigabytes of hashing.
func TestVerifyPasswordRefusesForeignHashes(t *testing.T) {
	t.Parallel()
	const tail = "$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4Q4w"
	for _, hash := range []string{
		"plaintext", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=19456,t=2$x",
		"$argon2id$v=19$m=4194304,t=2,p=1" + tail,
		"$argon2id$v=19$m=19456,t=4000000,p=1" + tail,
		"$argon2id$v=19$m=19456,t=0,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=0" + tail,
	} {
		if ok, err := VerifyPassword(hash, "anything at all"); ok || err == nil {
			t.Errorf("%q: got %v, %v; want an error", hash, ok, err)
		}
	}
}

func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := make(gate, 1)
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that left: got %v", err)
		}
		if _, err := g.enter(t.Context()); !fault.Is(err, "login_busy") {
			t.Errorf("a full house: got %v, want login_busy", err)
		}
		leave()
		if _, err := g.enter(t.Context()); err != nil {
			t.Errorf("after somebody left: %v", err)
		}
	})
}
