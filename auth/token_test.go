package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nightbell/nightbell/id"
)

// forge writes a token by hand, as an attacker would.
func forge(t *testing.T, header, claims map[string]any, sign func(input string) []byte) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := part(header) + "." + part(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign(input))
}

// with is m with one entry changed, or taken out when v is nil.
func with(m map[string]any, k string, v any) map[string]any {
	m = maps.Clone(m)
	if m[k] = v; v == nil {
		delete(m, k)
	}
	return m
}

func TestAccessTokensNotBelieved(t *testing.T) {
	t.Parallel()
	h := open(t)
	tok := h.signIn(t)
	ours, err := h.signingKey()
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, _ := ed25519.GenerateKey(nil)
	bySelf := func(in string) []byte { return ed25519.Sign(ours.private, []byte(in)) }
	byOther := func(in string) []byte { return ed25519.Sign(foreign, []byte(in)) }
	byNobody := func(string) []byte { return nil }
	byPublicKey := func(in string) []byte { return hmacOf(ours.Public, in) }
	header := map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": ours.KID}
	claims := map[string]any{
		"iss": issuer, "aud": accessAudience, "sub": h.ana.ID, "sid": tok.SessionID, "role": "responder",
		"exp": h.clock.now().Add(time.Minute).Unix(),
	}
	if _, err := h.Authenticate(t.Context(), forge(t, header, claims, bySelf)); err != nil {
		t.Fatalf("the token that the others are made from is refused: %v", err)
	}
	for _, c := range []struct {
		name   string
		header map[string]any
		claims map[string]any
		sign   func(string) []byte
		code   string
	}{
		{"alg none", with(header, "alg", "none"), claims, byNobody, "token_invalid"},
		{"alg HS256 with our public key as secret", with(header, "alg", "HS256"), claims, byPublicKey, "token_invalid"},
		{"alg HS256 with the key of our buttons", with(header, "alg", "HS256"), claims, func(in string) []byte { return hmacOf(ours.action, in) }, "token_invalid"},
		{"no signature", header, claims, byNobody, "token_invalid"},
		{"foreign kid", with(header, "kid", "somebody-elses-k"), claims, byOther, "token_invalid"},
		{"foreign key under our kid", header, claims, byOther, "token_invalid"},
		{"no kid", with(header, "kid", nil), claims, bySelf, "token_invalid"},
		{"kid of another type", with(header, "kid", 7), claims, bySelf, "token_invalid"},
		{"other audience", header, with(claims, "aud", "another-service"), bySelf, "token_invalid"},
		{"no audience", header, with(claims, "aud", nil), bySelf, "token_invalid"},
		{"other issuer", header, with(claims, "iss", "https://evil.example.com"), bySelf, "token_invalid"},
		{"expired", header, with(claims, "exp", h.clock.now().Unix()), bySelf, "token_expired"},
		{"no expiry", header, with(claims, "exp", nil), bySelf, "token_invalid"},
		{"unknown session", header, with(claims, "sid", "ses_unknown"), bySelf, "session_ended"},
		{"somebody else's session", header, with(claims, "sub", "usr_other"), bySelf, "token_invalid"},
	} {
		_, err := h.Authenticate(t.Context(), forge(t, c.header, c.claims, c.sign))
		wantCode(t, c.name, err, c.code)
	}
	for token, code := range map[string]string{
		"": "token_missing", "x": "token_invalid", "a.b.c": "token_invalid", tok.Refresh: "token_invalid",
		strings.Repeat("a", maxToken+1): "token_invalid", tok.Access + "A": "token_invalid",
	} {
		_, err := h.Authenticate(t.Context(), token)
		wantCode(t, token, err, code)
	}
}

func hmacOf(key []byte, in string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(in))
	return m.Sum(nil)
}

// What everybody may know, or what signs something else, makes no button.
func TestActionTokensNotBelieved(t *testing.T) {
	t.Parallel()
	h := open(t)
	ours, err := h.signingKey()
	if err != nil {
		t.Fatal(err)
	}
	header := map[string]any{"alg": "HS256", "kid": ours.KID}
	claims := map[string]any{
		"iss": issuer, "aud": actionAudience, "sub": h.ana.ID, "jti": id.New(id.Delivery) + ".acknowledge",
		"inc": id.New(id.Incident), "dev": id.New(id.Device), "exp": h.clock.now().Add(time.Minute).Unix(),
	}
	if _, _, err := h.VerifyAction(t.Context(), forge(t, header, claims, func(in string) []byte { return hmacOf(ours.action, in) })); err != nil {
		t.Fatalf("the token that the others are made from is refused: %v", err)
	}
	for name, token := range map[string]string{
		"our public key as secret": forge(t, header, claims, func(in string) []byte { return hmacOf(ours.Public, in) }),
		"our private key":          forge(t, with(header, "alg", "EdDSA"), claims, func(in string) []byte { return ed25519.Sign(ours.private, []byte(in)) }),
		"no key at all":            forge(t, header, claims, func(in string) []byte { return hmacOf(nil, in) }),
		"alg none":                 forge(t, with(header, "alg", "none"), claims, func(string) []byte { return nil }),
		"a foreign kid":            forge(t, with(header, "kid", "somebody-elses-k"), claims, func(in string) []byte { return hmacOf(nil, in) }),
		"the access audience":      forge(t, header, with(claims, "aud", accessAudience), func(in string) []byte { return hmacOf(ours.action, in) }),
	} {
		_, _, err := h.VerifyAction(t.Context(), token)
		wantCode(t, name, err, "token_invalid")
	}
}

