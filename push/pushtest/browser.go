package pushtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/nightbell/nightbell/push"
)

// Browser is a subscribed browser, as PushSubscription.toJSON() shows it.
type Browser struct {
	Endpoint string    `json:"endpoint"`
	Keys     push.Keys `json:"keys"`
	Device   Device    `json:"-"`
}

// subscription is the browser's private half.
type subscription struct {
	server  string // the public key it subscribed with, base64url
	private *ecdh.PrivateKey
	auth    []byte
}

const browserPath = "/push/"

// NewBrowser subscribes a browser with a server's public key (base64url), as
// PushManager.subscribe does. Only pushes signed with that key reach it.
func (e *Emulator) NewBrowser(publicKey, name string) (Browser, error) {
	point, err := base64.RawURLEncoding.DecodeString(publicKey)
	if err != nil || len(point) != 65 {
		return Browser{}, fmt.Errorf("%q is no applicationServerKey: it must be 65 bytes in base64url", publicKey)
	}
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return Browser{}, fmt.Errorf("making a browser's key: %w", err)
	}
	s := &subscription{server: publicKey, private: private, auth: make([]byte, 16)}
	if _, err := rand.Read(s.auth); err != nil {
		return Browser{}, fmt.Errorf("making a browser's secret: %w", err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	b := Browser{
		Endpoint: e.WebPushURL() + browserPath + randomHex(24),
		Keys:     push.Keys{P256DH: b64(private.PublicKey().Bytes()), Auth: b64(s.auth)},
	}
	b.Device = Device{Provider: push.WebPush, App: "web", Token: b.Endpoint, Name: name}
	e.mu.Lock()
	e.devices[deviceKey{push.WebPush, b.Endpoint}] = &device{Device: b.Device, keep: e.cfg.History, browser: s}
	e.mu.Unlock()
	e.changed.raise()
	return b, nil
}

// browserAt finds a browser by its endpoint, or by the last part of it, which
// fits into a path of the control API.
func (e *Emulator) browserAt(token string) *device {
	if d := e.device(push.WebPush, token); d != nil {
		return d
	}
	return e.device(push.WebPush, e.WebPushURL()+browserPath+token)
}

func (e *Emulator) postBrowser(r *http.Request) (any, error) {
	var in struct {
		PublicKey string `json:"public_key"`
		Name      string `json:"name"`
	}
	if err := readJSON(r, &in); err != nil {
		return nil, err
	}
	return e.NewBrowser(in.PublicKey, in.Name)
}

// Leave closes a browser: what is pushed to it is kept until [Emulator.Return].
// It reports whether there is such a browser.
func (e *Emulator) Leave(endpoint string) bool {
	d := e.browserAt(endpoint)
	if d == nil {
		return false
	}
	d.mu.Lock()
	d.away = true
	d.mu.Unlock()
	return true
}

// Return opens it again: it gets what was kept, oldest first.
func (e *Emulator) Return(endpoint string) {
	d := e.browserAt(endpoint)
	if d == nil {
		return
	}
	d.mu.Lock()
	kept := d.kept
	d.away, d.kept = false, nil
	d.mu.Unlock()
	for _, p := range kept {
		e.deliver(d, p)
	}
}

// Kept is what a browser's push service holds for it while it is away.
func (e *Emulator) Kept(endpoint string) []Push {
	d := e.browserAt(endpoint)
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.kept)
}

// keepLocked stores a push for a browser that is away: one of a topic replaces
// the one before (RFC 8030, 5.4), and one without a lifetime is lost (5.2).
func (d *device) keepLocked(p Push) {
	if p.TTL == "0" {
		return
	}
	d.kept = slices.DeleteFunc(d.kept, func(old Push) bool { return p.Topic != "" && old.Topic == p.Topic })
	if len(d.kept) < d.keep {
		d.kept = append(d.kept, p)
	}
}

// open decrypts a body as a browser does (RFC 8291, 3.4; RFC 8188, 2).
func (s *subscription) open(body []byte) ([]byte, error) {
	const header = 16 + 4 + 1 + 65
	if len(body) < header+16+1 {
		return nil, fmt.Errorf("the body has %d bytes; header, key, delimiter and tag alone are %d", len(body), header+17)
	}
	if body[20] != 65 {
		return nil, fmt.Errorf("the header's key has %d bytes instead of 65", body[20])
	}
	record := body[header:]
	if size := binary.BigEndian.Uint32(body[16:20]); int64(size) <= int64(len(record)) {
		return nil, fmt.Errorf("the record size %d must be greater than the only record, %d bytes", size, len(record))
	}
	theirs, err := ecdh.P256().NewPublicKey(body[21:header])
	if err != nil {
		return nil, fmt.Errorf("the header's key is no point of P-256: %w", err)
	}
	aead, nonce, err := s.contentKey(theirs, body[:16])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, record, nil)
	if err != nil {
		return nil, errors.New("the record does not decrypt with this browser's keys")
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return nil, errors.New("the record does not end as a last record does (a byte 2, then zeros)")
	}
	return plain[:len(plain)-1], nil
}

// contentKey derives the record's key and nonce.
func (s *subscription) contentKey(theirs *ecdh.PublicKey, salt []byte) (cipher.AEAD, []byte, error) {
	shared, err := s.private.ECDH(theirs)
	if err != nil {
		return nil, nil, err
	}
	var derived [][]byte
	ikm, err := hkdf.Key(sha256.New, shared, s.auth, "WebPush: info\x00"+string(s.private.PublicKey().Bytes())+string(theirs.Bytes()), 32)
	if err != nil {
		return nil, nil, err
	}
	for info, size := range map[string]int{"Content-Encoding: aes128gcm\x00": 16, "Content-Encoding: nonce\x00": 12} {
		k, err := hkdf.Key(sha256.New, ikm, salt, info, size)
		if err != nil {
			return nil, nil, err
		}
		derived = append(derived, k)
	}
	slices.SortFunc(derived, func(a, b []byte) int { return len(b) - len(a) }) // the key is the longer one
	block, err := aes.NewCipher(derived[0])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, derived[1], err
}

// inBrowser does what our service worker does with a push: showNotification
// with the payload's own options.
func (p Push) inBrowser() (Notification, bool) {
	var body struct {
		Title, Body, Tag string
		Renotify, Silent bool
		Actions          []struct{ Action string }
		Nightbell        struct {
			Kind       string            `json:"kind"`
			IncidentID string            `json:"incident_id"`
			DeliveryID string            `json:"delivery_id"`
			Server     string            `json:"server"`
			Actions    map[string]string `json:"actions"`
		}
	}
	if json.Unmarshal(p.Payload, &body) != nil || body.Title == "" {
		return Notification{}, false
	}
	n := Notification{
		Key: body.Tag, At: p.At, Title: body.Title, Body: body.Body, Level: "active", Rings: !body.Silent, Thread: body.Nightbell.IncidentID,
		Server: body.Nightbell.Server, Kind: body.Nightbell.Kind, IncidentID: body.Nightbell.IncidentID, DeliveryID: body.Nightbell.DeliveryID,
	}
	if body.Silent {
		n.Level = "passive"
	}
	for _, a := range body.Actions {
		if token := body.Nightbell.Actions[a.Action]; token != "" {
			n.Buttons = append(n.Buttons, Button{Name: strings.ToLower(a.Action), Token: token})
		}
	}
	return n, true
}
