package pushtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nightbell/nightbell/push"
)

const (
	// webPushBody is what a push service takes (RFC 8030, 7.2).
	webPushBody = 4096
	// vapidLife is how far away a token's end may be (RFC 8292, 2).
	vapidLife = 24 * time.Hour
)

// webRefusal is an answer in the form of Mozilla's push service.
type webRefusal struct {
	status, errno int
	why           string
}

func noWeb(status, errno int, why string, args ...any) *webRefusal {
	return &webRefusal{status, errno, fmt.Sprintf(why, args...)}
}

func (r *webRefusal) answer() answer {
	body, _ := json.Marshal(map[string]any{"code": r.status, "errno": r.errno, "error": http.StatusText(r.status), "message": r.why})
	return answer{status: r.status, body: body, header: append(jsonHeader[:1:1], field("emulator-why", headerSafe(r.why)))}
}

// webAnswer is the error of a fault: Mozilla's form, or somebody else's body.
func (f *Fault) webAnswer() answer {
	a := answer{status: f.Status, body: []byte(f.Body)}
	if f.Body == "" && f.Status >= 400 {
		errno, _ := strconv.Atoi(f.Reason)
		a = noWeb(f.Status, errno, "as the fault wants").answer()
	}
	if f.Location != "" {
		a.header = append(a.header, field("location", f.Location))
	}
	return a.retryAfter(f.RetryAfter)
}

// serveWebPush is a push service's side of RFC 8030.
func (e *Emulator) serveWebPush(c *call) {
	if isControl(c.path) {
		e.work.Go(func() { e.serveControl(c) })
		return
	}
	endpoint := e.WebPushURL() + c.path
	d := e.device(push.WebPush, endpoint)
	p, no := e.readWebPush(c, d)
	if no != nil {
		e.noteRefusal(Refusal{Provider: push.WebPush, Token: endpoint, Status: no.status, Reason: "errno_" + strconv.Itoa(no.errno), Why: no.why})
		e.later(0, func() { c.reply.answer(no.answer()) })
		return
	}
	f := e.faults.take(push.WebPush, "", endpoint)
	if f != nil && e.disturb(c, f, func() { e.deliver(d, p) }, f.webAnswer) {
		return
	}
	e.deliver(d, p)
	a := answer{status: http.StatusCreated, header: append(jsonHeader[:0:0], field("location", e.WebPushURL()+"/message/"+p.ID), field("ttl", p.TTL))}
	e.later(f.latency(), func() { c.reply.answer(a) })
}

// readWebPush checks address, headers, token and body, and decrypts.
func (e *Emulator) readWebPush(c *call, d *device) (Push, *webRefusal) {
	switch {
	case c.method != http.MethodPost:
		return Push{}, noWeb(405, 0, "%s; a push is a POST", c.method)
	case d == nil:
		return Push{}, noWeb(404, 102, "there is no such subscription")
	}
	if _, dead := d.deadSince(); dead {
		return Push{}, noWeb(410, 106, "the browser unsubscribed")
	}
	if no := e.checkVAPID(c, d); no != nil {
		return Push{}, no
	}
	p := Push{Provider: push.WebPush, App: d.App, Token: d.Token, At: e.now(), ID: randomHex(16)}
	if no := readWebHeaders(c, &p); no != nil {
		return Push{}, no
	}
	if c.overlong || len(c.body) > webPushBody {
		return Push{}, noWeb(413, 104, "the body has %d bytes; %d is the most", len(c.body), webPushBody)
	}
	plain, err := d.browser.open(c.body)
	if err != nil {
		return Push{}, noWeb(400, 110, "%v", err)
	}
	p.Payload = plain
	return p, nil
}

// readWebHeaders reads the headers of RFC 8030, 5, strictly: each once.
func readWebHeaders(c *call, p *Push) *webRefusal {
	once := func(name string) (string, bool) {
		v, times := c.header(name)
		return v, times == 1
	}
	ttl, ok := once("ttl")
	seconds, err := strconv.ParseUint(ttl, 10, 31)
	if !ok || err != nil {
		return noWeb(400, 111, "TTL must be there once, a number of seconds; it is %q", ttl)
	}
	p.TTL = strconv.FormatUint(seconds, 10)
	if p.Urgency, ok = once("urgency"); !ok || !slices.Contains([]string{"very-low", "low", "normal", "high"}, p.Urgency) {
		return noWeb(400, 110, "Urgency must be very-low, low, normal or high; it is %q", p.Urgency)
	}
	p.High = p.Urgency == "high"
	topic, times := c.header("topic")
	if times > 1 || times == 1 && !isTopic(topic) {
		return noWeb(400, 113, "Topic must be at most 32 characters of base64url; it is %q", topic)
	}
	p.Topic = topic
	if encoding, ok := once("content-encoding"); !ok || encoding != "aes128gcm" {
		return noWeb(400, 110, "Content-Encoding must be aes128gcm; it is %q", encoding)
	}
	return nil
}

func isTopic(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// checkVAPID judges the Authorization header (RFC 8292, 3 and 4.2).
func (e *Emulator) checkVAPID(c *call, d *device) *webRefusal {
	value, times := c.header("authorization")
	scheme, rest, _ := strings.Cut(value, " ")
	if times != 1 || !strings.EqualFold(scheme, "vapid") {
		return noWeb(401, 109, "there must be one Authorization: vapid t=…, k=…; it is %q", value)
	}
	params := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		params[k] = v
	}
	if params["k"] != d.browser.server {
		return noWeb(403, 109, "VAPID public key mismatch: the browser subscribed with another key")
	}
	claims, err := e.vapidClaims(params["t"], params["k"])
	if err != nil {
		return noWeb(401, 109, "the VAPID token does not verify: %v", err)
	}
	return e.checkClaims(claims)
}

func (e *Emulator) checkClaims(claims jwt.RegisteredClaims) *webRefusal {
	now := e.now()
	sub, err := url.Parse(claims.Subject)
	switch {
	case claims.ExpiresAt == nil:
		return noWeb(401, 109, "the VAPID token has no exp")
	case !now.Before(claims.ExpiresAt.Time):
		return noWeb(401, 109, "the VAPID token ended at %s", claims.ExpiresAt)
	case claims.ExpiresAt.After(now.Add(vapidLife)):
		return noWeb(401, 109, "the VAPID token ends in %s; a day is the most", claims.ExpiresAt.Sub(now))
	case len(claims.Audience) != 1 || claims.Audience[0] != e.WebPushURL():
		return noWeb(401, 109, "the VAPID token is for %q, this is %s", claims.Audience, e.WebPushURL())
	case err != nil || sub.Scheme != "mailto" && sub.Scheme != "https" || sub.Opaque+sub.Host == "":
		return noWeb(403, 109, "BadJwtToken: the subject %q is neither mailto: nor https:", claims.Subject)
	}
	return nil
}

// vapidClaims checks the signature; good answers are kept, as one token serves
// thousands of pushes.
func (e *Emulator) vapidClaims(token, key string) (jwt.RegisteredClaims, error) {
	e.mu.RLock()
	claims, ok := e.vapid[token+" "+key]
	e.mu.RUnlock()
	if ok {
		return claims, nil
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return claims, fmt.Errorf("k is not base64url: %w", err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return claims, fmt.Errorf("k is no key: %w", err)
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return public, nil }); err != nil {
		return claims, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.vapid) >= keepVerified {
		clear(e.vapid)
	}
	e.vapid[token+" "+key] = claims
	return claims, nil
}
