package webpush

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/fault"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestOneTokenForManyPushes(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	tok := &tokens{key: key, audience: "https://web.push.apple.com", subject: "mailto:ops@example.com", now: func() time.Time { return now }}
	get := func() string {
		t.Helper()
		h, err := tok.authorization()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := get()
	token, k, ok := strings.Cut(strings.TrimPrefix(first, "vapid t="), ", k=")
	if !ok || k != key.Public() {
		t.Fatalf("the header is %q", first)
	}
	point := unbase(t, k)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(func() time.Time { return now })).
		ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return public, nil })
	exp, _ := claims.GetExpirationTime()
	if err != nil || claims["aud"] != "https://web.push.apple.com" || claims["sub"] != "mailto:ops@example.com" || !exp.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("%v: %v", err, claims)
	}
	for after, same := range map[time.Duration]bool{time.Hour: true, 6*time.Hour - time.Second: true} {
		if now = noon.Add(after); (get() == first) != same {
			t.Errorf("after %s the token is another", after)
		}
	}
	now = noon.Add(6 * time.Hour)
	second := get()
	if second == first {
		t.Error("the token is not renewed at half of its life")
	}
	if now = noon; get() == second {
		t.Error("after the clock was set back, the token would be good for more than it says")
	}
}

func TestAKeyComesBackAsItWas(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := key.Bytes()
	if err != nil || len(raw) != 32 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	again, err := ParseKey(raw)
	if err != nil || again.Public() != key.Public() {
		t.Errorf("%v: another key", err)
	}
	for _, bad := range [][]byte{nil, {1}, make([]byte, 32), make([]byte, 33)} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%x was taken for a key", bad)
		}
	}
}

// Apple refuses what it cannot reach; a prefix twice was a library's bug that
// cost many a server its iPhones.
func TestSubjects(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"mailto:ops@example.com", "https://nightbell.example.com", "https://example.com/contact", "mailto:a+b@sub.example.co.uk"} {
		if err := CheckSubject(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "ops@example.com", "mailto:", "mailto:ops", "mailto:ops@localhost", "mailto:mailto:ops@", "mailto:<ops@example.com>", "mailto:a@b.com,c@d.com",
		"http://example.com", "https://localhost", "https://127.0.0.1", "https://[::1]", "https://", "https://u:p@example.com", "tel:+1", "https://example", "https://10.0.0.1:8443/",
	} {
		if err := CheckSubject(bad); !fault.Is(err, "bad_subject") {
			t.Errorf("%q: %v, want it refused", bad, err)
		}
	}
}
