package auth

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func (h *house) published(t *testing.T, s *Service) []string {
	t.Helper()
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(s.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, k := range set.Keys {
		if k["kty"] != "OKP" || k["crv"] != "Ed25519" || k["alg"] != "EdDSA" || k["use"] != "sig" || k["x"] == "" || k["d"] != "" {
			t.Errorf("key %v is not what RFC 8037 asks for", k)
		}
		kids = append(kids, k["kid"])
	}
	return kids
}

// A year of one node that looks at its keys every hour, and of a reader that
// fetches the JWKS only once a day.
func TestKeysRotateWithOverlap(t *testing.T) {
	t.Parallel()
	h := open(t)
	var known []string
	signers := map[string]bool{}
	type issued struct {
		token string
		until time.Time
	}
	var buttons []issued
	for hour := range 365 * 24 {
		if err := h.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		signer, err := h.signingKey()
		if err != nil {
			t.Fatal(err)
		}
		signers[signer.KID] = true
		if hour%24 == 0 {
			known = h.published(t, h.Service)
			token, _ := h.button(t, func(a *ActionClaims) { a.ExpiresAt = time.Time{} })
			buttons = append(buttons, issued{token, h.clock.now().Add(MaxActionLife)})
		}
		if !slices.Contains(known, signer.KID) {
			t.Fatalf("hour %d: key %s signs, but the JWKS of today did not show it", hour, signer.KID)
		}
		h.clock.pass(time.Hour)
		buttons = slices.DeleteFunc(buttons, func(b issued) bool { return !h.clock.now().Before(b.until) })
		if hour%24 == 12 {
			for _, b := range buttons {
				if _, _, err := h.VerifyAction(t.Context(), b.token); err != nil {
					t.Fatalf("hour %d: a living token is refused: %v", hour, err)
				}
			}
		}
	}
	if len(signers) < 12 || len(signers) > 13 {
		t.Errorf("%d keys signed in a year, want about one a month", len(signers))
	}
	if n := len(known); n > 3 {
		t.Errorf("%d keys are published at once", n)
	}
}

func TestManyNodesShareOneKey(t *testing.T) {
	t.Parallel()
	h := &house{store: newMemory(), clock: &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	nodes := make([]*Service, 8)
	var wg sync.WaitGroup
	for i := range nodes {
		nodes[i] = New(Config{Store: h.store, Secret: testSecret, Issuer: issuer, Now: h.clock.now})
		wg.Go(func() {
			if err := nodes[i].Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(h.store.keys) != 1 {
		t.Fatalf("%d keys were made", len(h.store.keys))
	}
	for _, n := range nodes {
		if kids := h.published(t, n); len(kids) != 1 || kids[0] != h.store.keys[0].KID {
			t.Errorf("a node publishes %v", kids)
		}
	}
}

// Down for half a year: the old key signs no more, a new one is made.
func TestKeysAfterALongSleep(t *testing.T) {
	t.Parallel()
	h := open(t)
	old, err := h.signingKey()
	if err != nil {
		t.Fatal(err)
	}
	h.clock.pass(180 * 24 * time.Hour)
	_, err = h.signingKey()
	wantCode(t, "an old key", err, "keys_not_ready")
	fresh := h.node(t, testSecret)
	k, err := fresh.signingKey()
	if err != nil || k.KID == old.KID {
		t.Errorf("after a long sleep %v signs (%v)", k, err)
	}
}

func TestAnotherSecretIsSaid(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := New(Config{Store: h.store, Secret: []byte(strings.Repeat("x", MinSecret)), Issuer: issuer, Now: h.clock.now})
	wantCode(t, "another secret", s.Prepare(t.Context()), "wrong_secret")
	if s.JWKS() != nil {
		t.Error("keys are published that could not be opened")
	}
}

// Whoever can write to the database must not be able to plant a key.
func TestForgedKeyRowsAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	strange := open(t)
	for name, change := range map[string]func(*SigningKey){
		"public half replaced": func(k *SigningKey) { k.Public = strange.store.keys[0].Public },
		"renamed":              func(k *SigningKey) { k.KID = "another-name-123" },
		"sealed half replaced": func(k *SigningKey) { k.Sealed = strange.store.keys[0].Sealed },
		"cut":                  func(k *SigningKey) { k.Sealed = k.Sealed[:8] },
	} {
		forged := h.store.keys[0]
		change(&forged)
		bent := newMemory()
		bent.keys = []SigningKey{forged}
		s := New(Config{Store: bent, Secret: testSecret, Issuer: issuer, Now: h.clock.now})
		wantCode(t, name, s.Prepare(t.Context()), "wrong_secret")
	}
}
