package webpush

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nightbell/nightbell/push"
	"github.com/nightbell/nightbell/push/wire"
)

// Reasons of our own, beside wire's.
const (
	ReasonEndpoint     = "endpoint_not_allowed"
	ReasonKeys         = "malformed_keys"
	ReasonExpired      = "expired_before_send"
	ReasonTooLarge     = "payload_over_3993"
	ReasonEncryption   = "not_encrypted"
	ReasonTokenSigning = "vapid_unsigned"
	ReasonPrivate      = "private_address"
	ReasonBusy         = "too_many_push_services"
)

// maxTTL is the longest any push service keeps a message.
const maxTTL = 28 * 24 * time.Hour

// Send encrypts m to its browser, hands it to the browser's push service and
// waits for the answer. The only repeat is that of a stream which was never
// processed.
func (s *Sender) Send(ctx context.Context, m push.Message) push.Result {
	now := s.cfg.Now()
	to, err := s.cfg.Hosts.parse(m.Token)
	if err != nil {
		// Registered under another configuration: that one must register again.
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonEndpoint}
	}
	browser, err := readKeys(m.Keys)
	switch {
	case err != nil:
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonKeys}
	case !m.ExpiresAt.IsZero() && !now.Before(m.ExpiresAt):
		return push.Result{Class: push.ClassRetry, Reason: ReasonExpired}
	case len(m.Body) > MaxPlain:
		return push.Result{Class: push.ClassTooLarge, Reason: ReasonTooLarge}
	}
	body, err := browser.encrypt(m.Body)
	if err != nil {
		s.cfg.Log.Error("a push could not be encrypted", "delivery", m.DeliveryID, "error", err)
		return push.Result{Class: push.ClassRetry, Reason: ReasonEncryption}
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	return s.deliver(ctx, to, m, body)
}

func (s *Sender) deliver(ctx context.Context, to target, m push.Message, body []byte) push.Result {
	o, err := s.borrow(to)
	if err != nil {
		return s.failure(ctx, to, err)
	}
	defer s.giveBack(o)
	select {
	case o.flight <- struct{}{}:
		defer func() { <-o.flight }()
	case <-ctx.Done():
		return wire.Failure(ctx, ctx.Err())
	}
	authorization, err := o.tokens.authorization()
	if err != nil {
		s.cfg.Log.Error("the Web Push key does not sign", "error", err)
		return push.Result{Class: push.ClassConfigBroken, Reason: ReasonTokenSigning}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url.String(), bytes.NewReader(body))
	if err != nil {
		return push.Result{Class: push.ClassTokenSuspect, Reason: ReasonEndpoint}
	}
	headers(req.Header, m, s.cfg.Now(), authorization)
	resp, err := o.roundTrip(req)
	if err != nil {
		return s.failure(ctx, to, err)
	}
	said, err := io.ReadAll(resp.Body) // bounded and in memory already
	_ = resp.Body.Close()
	if err != nil {
		return wire.Failure(ctx, err)
	}
	return result(resp, said, s.cfg.Now())
}

// headers are those of RFC 8030, 5, and RFC 8292, 3.
func headers(h http.Header, m push.Message, now time.Time, authorization string) {
	h.Set("Authorization", authorization)
	h.Set("Content-Encoding", "aes128gcm")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("TTL", strconv.FormatInt(ttl(m.ExpiresAt, now), 10))
	h.Set("Urgency", urgency(m))
	if m.CollapseID != "" {
		h.Set("Topic", Topic(m.CollapseID))
	}
}

// ttl is how long the service may keep the message, in seconds; 0 means "now
// or never", which a message without an end gets.
func ttl(expires, now time.Time) int64 {
	if expires.IsZero() {
		return 0
	}
	return int64(min(max(expires.Sub(now), 0), maxTTL) / time.Second)
}

// urgency is the least battery at which the phone is still to be disturbed
// (RFC 8030, 5.3): pages always, what quiets them unless it is nearly empty,
// and what only rewrites when it costs little.
func urgency(m push.Message) string {
	switch {
	case m.High:
		return "high"
	case m.Kind == push.Settle:
		return "normal"
	default:
		return "low"
	}
}

// Topic is the name under which the push service keeps only the newest message
// for a browser that is away: 32 characters of base64url, the most there may
// be, and nothing to learn from.
func Topic(collapseID string) string {
	sum := sha256.Sum256([]byte(collapseID))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// failure sorts an exchange that brought no answer.
func (s *Sender) failure(ctx context.Context, to target, err error) push.Result {
	switch {
	case errors.Is(err, wire.ErrForbidden):
		// Our own resolver or network: the subscription is not to blame.
		s.cfg.Log.Error("a push service's name leads to an address that is not public; nothing was sent", "host", to.url.Host, "error", err)
		return push.Result{Class: push.ClassRetry, Reason: ReasonPrivate}
	case errors.Is(err, errTooManyOrigins):
		return push.Result{Class: push.ClassRetry, Reason: ReasonBusy}
	}
	return wire.Failure(ctx, err)
}

// result sorts an answer. Only the push service itself can have given it: the
// connection is TLS to a host of the list.
func result(resp *http.Response, body []byte, now time.Time) push.Result {
	reason := reasonOf(resp.Header, body)
	r := push.Result{
		Class: push.ClassifyWebPush(resp.StatusCode, reason), Status: resp.StatusCode, Reason: reason,
		RetryAfter: wire.RetryAfter(resp.Header.Get("Retry-After"), now),
	}
	if r.Class == push.ClassAccepted {
		return push.Result{Class: r.Class, Status: r.Status, ProviderID: messageID(resp.Header.Get("Location"))}
	}
	if r.Reason == "" {
		r.Reason = "http_" + strconv.Itoa(resp.StatusCode)
	}
	return r
}

// messageID is the name of the accepted message: the end of its address. The
// whole address could be used to delete it, and does not belong into a log.
func messageID(location string) string {
	return word(location[strings.LastIndexByte(location, '/')+1:])
}

// mismatches are how push services say that a subscription was made with
// another key: FCM's sentence, Mozilla's sentence, Apple's word.
var mismatches = []string{
	"do not correspond to the credentials used to create the subscription",
	"vapid public key mismatch",
	"vapidpkhashmismatch",
}

// reasonOf finds the service's own word: Apple's and Mozilla's bodies are JSON,
// WNS puts it into a header, FCM writes a sentence.
func reasonOf(h http.Header, body []byte) string {
	said := strings.ToLower(string(body[:min(len(body), 4096)]))
	for _, m := range mismatches {
		if strings.Contains(said, m) {
			return push.VAPIDMismatch
		}
	}
	var known struct {
		Reason string `json:"reason"` // Apple
		Errno  int    `json:"errno"`  // Mozilla
	}
	if json.Unmarshal(body, &known) == nil {
		if w := word(known.Reason); w != "" {
			return w
		}
		if known.Errno > 0 && known.Errno < 1000 {
			return "errno_" + strconv.Itoa(known.Errno)
		}
	}
	return word(h.Get("X-WNS-Status"))
}

// word keeps a code of sensible length and letters.
func word(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}
