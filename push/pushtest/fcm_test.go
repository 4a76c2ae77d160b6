package pushtest_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
)

const project = "nightbell-test"

// google is a bench with a service account, its access token and a phone.
type google struct {
	*bench
	account map[string]string
	bearer  string
	phone   string
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	g := &google{bench: newBench(t)}
	g.account = g.newAccount(project)
	g.bearer = g.accessToken(g.account)
	g.phone = g.em.NewDevice(push.FCM, project).Token
	return g
}

func (g *google) newAccount(project string) map[string]string {
	g.t.Helper()
	raw, err := g.em.NewServiceAccount(project)
	if err != nil {
		g.t.Fatal(err)
	}
	var a map[string]string
	if err := json.Unmarshal(raw, &a); err != nil {
		g.t.Fatal(err)
	}
	return a
}

func (g *google) assertion(account map[string]string, change func(*jwt.Token, jwt.MapClaims)) string {
	g.t.Helper()
	claims := jwt.MapClaims{
		"iss": account["client_email"], "aud": account["token_uri"], "scope": "https://www.googleapis.com/auth/firebase.messaging",
		"iat": g.now().Unix(), "exp": g.now().Add(time.Hour).Unix(),
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = account["private_key_id"]
	if change != nil {
		change(token, claims)
	}
	block, _ := pem.Decode([]byte(account["private_key"]))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		g.t.Fatal(err)
	}
	signed, err := token.SignedString(key.(*rsa.PrivateKey))
	if err != nil {
		g.t.Fatal(err)
	}
	return signed
}

func (g *google) exchange(form url.Values) reply {
	return g.do(g.client, "POST", g.em.FCMURL()+"/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form.Encode())
}

func grant(assertion string) url.Values {
	return url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
}

func (g *google) accessToken(account map[string]string) string {
	g.t.Helper()
	r := g.exchange(grant(g.assertion(account, nil)))
	var a struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		TokenType   string `json:"token_type"`
	}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || r.status != 200 || a.ExpiresIn != 3599 || a.TokenType != "Bearer" {
		g.t.Fatalf("token: %+v (%v)", r, err)
	}
	return a.AccessToken
}

func (g *google) send(body string) reply {
	return g.do(g.client, "POST", g.em.FCMURL()+"/v1/projects/"+project+"/messages:send",
		http.Header{"Authorization": {"Bearer " + g.bearer}, "Content-Type": {"application/json"}}, body)
}

// googleError is what an FCM error body says.
type googleError struct {
	Error struct {
		Code    int
		Message string
		Status  string
		Details []struct {
			Type            string `json:"@type"`
			ErrorCode       string
			FieldViolations []struct{ Field, Description string }
		}
	}
}

// words gives "STATUS/FcmErrorCode field,field".
func (r reply) words(t *testing.T) string {
	t.Helper()
	var e googleError
	if err := json.Unmarshal([]byte(r.body), &e); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	if e.Error.Code != r.status {
		t.Errorf("status %d, code %d", r.status, e.Error.Code)
	}
	var codes, fields []string
	for _, d := range e.Error.Details {
		codes = append(codes, d.ErrorCode)
		for _, v := range d.FieldViolations {
			fields = append(fields, v.Field)
		}
	}
	return e.Error.Status + "/" + strings.Join(codes, "") + " " + strings.Join(fields, ",")
}

func TestFCMAcceptsAGoodMessage(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	for _, body := range []string{
		`{"message":{"token":"TOKEN","data":{"a":"1"},"android":{"priority":"high","ttl":"300s","direct_boot_ok":true}}}`,
		`{"message":{"fid":"TOKEN","data":{"a":"1"},"android":{"priority":"NORMAL","collapseKey":"k","ttl":"3.5s"}}}`,
		`{"message":{"token":"TOKEN","notification":{"title":"x"},"android":{"notification":{"channelId":"c"}},"apns":{"payload":{"aps":{}}},"webpush":{"headers":{"TTL":"1"}}}}`,
	} {
		r := g.send(strings.ReplaceAll(body, "TOKEN", g.phone))
		if r.status != 200 || !strings.HasPrefix(r.body, `{"name":"projects/`+project+`/messages/0:`) {
			t.Errorf("%s: %+v", body, r)
		}
	}
	got := g.em.Received(g.phone)
	if len(got) != 3 || !got[0].High || got[0].TTL != "300s" || got[0].Data["a"] != "1" || got[1].High || got[1].CollapseID != "k" {
		t.Errorf("%+v", got)
	}
	r := g.send(`{"validateOnly":true,"message":{"token":"` + g.phone + `"}}`)
	if r.status != 200 || !strings.Contains(r.body, "fake_message_id") || len(g.em.Received(g.phone)) != 3 {
		t.Errorf("validation alone must not reach the phone: %+v", r)
	}
}

