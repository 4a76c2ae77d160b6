package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/nightbell/nightbell/auth"
	"github.com/nightbell/nightbell/id"
	"github.com/nightbell/nightbell/incident"
)

// Mail scanners follow links: opening one, however often, changes nothing.
func TestOpeningALinkDoesNothingAndItsButtonActs(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.button(auth.ActionClaims{Name: "acknowledge"})
	const token = "button-acknowledge"
	for _, method := range []string{"GET", "HEAD", "GET"} {
		a := h.form(t, method, "/act?token="+token, "")
		if a.Code != http.StatusOK || len(h.desk.commands) != 0 {
			t.Fatalf("%s: %d, and %d commands", method, a.Code, len(h.desk.commands))
		}
		if method == "GET" && (!strings.Contains(a.Body.String(), `<form method="post" action="/act">`) || !strings.Contains(a.Body.String(), token)) {
			t.Errorf("the page cannot be used: %s", a.Body)
		}
		for header, want := range map[string]string{"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
			if got := a.Header().Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		policy := a.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.Contains(policy, "form-action 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %s", policy)
		}
	}
	a := h.form(t, "POST", "/act", url.Values{"token": {token}}.Encode())
	if a.Code != http.StatusOK || len(h.desk.commands) != 1 || h.desk.incidents[0].Status != incident.Acknowledged {
		t.Fatalf("%d: %s", a.Code, a.Body)
	}
	if again := h.form(t, "POST", "/act", url.Values{"token": {token}}.Encode()); again.Code != http.StatusOK || !strings.Contains(again.Body.String(), "Ya estaba atendido, por Ana.") {
		t.Errorf("twice: %d: %s", again.Code, again.Body)
	}
}

func TestLinksThatDoNotCount(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/act", "", 401},
		{"GET", "/act?token=x", "", 401},
		{"POST", "/act", "token=x", 401},
		{"POST", "/act", "token=%zz", 400},
		{"POST", "/act", "token=" + strings.Repeat("a", maxForm), 413},
	} {
		a := h.form(t, c.method, c.path, c.body)
		if a.Code != c.status || !strings.HasPrefix(a.Header().Get("Content-Type"), "text/html") || strings.Contains(a.Body.String(), "<form") {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.Code, a.Body)
		}
	}
	if a := h.form(t, "DELETE", "/act", ""); a.Code != 405 {
		t.Errorf("DELETE: %d", a.Code)
	}
	h.button(auth.ActionClaims{Name: "resolve"})
	h.desk.incidents[0].Title = `<img src=x onerror=alert(1)>`
	if a := h.form(t, "GET", "/act?token=button-resolve", ""); strings.Contains(a.Body.String(), "<img") {
		t.Error("markup of others is on the page")
	}
}

// A link that was good once, or was sent to an address that is gone, tells
// nothing of the incident: mail lies about for years.
func TestOldLinksTellNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.button(auth.ActionClaims{Name: "acknowledge", ExpiresAt: night})
	h.button(auth.ActionClaims{Name: "resolve", DeviceID: id.New(id.Device)})
	for token, status := range map[string]int{"button-acknowledge": 401, "button-resolve": 403} {
		a := h.form(t, "GET", "/act?token="+token, "")
		if a.Code != status || strings.Contains(a.Body.String(), h.inc.Title) || strings.Contains(a.Body.String(), "<form") {
			t.Errorf("%s: %d %s", token, a.Code, a.Body)
		}
	}
}

// form asks as a browser does.
func (h *house) form(t *testing.T, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
