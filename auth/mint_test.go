package auth

import (
	"testing"
	"time"
)

func TestAMintedTokenWorksUntilItsOwnEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	tok, err := h.Mint(t.Context(), " ANA@example.com", "script", 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := h.Authenticate(t.Context(), tok.Access); err != nil || p.UserID != h.ana.ID {
		t.Fatalf("principal %+v, %v", p, err)
	}
	if tok.Refresh != "" {
		t.Error("a minted token can be refreshed for ever")
	}
	h.clock.pass(2*time.Hour + time.Second)
	_, err = h.Authenticate(t.Context(), tok.Access)
	wantCode(t, "after its end", err, "token_expired")
}

func TestMintRefuses(t *testing.T) {
	t.Parallel()
	h := open(t)
	gone := h.ana
	gone.ID, gone.Email, gone.Disabled = "usr_gone", "gone@example.com", true
	h.store.users[gone.ID] = gone
	for _, c := range []struct {
		email string
		life  time.Duration
		code  string
	}{
		{"eve@example.com", time.Minute, "not_found"},
		{"gone@example.com", time.Minute, "account_disabled"},
		{"ana@example.com", 0, "bad_ttl"},
		{"ana@example.com", 25 * time.Hour, "bad_ttl"},
	} {
		_, err := h.Mint(t.Context(), c.email, "script", c.life)
		wantCode(t, c.email+" "+c.life.String(), err, c.code)
	}
	if len(h.store.sessions) != 0 {
		t.Errorf("%d sessions were opened", len(h.store.sessions))
	}
}