// TestFCMRefusals makes every refusal of a message.
func TestFCMRefusals(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	other := g.em.NewDevice(push.FCM, "other").Token
	dead := g.em.NewDevice(push.FCM, project).Token
	g.em.Kill(dead, g.now())
	tests := []struct {
		name, body string
		status     int
		words      string
	}{
		{"no JSON", `{`, 400, "INVALID_ARGUMENT/ "},
		{"an unknown field", `{"message":{"token":"@","tokken":"x"}}`, 400, "INVALID_ARGUMENT/ message"},
		{"unknown fields deep down", `{"x":1,"message":{"token":"@","android":{"ttl":"1s","prio":"high","notification":{"chan":"x"}}}}`, 400, "INVALID_ARGUMENT/ message.android.notification,message.android,"},
		{"capitals where none are", `{"message":{"Token":"T"}}`, 400, "INVALID_ARGUMENT/ message"},
		{"a field in both spellings", `{"message":{"token":"@","android":{"collapse_key":"a","collapseKey":"b"}}}`, 400, "INVALID_ARGUMENT/ message.android"},
		{"a number in data", `{"message":{"token":"@","data":{"n":1}}}`, 400, "INVALID_ARGUMENT/ message.data[n].value"},
		{"a list for a message", `{"message":[]}`, 400, "INVALID_ARGUMENT/ message"},
		{"a text for a flag", `{"message":{"token":"@","android":{"direct_boot_ok":"yes"}}}`, 400, "INVALID_ARGUMENT/ message.android.direct_boot_ok"},
		{"no message", `{}`, 400, "INVALID_ARGUMENT/ message"},
		{"no target", `{"message":{"data":{}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message"},
		{"two targets", `{"message":{"token":"@","fid":"x"}}`, 400, "INVALID_ARGUMENT/ message"},
		{"a topic", `{"message":{"topic":"all"}}`, 400, "INVALID_ARGUMENT/ message.topic"},
		{"a malformed token", `{"message":{"token":"x y"}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message.token"},
		{"a reserved key", `{"message":{"token":"@","data":{"from":"x"}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message.data"},
		{"another reserved key", `{"message":{"token":"@","data":{"google.x":"x"}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message.data"},
		{"4097 bytes", `{"message":{"token":"@","data":{"k":"` + strings.Repeat("x", 4096) + `"}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message"},
		{"priority urgent", `{"message":{"token":"@","android":{"priority":"urgent"}}}`, 400, "INVALID_ARGUMENT/ message.android.priority"},
		{"a ttl without a unit", `{"message":{"token":"@","android":{"ttl":"300"}}}`, 400, "INVALID_ARGUMENT/ message.android.ttl"},
		{"a negative ttl", `{"message":{"token":"@","android":{"ttl":"-1s"}}}`, 400, "INVALID_ARGUMENT/ message.android.ttl"},
		{"a ttl of 29 days", `{"message":{"token":"@","android":{"ttl":"2505600s"}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message.android.ttl"},
		{"an APNs priority there is not", `{"message":{"token":"@","apns":{"headers":{"apns-priority":"7"}}}}`, 400, "INVALID_ARGUMENT/INVALID_ARGUMENT message.apns.headers"},
		{"more than is read", `{"message":{"token":"` + strings.Repeat("x", 70<<10) + `"}}`, 400, "INVALID_ARGUMENT/ "},
		{"an unknown token", `{"message":{"token":"@x"}}`, 404, "NOT_FOUND/UNREGISTERED "},
		{"a dead token", `{"message":{"token":"` + dead + `"}}`, 404, "NOT_FOUND/UNREGISTERED "},
		{"another project's token", `{"message":{"token":"` + other + `"}}`, 403, "PERMISSION_DENIED/SENDER_ID_MISMATCH "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := g.send(strings.ReplaceAll(tt.body, `"@`, `"`+g.phone))
			if got := r.words(t); r.status != tt.status || got != tt.words {
				t.Errorf("got %d %q, want %d %q\n%s", r.status, got, tt.status, tt.words, r.body)
			}
		})
	}
	if n := g.em.Accepted(push.FCM); n != 0 {
		t.Errorf("%d were delivered", n)
	}
}

func TestFCMCredentials(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	body := `{"message":{"token":"` + g.phone + `"}}`
	good := g.bearer
	g.bearer = "x"
	if r := g.send(body); r.words(t) != "UNAUTHENTICATED/ " {
		t.Errorf("made up: %+v", r)
	}
	g.bearer = g.accessToken(g.newAccount("other"))
	if r := g.send(body); r.words(t) != "PERMISSION_DENIED/ " {
		t.Errorf("another project's: %+v", r)
	}
	g.bearer = good
	g.advance(time.Hour)
	if r := g.send(body); r.words(t) != "UNAUTHENTICATED/ " {
		t.Errorf("an hour old: %+v", r)
	}
	for _, path := range []string{"/v1/projects/" + project + "/messages:sendAll", "/v1/projects//messages:send", "/fcm/send"} {
		if r := g.do(g.client, "POST", g.em.FCMURL()+path, nil, body); r.status != 404 {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

func TestTokenEndpointVerifiesTheAssertion(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	stranger := newGoogle(t).account
	stranger["token_uri"] = g.account["token_uri"]
	forged := map[string]string{"private_key": stranger["private_key"]}
	for k, v := range g.account {
		if forged[k] == "" {
			forged[k] = v
		}
	}
	claim := func(name string, value any) string {
		return g.assertion(g.account, func(_ *jwt.Token, c jwt.MapClaims) { c[name] = value })
	}
	tests := []struct {
		name string
		form url.Values
		want string
	}{
		{"another grant", url.Values{"grant_type": {"refresh_token"}}, "unsupported_grant_type"},
		{"no assertion", grant(""), "invalid_grant"},
		{"an account of elsewhere", grant(g.assertion(stranger, nil)), "invalid_grant"},
		{"signed with another key", grant(g.assertion(forged, nil)), "invalid_grant"},
		{"another audience", grant(claim("aud", "https://example.com")), "invalid_grant"},
		{"another issuer", grant(claim("iss", "x@y")), "invalid_grant"},
		{"another scope", grant(claim("scope", "email")), "invalid_grant"},
		{"expired", grant(claim("exp", g.now().Add(-time.Hour).Unix())), "invalid_grant"},
		{"for two hours", grant(claim("exp", g.now().Add(2*time.Hour).Unix())), "invalid_grant"},
		{"issued tomorrow", grant(claim("iat", g.now().Add(24*time.Hour).Unix())), "invalid_grant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := g.exchange(tt.form)
			if r.status != 400 || !strings.Contains(r.body, `"error":"`+tt.want+`"`) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSeveralScopesMayBeAskedFor(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	r := g.exchange(grant(g.assertion(g.account, func(_ *jwt.Token, c jwt.MapClaims) {
		c["scope"] = "https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/cloud-platform"
	})))
	if r.status != 200 {
		t.Errorf("%+v", r)
	}
}

func TestFCMOverHTTP1(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	tr := g.client.Transport.(*http.Transport).Clone()
	tr.ForceAttemptHTTP2 = false
	tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
	g.client = &http.Client{Transport: tr}
	defer tr.CloseIdleConnections()
	if r := g.send(`{"message":{"token":"` + g.phone + `"}}`); r.status != 200 {
		t.Errorf("%+v", r)
	}
}
