package app

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestOnlyTrustedProxiesNameTheirClients fails to sign in until the caller is
// locked out, and then comes from elsewhere by X-Forwarded-For.
func TestOnlyTrustedProxiesNameTheirClients(t *testing.T) {
	for name, tc := range map[string]struct {
		trusted   []string
		elsewhere int // the answer to another client of the same peer
	}{
		"trusted":        {[]string{"127.0.0.0/8"}, http.StatusUnauthorized},
		"not configured": {nil, http.StatusTooManyRequests},
		"another proxy":  {[]string{"10.0.0.7"}, http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			c := testConfig(t)
			c.TrustedProxies = tc.trusted
			a, _ := startApp(t, c)
			defer stopApp(t, a) // before the goroutines are counted
			for range 10 {
				if got := signInFrom(t, a, "203.0.113.9"); got != http.StatusUnauthorized {
					t.Fatalf("a wrong password is answered %d", got)
				}
			}
			if got := signInFrom(t, a, "203.0.113.9"); got != http.StatusTooManyRequests {
				t.Errorf("the eleventh is answered %d, want 429", got)
			}
			if got := signInFrom(t, a, "198.51.100.1"); got != tc.elsewhere {
				t.Errorf("another client is answered %d, want %d", got, tc.elsewhere)
			}
		})
	}
}

// signInFrom fails to sign in as a proxy's client, and gives the answer's status.
func signInFrom(t *testing.T, a *App, client string) int {
	t.Helper()
	body := strings.NewReader(`{"email":"eve@example.com","password":"a wrong one"}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/v1/sessions", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", client)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
