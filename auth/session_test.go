package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
)

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	tok, err := h.SignIn(t.Context(), Login{Email: "  Ana@Example.COM ", Password: anaPassword, Label: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.Authenticate(t.Context(), tok.Access)
	if err != nil {
		t.Fatal(err)
	}
	want := Principal{UserID: h.ana.ID, Name: "Ana", Role: Responder, SessionID: tok.SessionID, ExpiresAt: h.clock.now().Add(AccessLife)}
	if p != want {
		t.Errorf("principal %+v, want %+v", p, want)
	}
	if err := h.SignOut(t.Context(), tok.SessionID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Authenticate(t.Context(), tok.Access)
	wantCode(t, "access after sign-out", err, "session_ended")
	_, err = h.Refresh(t.Context(), tok.Refresh)
	wantCode(t, "refresh after sign-out", err, "session_ended")
	if err := h.SignOut(t.Context(), tok.SessionID); err != nil {
		t.Errorf("signing out twice: %v", err)
	}
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	h := open(t)
	gone := h.ana
	gone.ID, gone.Email, gone.Disabled = "usr_gone", "gone@example.com", true
	oidc := h.ana
	oidc.ID, oidc.Email, oidc.PasswordHash = "usr_oidc", "oidc@example.com", ""
	h.store.users[gone.ID], h.store.users[oidc.ID] = gone, oidc
	for _, c := range []struct{ name, email, password, code string }{
		{"wrong password", "ana@example.com", "wrong horse", "bad_credentials"},
		{"unknown email", "eve@example.com", anaPassword, "bad_credentials"},
		{"no password set", "oidc@example.com", "", "bad_credentials"},
		{"no password set, some given", "oidc@example.com", anaPassword, "bad_credentials"},
		{"disabled, wrong password", "gone@example.com", "wrong horse", "bad_credentials"},
		{"disabled, right password", "gone@example.com", anaPassword, "account_disabled"},
		{"nothing", "", "", "bad_credentials"},
	} {
		_, err := h.SignIn(t.Context(), Login{Email: c.email, Password: c.password, Address: c.name})
		wantCode(t, c.name, err, c.code)
	}
	if len(h.store.sessions) != 0 {
		t.Errorf("%d sessions were opened", len(h.store.sessions))
	}
}

// An unknown email must cost as much hashing as a known one.
func TestNobodysHashCostsAsMuch(t *testing.T) {
	t.Parallel()
	p, _, _, err := argon2id.DecodeHash(nobodysHash)
	if err != nil || *p != *passwordCost() {
		t.Errorf("nobodysHash costs %+v, %v; want %+v", p, err, passwordCost())
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	h := open(t)
	guess := func(password, address string) error {
		_, err := h.SignIn(t.Context(), Login{Email: "ana@example.com", Password: password, Address: address})
		return err
	}
	for range attemptsFromHere {
		wantCode(t, "guess", guess("wrong horse", "198.51.100.7"), "bad_credentials")
	}
	wantCode(t, "right password, too late", guess(anaPassword, "198.51.100.7"), "too_many_attempts")
	if err := guess(anaPassword, "192.0.2.1"); err != nil {
		t.Errorf("Ana at home is locked out: %v", err)
	}
	h.clock.pass(attemptWindow + time.Second)
	if err := guess(anaPassword, "198.51.100.7"); err != nil {
		t.Errorf("after the window: %v", err)
	}
	// Somebody else guesses from one's address, at many names.
	for range attemptsOnAddress - 1 {
		if _, err := h.store.CountLogin(t.Context(), attemptKey("address", "203.0.113.9"), h.clock.now(), h.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	// A whole office comes in by it: what is good is not counted, and takes none
	// of what was counted away.
	for range 3 {
		if err := guess(anaPassword, "203.0.113.9"); err != nil {
			t.Errorf("one more of the office: %v", err)
		}
	}
	wantCode(t, "the last guess", guess("wrong horse", "203.0.113.9"), "bad_credentials")
	wantCode(t, "an address with too many", guess(anaPassword, "203.0.113.9"), "too_many_attempts")
}

func TestAttemptKeysHoldNoSecrets(t *testing.T) {
	t.Parallel()
	for _, l := range attemptLimits(Login{Email: "my-password-by-mistake", Address: "192.0.2.1"}) {
		if strings.Contains(l.key, "password") || strings.Contains(l.key, "192") {
			t.Errorf("key %q shows what was typed", l.key)
		}
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	h := open(t)
	tok := h.signIn(t)
	for range 3 {
		h.clock.pass(time.Hour)
		next, err := h.Refresh(t.Context(), tok.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		if next.Refresh == tok.Refresh || next.SessionID != tok.SessionID {
			t.Fatalf("refresh gave %+v after %+v", next, tok)
		}
		if _, err := h.Authenticate(t.Context(), next.Access); err != nil {
			t.Fatal(err)
		}
		tok = next
	}
	_, err := h.Refresh(t.Context(), "nbr_of_somebody_else")
	wantCode(t, "unknown token", err, "refresh_invalid")
}

// The phone's answer was lost in a tunnel: the old token still works for half
// a minute, any number of times, and never later.
func TestRefreshGraceForALostAnswer(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.signIn(t)
	if _, err := h.Refresh(t.Context(), first.Refresh); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(RefreshGrace / 2)
	again, err := h.Refresh(t.Context(), first.Refresh)
	if err != nil {
		t.Fatalf("within the grace: %v", err)
	}
	h.clock.pass(RefreshGrace/2 + time.Second)
	if _, err := h.Refresh(t.Context(), again.Refresh); err != nil {
		t.Fatalf("the token given in the grace: %v", err)
	}
	_, err = h.Refresh(t.Context(), first.Refresh)
	wantCode(t, "after the grace, counted from the first use", err, "refresh_reused")
}

func TestRefreshReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	h := open(t)
	stolen := h.signIn(t)
	current, err := h.Refresh(t.Context(), stolen.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Authenticate(t.Context(), current.Access); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(RefreshGrace + time.Second)
	_, err = h.Refresh(t.Context(), stolen.Refresh)
	wantCode(t, "the thief", err, "refresh_reused")
	_, err = h.Refresh(t.Context(), current.Refresh)
	wantCode(t, "the owner's token of the same family", err, "session_ended")
	_, err = h.Authenticate(t.Context(), current.Access)
	wantCode(t, "the owner's access token, on this node at once", err, "session_ended")
	if why := h.store.sessions[current.SessionID].RevokedWhy; why != "reuse" {
		t.Errorf("revoked for %q, want reuse", why)
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		tok := h.signIn(t)
		h.clock.pass(RefreshIdle)
		_, err := h.Refresh(t.Context(), tok.Refresh)
		wantCode(t, "an app unused for two months", err, "session_ended")
	})
	t.Run("old", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		tok := h.signIn(t)
		var err error
		for err == nil {
			if tok.RefreshExpiresAt.After(h.store.sessions[tok.SessionID].ExpiresAt) {
				t.Fatalf("a refresh token outlives its session: %v", tok.RefreshExpiresAt)
			}
			h.clock.pass(RefreshIdle / 2)
			if err := h.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			tok, err = h.Refresh(t.Context(), tok.Refresh)
		}
		wantCode(t, "after a year", err, "session_ended")
	})
	t.Run("disabled", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		tok := h.signIn(t)
		ana := h.ana
		ana.Disabled = true
		h.store.users[ana.ID] = ana
		_, err := h.Refresh(t.Context(), tok.Refresh)
		wantCode(t, "a disabled user's refresh", err, "account_disabled")
		_, err = h.Authenticate(t.Context(), tok.Access)
		wantCode(t, "a disabled user's access", err, "session_ended")
	})
}

// Who is behind a session is remembered for a moment, and no longer.
func TestOtherNodesLearnOfSignOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	other := h.node(t, testSecret)
	tok := h.signIn(t)
	for range 50 {
		if _, err := other.Authenticate(t.Context(), tok.Access); err != nil {
			t.Fatal(err)
		}
	}
	if h.store.reads != 1 {
		t.Errorf("50 requests read the session %d times, want once", h.store.reads)
	}
	if err := h.SignOut(t.Context(), tok.SessionID); err != nil {
		t.Fatal(err)
	}
	h.clock.pass(sessionCacheFor)
	_, err := other.Authenticate(t.Context(), tok.Access)
	wantCode(t, "on the other node, after the cache's time", err, "session_ended")
}

// TestASessionEndedElsewhereIsForgottenHere: another node's sign-out is felt
// as soon as somebody asks for the ended ones, before the cache runs out.
func TestASessionEndedElsewhereIsForgottenHere(t *testing.T) {
	t.Parallel()
	h := open(t)
	tokens := h.signIn(t)
	if _, err := h.Authenticate(t.Context(), tokens.Access); err != nil {
		t.Fatal(err)
	}
	if err := h.store.RevokeSession(t.Context(), tokens.SessionID, "signed_out", h.clock.now()); err != nil {
		t.Fatal(err)
	}
	if ended, err := h.Ended(t.Context()); err != nil || len(ended) != 1 || ended[0] != tokens.SessionID {
		t.Errorf("%v, %v", ended, err)
	}
	_, err := h.Authenticate(t.Context(), tokens.Access)
	wantCode(t, "its access token", err, "session_ended")
}
