package apns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func newTokens(t *testing.T, now *time.Time) *tokens {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &tokens{team: "TEAM", keyID: "KEY", key: key, now: func() time.Time { return *now }}
}

func TestAFleetMakesTheSameToken(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 2, 1, 0, 0, time.UTC)
	one := newTokens(t, &now)
	later := now.Add(28 * time.Minute) // another node, started later in the slot
	two := &tokens{team: one.team, keyID: one.keyID, key: one.key, now: func() time.Time { return later }}
	a, errA := one.get()
	b, errB := two.get()
	if a != b || errA != nil || errB != nil {
		t.Errorf("%q %v\n%q %v", a, errA, b, errB)
	}
	claims := jwt.MapClaims{}
	token, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(a, claims, func(*jwt.Token) (any, error) { return &one.key.PublicKey, nil })
	if err != nil || token.Header["kid"] != "KEY" || token.Header["alg"] != "ES256" || claims["iss"] != "TEAM" ||
		claims["iat"] != float64(now.Truncate(slot).Unix()) {
		t.Errorf("%v %v %v", token.Header, claims, err)
	}
}

func TestTokenAges(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 2, 25, 0, 0, time.UTC)
	now := start
	tk := newTokens(t, &now)
	at := func(minutes int) string {
		now = start.Add(time.Duration(minutes) * time.Minute)
		token, err := tk.get()
		if err != nil {
			t.Fatal(err)
		}
		if age := now.Sub(tk.issued); age >= time.Hour || age < -time.Minute {
			t.Fatalf("after %d minutes the token is %s old", minutes, age)
		}
		return token
	}
	first := at(0) // of the slot 02:00
	if at(19) != first {
		t.Error("the next slot has begun, but the token is 19 minutes in use")
	}
	second := at(20)
	if second == first {
		t.Error("20 minutes in use and a new slot: time for a new one")
	}
	if at(39) != second {
		t.Error("03:04: a new slot, but the token is 19 minutes in use")
	}
	third := at(40)
	if third == second || at(64) != third || at(65) == third {
		t.Error("from then on it changes with the slots: 03:30")
	}
}

func TestRenewRespectsTheRest(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	tk := newTokens(t, &now)
	first, err := tk.get()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(19*time.Minute + 59*time.Second)
	if _, err := tk.renew(first); !errors.Is(err, errTooSoon) {
		t.Errorf("too soon: %v", err)
	}
	now = now.Add(time.Second)
	second, err := tk.renew(first)
	if err != nil || second == first {
		t.Errorf("renewed: %v", err)
	}
	again, err := tk.renew(first)
	if err != nil || again != second {
		t.Errorf("another caller with the old one gets the new one: %v", err)
	}
	if got, err := tk.get(); err != nil || got != second {
		t.Errorf("and it stays: %v", err)
	}
}

// Apple says that the token changed too often: the one before it does until
// Apple would call it old.
func TestTooNewATokenGivesWayToTheOneBefore(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 2, 5, 0, 0, time.UTC)
	now := start
	tk := newTokens(t, &now)
	get := func() string {
		token, err := tk.get()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := get()
	if _, ok := tk.older(first); ok {
		t.Error("there is none before the first")
	}
	now = start.Add(30 * time.Minute) // 02:35: the slot 02:30 has begun
	second := get()
	if second == first {
		t.Fatal("the token did not change with the slot")
	}
	if got, ok := tk.older(second); !ok || got != first {
		t.Error("the one before is not used again")
	}
	if got, ok := tk.older(second); !ok || got != first {
		t.Error("another caller with the newer one is not given the older")
	}
	if now = start.Add(49 * time.Minute); get() != first {
		t.Error("02:54: the older is still good, and the newer was refused")
	}
	now = start.Add(50 * time.Minute)
	if third := get(); third == first {
		t.Error("02:55: the older is about to end")
	} else if _, ok := tk.older(third); ok {
		t.Error("going back to one that is about to end")
	}
}
