package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Reasons of our own, beside wire's.
const (
	ReasonForbidden = "forbidden_address"
	ReasonRedirect  = "redirected"
	ReasonUnsigned  = "secret_unreadable"
	ReasonPlain     = "plain_http"
)

// Config says how webhooks are posted.
type Config struct {
	// Guard keeps the operator's networks out of reach.
	Guard wire.Guard
	// Open opens the sealed secret of an address.
	Open func(sealed, deviceID string) (string, error)
	// Roots are the trusted authorities; nil: the system's.
	Roots *x509.CertPool
	// Timeout bounds one exchange; 10 s.
	Timeout time.Duration
	// PerHost is the most connections to one receiver; 4.
	PerHost int
	Now     func() time.Time
}

// Sender posts letters. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *http.Client
	// plain is for addresses without TLS, which lead into the operator's networks.
	plain *http.Client
}

// New makes a sender; it connects to nobody.
func New(c Config) *Sender {
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.PerHost <= 0 {
		c.PerHost = 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Sender{
		cfg: c, client: c.Guard.Client(&tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}, c.Timeout, c.PerHost),
		plain: plain(c.Guard).Client(nil, c.Timeout, c.PerHost),
	}
}

// Close drops the idle connections.
func (s *Sender) Close() {
	s.client.CloseIdleConnections()
	s.plain.CloseIdleConnections()
}

// Send implements push.Sender.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	if m.Letter == nil {
		return push.Result{Class: push.ClassPayloadBug, Reason: "no_letter"}
	}
	text, err := body(m)
	if err != nil {
		return push.Result{Class: push.ClassPayloadBug, Reason: "unwritable"}
	}
	secrets, err := s.secrets(m)
	if err != nil {
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonUnsigned}
	}
	status, header, _, err := s.post(ctx, m.Token, m.DeliveryID, secrets, text)
	if err != nil {
		return failed(ctx, err)
	}
	r := push.Result{Class: push.ClassifyWebhook(status), Status: status, Reason: strings.ToLower(http.StatusText(status))}
	switch {
	case r.Class == push.ClassAccepted:
		r.Reason = ""
	case status >= 300 && status < 400:
		r.Reason = ReasonRedirect
	case r.Class == push.ClassRetry || r.Class == push.ClassDeviceThrottled:
		r.RetryAfter = wire.RetryAfter(header.Get("Retry-After"), s.cfg.Now())
	}
	return r
}

// secrets are what a letter is signed with: the newest, and the one before it
// while it still counts.
func (s *Sender) secrets(m push.Message) ([]string, error) {
	newest, err := s.cfg.Open(m.Keys.Secret, m.Letter.DeviceID)
	if err != nil {
		return nil, err
	}
	all := []string{newest}
	if m.Keys.Former != "" && s.cfg.Now().Before(m.Keys.FormerUntil) {
		former, err := s.cfg.Open(m.Keys.Former, m.Letter.DeviceID)
		if err != nil {
			return nil, err
		}
		all = append(all, former)
	}
	return all, nil
}

// post makes one signed request and reads the beginning of its answer.
func (s *Sender) post(ctx context.Context, address, id string, secrets []string, text []byte) (int, http.Header, []byte, error) {
	now := s.cfg.Now()
	signature, err := Sign(secrets, id, now, text)
	if err != nil {
		return 0, nil, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Nightbell")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", signature)
	client := s.client
	if req.URL.Scheme == "http" {
		client = s.plain
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	// A receiver that acted and then spoils its answer has acted all the same.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, wire.AnswerLimit))
	return resp.StatusCode, resp.Header, answer, nil
}

// failed sorts an exchange without an answer. Trouble with one receiver says
// nothing of the others, so the lane is never blamed.
func failed(ctx context.Context, err error) push.Result {
	r := wire.Failure(ctx, err)
	switch {
	case errors.Is(err, wire.ErrForbidden):
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonForbidden}
	case errors.Is(err, wire.ErrPlain):
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonPlain}
	case r.Class == push.ClassConfigBroken:
		r.Class = push.ClassTokenSuspect // its certificate
	case r.Class == push.ClassProviderDown:
		r.Class = push.ClassRetry
	}
	return r
}

// Challenge asks the receiver at an address to prove that it wants to be one:
// it must answer 2xx and give the challenge back, as JSON {"challenge": …} or
// as the plain text. The refusal is a sentence for the address's owner.
func (s *Sender) Challenge(ctx context.Context, address, deviceID, secret string) error {
	challenge := rand.Text()
	text, err := json.Marshal(map[string]string{
		"id": deviceID, "type": "webhook.verification", "challenge": challenge, "contact_method_id": deviceID,
	})
	if err != nil {
		return fmt.Errorf("writing a challenge: %w", err)
	}
	status, _, answer, err := s.post(ctx, address, deviceID, []string{secret}, text)
	refuse := func(format string, args ...any) error {
		return fault.New(fault.Conflict, "challenge_failed", format, args...)
	}
	switch {
	case errors.Is(err, wire.ErrForbidden):
		return refuse("the address leads into a network that is not on the public internet; the operator can let it through with webhook.allow_networks")
	case errors.Is(err, wire.ErrPlain):
		return refuse("the address leads out of the operator's own networks, where only https:// is spoken; remove it and add the https:// one")
	case err != nil:
		return refuse("the webhook could not be reached (%s); look at its address and certificate, then verify again", failed(ctx, err).Reason)
	case status < 200 || status > 299:
		return refuse("the webhook answered %d; it must answer 200 with the challenge it was sent", status)
	case !echoed(answer, challenge):
		return refuse(`the webhook did not give the challenge back; it must answer {"challenge":"…"} with the text it was sent`)
	}
	return nil
}

func echoed(answer []byte, challenge string) bool {
	var said struct {
		Challenge string `json:"challenge"`
	}
	text := strings.TrimSpace(string(answer))
	if json.Unmarshal(answer, &said) == nil {
		text = said.Challenge
	}
	return subtle.ConstantTimeCompare([]byte(text), []byte(challenge)) == 1
}