func (h *house) button(t *testing.T, change func(*ActionClaims)) (string, ActionClaims) {
	t.Helper()
	a := ActionClaims{
		Name: "acknowledge", IncidentID: id.New(id.Incident), DeliveryID: id.New(id.Delivery),
		UserID: h.ana.ID, DeviceID: id.New(id.Device), ExpiresAt: h.clock.now().Add(time.Hour),
	}
	if change != nil {
		change(&a)
	}
	token, err := h.SignAction(a)
	if err != nil {
		t.Fatal(err)
	}
	return token, a
}

func TestActionTokenRoundTrip(t *testing.T) {
	t.Parallel()
	h := open(t)
	token, want := h.button(t, nil)
	got, who, err := h.VerifyAction(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if who.UserID != h.ana.ID || who.Name != "Ana" || who.SessionID != "" {
		t.Errorf("principal %+v", who)
	}
	// Two of them share a 4096-byte payload with everything else.
	if len(token) > 480 {
		t.Errorf("the token has %d bytes, too many for a push", len(token))
	}
}

func TestActionTokensEnd(t *testing.T) {
	t.Parallel()
	h := open(t)
	token, _ := h.button(t, nil)
	long, _ := h.button(t, func(a *ActionClaims) { a.ExpiresAt = time.Time{} })
	h.clock.pass(time.Hour)
	ended, _, err := h.VerifyAction(t.Context(), token)
	if err != nil || ended.ExpiresAt.After(h.clock.now()) {
		t.Errorf("after its notification it is for the desk to say: %+v, %v", ended, err)
	}
	_, _, err = h.VerifyAction(t.Context(), token+"A")
	wantCode(t, "ended, and tampered with", err, "token_invalid")
	if _, _, err := h.VerifyAction(t.Context(), long); err != nil {
		t.Errorf("a notification without an end: %v", err)
	}
	ana := h.ana
	ana.Disabled = true
	h.store.users[ana.ID] = ana
	_, _, err = h.VerifyAction(t.Context(), long)
	wantCode(t, "of a disabled user", err, "account_disabled")
	delete(h.store.users, ana.ID)
	_, _, err = h.VerifyAction(t.Context(), long)
	wantCode(t, "of a user who is gone", err, "session_ended")
	h.store.users[ana.ID] = h.ana
	h.clock.pass(MaxActionLife)
	ended, _, err = h.VerifyAction(t.Context(), long)
	if err != nil || ended.ExpiresAt.After(h.clock.now()) {
		t.Errorf("after the longest life: %+v, %v", ended, err)
	}
}

func TestTokensDoNotPassForEachOther(t *testing.T) {
	t.Parallel()
	h := open(t)
	tok := h.signIn(t)
	button, _ := h.button(t, nil)
	_, err := h.Authenticate(t.Context(), button)
	wantCode(t, "an action token as access token", err, "token_invalid")
	_, _, err = h.VerifyAction(t.Context(), tok.Access)
	wantCode(t, "an access token as action token", err, "token_invalid")
}

func TestActionTokensWithWrongIDs(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, change := range map[string]func(*ActionClaims){
		"no delivery":               func(a *ActionClaims) { a.DeliveryID = "" },
		"no action":                 func(a *ActionClaims) { a.Name = "" },
		"a device for the incident": func(a *ActionClaims) { a.IncidentID = a.DeviceID },
		"no device":                 func(a *ActionClaims) { a.DeviceID = "" },
	} {
		token, _ := h.button(t, change)
		_, _, err := h.VerifyAction(t.Context(), token)
		wantCode(t, name, err, "token_invalid")
	}
}

func FuzzVerify(f *testing.F) {
	s := New(Config{Store: newMemory(), Secret: testSecret, Issuer: issuer})
	if err := s.Prepare(f.Context()); err != nil {
		f.Fatal(err)
	}
	good, err := s.SignAction(ActionClaims{Name: "resolve", IncidentID: id.New(id.Incident), DeliveryID: id.New(id.Delivery), UserID: id.New(id.User), DeviceID: id.New(id.Device)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := s.Authenticate(t.Context(), token); err == nil {
			t.Errorf("%q is believed", token)
		}
		if _, _, err := s.VerifyAction(t.Context(), token); err == nil {
			t.Errorf("%q is believed, for a user who does not exist", token)
		}
	})
}
