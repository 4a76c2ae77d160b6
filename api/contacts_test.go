package api

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/oncall"
	"github.com/nightbell/nightbell/push"
)

// book is the registry of addresses and the carriers in memory.
type book struct {
	mu        sync.Mutex
	known     []push.Device
	hashes    map[string][]byte
	codes     []string // as sent
	rules     map[string][]oncall.Rule
	sendFails error
	refuses   error  // what the challenge fails with
	asked     func() // while a challenge is on its way; may be nil
}

func newBook() *book { return &book{hashes: map[string][]byte{}, rules: map[string][]oncall.Rule{}} }

func (b *book) Contacts(_ context.Context, userID string) (out []push.Device, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.known {
		if d.UserID == userID {
			out = append(out, d)
		}
	}
	return out, nil
}

func (b *book) find(userID, id string) *push.Device {
	for i := range b.known {
		if b.known[i].ID == id && b.known[i].UserID == userID {
			return &b.known[i]
		}
	}
	return nil
}

func (b *book) Contact(_ context.Context, userID, id string) (push.Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.find(userID, id); d != nil {
		return *d, nil
	}
	return push.Device{}, none("contact method")
}

func (b *book) AddContact(_ context.Context, d push.Device) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known = append(b.known, d)
	return nil
}

func (b *book) ChangeContact(_ context.Context, userID, id string, change func(*push.Device) error) (push.Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.find(userID, id)
	if d == nil {
		return push.Device{}, none("contact method")
	}
	err := change(d)
	return *d, err
}

func (b *book) RemoveContact(_ context.Context, userID, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.find(userID, id) == nil {
		return none("contact method")
	}
	b.known = slices.DeleteFunc(b.known, func(d push.Device) bool { return d.ID == id })
	return nil
}

func (b *book) KeepCode(_ context.Context, d push.Device, hash []byte, _, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hashes[d.ID] = hash
	return nil
}

func (b *book) TryCode(_ context.Context, d push.Device, hash []byte, now time.Time) (push.Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !bytes.Equal(hash, b.hashes[d.ID]) {
		return d, fault.Field("code", "bad_code", "no")
	}
	known := b.find(d.UserID, d.ID)
	known.VerifiedAt = now
	return *known, nil
}

func (b *book) Rules(_ context.Context, userID string) ([]oncall.Rule, error) {
	return b.rules[userID], nil
}

func (b *book) ReplaceRules(_ context.Context, userID string, rules []oncall.Rule) ([]oncall.Rule, error) {
	b.rules[userID] = rules
	return rules, nil
}

func (b *book) Address(method push.Provider, address string) (string, error) {
	if method == push.SMS {
		return "", fault.Field("method", "method_not_configured", "no")
	}
	return strings.ToLower(address), nil
}

func (b *book) SendCode(_ context.Context, _ push.Device, code, _ string) error {
	b.codes = append(b.codes, code)
	return b.sendFails
}

func (b *book) NewSecret(deviceID string) (shown, sealed string, err error) {
	return "whsec_" + deviceID, "sealed", nil
}

func (b *book) Challenge(context.Context, push.Device) error {
	if b.asked != nil {
		b.asked()
	}
	return b.refuses
}

// Whoever verifies sends a question to a server of their choice: one person's
// go out one after the other.
func TestOneWebhookIsAskedAtATime(t *testing.T) {
	t.Parallel()
	h := open(t)
	var c ContactMethod
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"webhook","address":"https://example.com/hook"}`).into(201, &c)
	at, asked := "/v1/contact-methods/"+c.Id+"/verify", 0
	h.book.refuses = fault.New(fault.Conflict, "challenge_failed", "no")
	h.book.asked = func() {
		asked++
		h.do(t, "ana", "POST", at, `{}`).problem(429, "too_many_attempts", "")
	}
	h.do(t, "ana", "POST", at, `{}`).problem(409, "challenge_failed", "")
	h.book.asked = func() { asked++ }
	h.do(t, "ana", "POST", at, `{}`).problem(409, "challenge_failed", "")
	if asked != 2 {
		t.Errorf("%d questions went out", asked)
	}
}

func TestAnEMailAddressIsProvedByItsCode(t *testing.T) {
	t.Parallel()
	h := open(t)
	var c ContactMethod
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"email","address":"Ana@example.com","name":"work"}`).into(201, &c)
	if c.Verified || c.Address != "ana@example.com" || c.Secret != nil || c.Name != "work" || len(h.book.codes) != 1 || len(h.book.codes[0]) != 6 {
		t.Fatalf("%+v, codes %v", c, h.book.codes)
	}
	if bytes.Contains(h.book.hashes[c.Id], []byte(h.book.codes[0])) {
		t.Error("the code is kept in the clear")
	}
	at := "/v1/contact-methods/" + c.Id
	h.do(t, "ana", "POST", at+"/verify", `{}`).problem(400, "missing_field", "code")
	h.do(t, "ana", "POST", at+"/verify", `{"code":"x"}`).problem(400, "bad_code", "code")
	h.do(t, "eve", "POST", at+"/verify", `{"code":"`+h.book.codes[0]+`"}`).problem(404, "not_found", "")
	h.do(t, "ana", "POST", at+"/resend", "").into(204, nil)
	h.do(t, "ana", "POST", at+"/verify", `{"code":"`+h.book.codes[1][:3]+" "+h.book.codes[1][3:]+`"}`).into(200, &c)
	if !c.Verified || !c.VerifiedAt.Equal(night.Add(time.Hour)) {
		t.Errorf("%+v", c)
	}
	h.do(t, "ana", "POST", at+"/verify", `{}`).into(200, &c)
	h.do(t, "ana", "POST", at+"/resend", "").problem(409, "no_code_needed", "")
	h.do(t, "ana", "POST", at+"/rotate-secret", "").problem(409, "no_secret", "")
	var list ContactMethodList
	if h.do(t, "ana", "GET", "/v1/contact-methods", "").into(200, &list); len(list.Items) != 1 {
		t.Errorf("%d contact methods", len(list.Items))
	}
	h.do(t, "eve", "DELETE", at, "").problem(404, "not_found", "")
	h.do(t, "ana", "DELETE", at, "").into(204, nil)
}

