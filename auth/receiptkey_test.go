package auth

import (
	"testing"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// A receipt key is its device's while that is its user's, and of no other
// instance; it is made anew each time and needs no row.
func TestReceiptKeys(t *testing.T) {
	t.Parallel()
	h := open(t)
	ana, phone := h.ana.ID, id.New(id.Device)
	key := h.ReceiptKey(ana, phone)
	if again := h.ReceiptKey(ana, phone); again != key {
		t.Errorf("made again it is %s, was %s", again, key)
	}
	who, err := h.VerifyReceiptKey(t.Context(), ana, phone, key)
	if err != nil || who.UserID != ana || who.Name != h.ana.Name || who.SessionID != "" {
		t.Errorf("the key is of %+v, %v", who, err)
	}
	elsewhere := New(Config{Store: h.store, Secret: []byte("another instance's secret, of 32+"), Issuer: issuer})
	for name, wrong := range map[string]string{
		"empty": "", "cut": key[:len(key)-1], "longer": key + "A", "of another device": h.ReceiptKey(ana, id.New(id.Device)),
		"of the device's former owner": h.ReceiptKey(id.New(id.User), phone), "of another instance": elsewhere.ReceiptKey(ana, phone),
	} {
		if _, err := h.VerifyReceiptKey(t.Context(), ana, phone, wrong); !fault.Is(err, "receipt_key_invalid") {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := h.ana
	u.Disabled = true
	h.store.users[ana] = u
	if _, err := h.VerifyReceiptKey(t.Context(), ana, phone, key); !fault.Is(err, "account_disabled") {
		t.Errorf("the key of a disabled user: %v", err)
	}
	delete(h.store.users, ana)
	if _, err := h.VerifyReceiptKey(t.Context(), ana, phone, key); !fault.Is(err, "session_ended") {
		t.Errorf("the key of nobody: %v", err)
	}
}
