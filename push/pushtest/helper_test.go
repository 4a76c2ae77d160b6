package pushtest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/pushtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bundle = "app.nightbell.ios"

// bench is an emulator, a phone, and a bare HTTP/2 client that may say
// anything to it.
type bench struct {
	t      *testing.T
	nanos  atomic.Int64
	em     *pushtest.Emulator
	app    pushtest.APNsApp
	phone  pushtest.Device
	client *http.Client
	token  string // the provider token good requests use
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t}
	b.nanos.Store(time.Date(2026, 3, 1, 2, 10, 0, 0, time.UTC).UnixNano())
	em, err := pushtest.Start(pushtest.Config{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = em.Close() })
	b.em = em
	b.app = em.NewAPNsApp(bundle)
	b.phone = em.NewDevice(push.APNs, bundle)
	b.client = b.newClient()
	b.token = b.jwt(b.app, nil)
	return b
}

// newClient has connections of its own.
func (b *bench) newClient() *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.em.RootCAs(), MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	b.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (b *bench) now() time.Time          { return time.Unix(0, b.nanos.Load()).UTC() }
func (b *bench) advance(d time.Duration) { b.nanos.Add(int64(d)) }

// jwt signs a provider token of the app.
func (b *bench) jwt(app pushtest.APNsApp, change func(t *jwt.Token, claims jwt.MapClaims)) string {
	b.t.Helper()
	claims := jwt.MapClaims{"iss": app.TeamID, "iat": b.now().Unix()}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = app.KeyID
	if change != nil {
		change(token, claims)
	}
	block, _ := pem.Decode([]byte(app.KeyPEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		b.t.Fatal(err)
	}
	signed, err := token.SignedString(key.(*ecdsa.PrivateKey))
	if err != nil {
		b.t.Fatal(err)
	}
	return signed
}

// request is an APNs request before it is sent.
type request struct {
	method, path, environment, body string
	header                          http.Header
}

func (b *bench) good() *request {
	return &request{
		method: "POST", path: "/3/device/" + b.phone.Token, environment: pushtest.Production,
		body: `{"aps":{"alert":"hello"}}`,
		header: http.Header{
			"Authorization": {"bearer " + b.token}, "Apns-Topic": {bundle}, "Apns-Push-Type": {"alert"},
			"Apns-Priority": {"10"}, "Apns-Expiration": {"0"}, "Apns-Id": {"123e4567-e89b-12d3-a456-426655440000"},
		},
	}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

// reason is APNs's word.
func (r reply) reason() string {
	var e struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal([]byte(r.body), &e)
	return e.Reason
}

func (b *bench) apns(r *request) reply {
	return b.do(b.client, r.method, b.em.APNsURL(r.environment)+r.path, r.header, r.body)
}

func (b *bench) do(c *http.Client, method, url string, header http.Header, body string) reply {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var buf bytes.Buffer
	if _, err := io.Copy(&buf, resp.Body); err != nil {
		b.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, buf.String()}
}
