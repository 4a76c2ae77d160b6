package phone

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// twilioEndpoint is Twilio's own.
const twilioEndpoint = "https://api.twilio.com"

// ringFor is how long a call rings before it counts as not answered.
const ringFor = "40"

// Account is an account with Twilio.
type Account struct {
	SID       string // AC…
	AuthToken string
	From      string // E.164
	// Base is our public address, which callbacks are signed over.
	Base string
	// Endpoint replaces Twilio's own, for a stand-in; Roots are its authorities.
	Endpoint string
	Roots    *x509.CertPool
	// Timeout bounds one request; 10 s.
	Timeout time.Duration
	Now     func() time.Time
}

// Twilio is the carrier of that name. It is safe for concurrent use.
type Twilio struct {
	account Account
	client  *http.Client
}

// NewTwilio makes the carrier; it connects to nobody.
func NewTwilio(a Account) (*Twilio, error) {
	if !strings.HasPrefix(a.SID, "AC") || strings.ContainsAny(a.SID, "/?# ") {
		return nil, errors.New("account_sid is the 34 characters that begin with AC in the Twilio console")
	}
	if a.AuthToken == "" {
		return nil, errors.New("auth_token is missing; it stands beside the account SID in the Twilio console")
	}
	from, err := Number(a.From)
	if err != nil || from != a.From {
		return nil, errors.New("from is no number in international form; write the one you have with Twilio, such as +4915112345678")
	}
	if a.Endpoint == "" {
		a.Endpoint = twilioEndpoint
	}
	if a.Timeout <= 0 {
		a.Timeout = 10 * time.Second
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: a.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, MaxConnsPerHost: 16, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: a.Timeout,
	}
	return &Twilio{a, &http.Client{
		Timeout: a.Timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops the idle connections.
func (t *Twilio) Close() { t.client.CloseIdleConnections() }

// Text implements Carrier.
func (t *Twilio) Text(ctx context.Context, to, text, statusURL string) push.Result {
	form := url.Values{"To": {to}, "From": {t.account.From}, "Body": {text}}
	if statusURL != "" {
		form.Set("StatusCallback", statusURL)
	}
	return t.create(ctx, "Messages", form)
}

// Call implements Carrier.
func (t *Twilio) Call(ctx context.Context, c Call) push.Result {
	form := url.Values{"To": {c.To}, "From": {t.account.From}, "Timeout": {ringFor}}
	if c.Script != "" {
		form.Set("Twiml", c.Script)
	} else {
		form.Set("Url", c.ScriptURL)
		form.Set("Method", http.MethodPost)
	}
	if c.StatusURL != "" {
		form.Set("StatusCallback", c.StatusURL)
		form.Set("StatusCallbackMethod", http.MethodPost)
		form["StatusCallbackEvent"] = []string{"answered", "completed"}
	}
	return t.create(ctx, "Calls", form)
}

// said is what Twilio answers: the thing made, or why not.
type said struct {
	SID     string `json:"sid"`
	Code    int    `json:"code"`
	Status  any    `json:"status"` // a word, or the HTTP status of an error
	Message string `json:"message"`
}

// create makes a message or a call.
func (t *Twilio) create(ctx context.Context, what string, form url.Values) push.Result {
	status, header, answer, err := t.ask(ctx, http.MethodPost, "/"+what+".json", form)
	if err != nil {
		return wire.Failure(ctx, err)
	}
	r := push.Result{Class: push.ClassifyTwilio(status, answer.Code), Status: status}
	switch {
	case r.Class == push.ClassAccepted:
		r.ProviderID = answer.SID
		return r
	case answer.Code != 0:
		r.Reason = strconv.Itoa(answer.Code)
	default:
		r.Reason = strings.ToLower(http.StatusText(status))
	}
	r.RetryAfter = wire.RetryAfter(header.Get("Retry-After"), t.account.Now())
	return r
}

func (t *Twilio) ask(ctx context.Context, method, path string, form url.Values) (int, http.Header, said, error) {
	address := strings.TrimSuffix(t.account.Endpoint, "/") + "/2010-04-01/Accounts/" + t.account.SID + path
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, said{}, err
	}
	req.SetBasicAuth(t.account.SID, t.account.AuthToken)
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, nil, said{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer said
	// A proxy's page in place of Twilio's JSON says only its status.
	_ = json.NewDecoder(io.LimitReader(resp.Body, wire.AnswerLimit)).Decode(&answer)
	return resp.StatusCode, resp.Header, answer, nil
}

// Check asks for the account, for the doctor.
func (t *Twilio) Check(ctx context.Context) error {
	status, _, answer, err := t.ask(ctx, http.MethodGet, ".json", nil)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("Twilio answers %d %s", status, answer.Message)
	case answer.Status != "active":
		return fmt.Errorf("the account is %v", answer.Status)
	}
	return nil
}