func TestAWebhookIsProvedByAChallengeAndItsSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	var c ContactMethod
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"webhook","address":"https://hooks.example.com/a"}`).into(201, &c)
	if c.Secret == nil || len(h.book.codes) != 0 || h.book.known[0].Keys.Secret != "sealed" {
		t.Fatalf("%+v", c)
	}
	at := "/v1/contact-methods/" + c.Id
	h.book.refuses = fault.New(fault.Conflict, "challenge_failed", "no")
	h.do(t, "ana", "POST", at+"/verify", `{}`).problem(409, "challenge_failed", "")
	h.do(t, "ana", "POST", at+"/verify", `{"code":"123456"}`).problem(400, "bad_code", "code")
	h.do(t, "ana", "POST", at+"/resend", "").problem(409, "no_code_needed", "")
	h.book.refuses = nil
	c = ContactMethod{}
	if h.do(t, "ana", "POST", at+"/verify", `{}`).into(200, &c); !c.Verified || c.Secret != nil {
		t.Errorf("%+v", c)
	}
	c = ContactMethod{}
	if h.do(t, "ana", "POST", at+"/rotate-secret", "").into(200, &c); c.Secret == nil || !c.Verified {
		t.Errorf("%+v", c)
	}
	if k := h.book.known[0].Keys; k.Former != "sealed" || !k.FormerUntil.Equal(night.Add(25*time.Hour)) {
		t.Errorf("%+v", k)
	}
}

func TestAnAddressThatCannotBeProvedIsNotKept(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.book.sendFails = errors.New("535 5.7.8")
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"email","address":"ana@example.com"}`).problem(503, "code_not_sent", "")
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"sms","address":"+4915112345678"}`).problem(400, "method_not_configured", "method")
	h.do(t, "ana", "POST", "/v1/contact-methods", `{"method":"fax","address":"1"}`).problem(400, "bad_value", "method")
	if len(h.book.known) != 0 {
		t.Errorf("%+v", h.book.known)
	}
}

func TestTheLadderIsReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	h := open(t)
	var list NotificationRuleList
	h.do(t, "ana", "PUT", "/v1/notification-rules", `{"items":[
		{"urgency":"high","method":"push","device_id":"`+h.phone.ID+`","displayed_within_seconds":20},
		{"urgency":"high","method":"email","delay_seconds":120}]}`).into(200, &list)
	want := []oncall.Rule{
		{ID: list.Items[0].Id, Urgency: "high", Method: oncall.Push, DeviceID: h.phone.ID, DisplayedWithin: 20 * time.Second},
		{ID: list.Items[1].Id, Urgency: "high", Method: oncall.Email, Delay: 2 * time.Minute},
	}
	if !slices.Equal(h.book.rules[h.ana.ID], want) {
		t.Errorf("%+v", h.book.rules)
	}
	h.do(t, "ana", "GET", "/v1/notification-rules", "").into(200, &list)
	if len(list.Items) != 2 || list.Items[1].DelaySeconds != 120 || list.Items[0].DisplayedWithinSeconds != 20 {
		t.Errorf("%+v", list)
	}
	for body, refused := range map[string][2]string{
		`{"items":[{"urgency":"high","method":"email","device_id":"` + h.phone.ID + `"}]}`:            {"unknown_device", "items.0.device_id"},
		`{"items":[{"urgency":"high","method":"push","device_id":"dev_01JQDVM4CQJ1G7Q6Y1N8R5V2KA"}]}`: {"unknown_device", "items.0.device_id"},
		`{"items":[{"urgency":"high","method":"pigeon"}]}`:                                            {"bad_value", "items.0.method"},
		`{"items":[{"urgency":"high","method":"push","displayed_within_seconds":4}]}`:                 {"bad_displayed_within", "items.0.displayed_within_seconds"},
		`{"items":[{"urgency":"high","method":"email","displayed_within_seconds":9}]}`:                {"not_displayable", "items.0.displayed_within_seconds"},
		`{"items":[{"urgency":"high","method":"push","delay":1}]}`:                                    {"unknown_field", "items.0.delay"},
	} {
		h.do(t, "ana", "PUT", "/v1/notification-rules", body).problem(400, refused[0], refused[1])
	}
	h.do(t, "ana", "PUT", "/v1/notification-rules", `{"items":[]}`).into(200, &list)
}
