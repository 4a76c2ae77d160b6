package push

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"

	"github.com/nightbell/nightbell/fault"
)

// Privacy is how much of an incident a push carries past the providers.
type Privacy string

const (
	// PrivacyFull: title, service and names. The default.
	PrivacyFull Privacy = "full"
	// PrivacyIDOnly: that there is something, and its ids; the app asks for the rest.
	PrivacyIDOnly Privacy = "id_only"
	// PrivacySealed: as id_only, and the rest encrypted to the device's key.
	PrivacySealed Privacy = "sealed"
)

// AppOptions is what an operator decides for one push app beside its keys.
type AppOptions struct {
	// Privacy; empty means full.
	Privacy Privacy `json:"privacy,omitempty" yaml:"privacy"`
	// Unlock lists the buttons (acknowledge, resolve) that need an unlocked phone.
	Unlock []string `json:"unlock,omitempty" yaml:"unlock"`
}

// Check refuses words that mean nothing.
func (o AppOptions) Check() error {
	switch o.Privacy {
	case "", PrivacyFull, PrivacyIDOnly, PrivacySealed:
	default:
		return fault.Field("privacy", "bad_privacy", "%q is none of full, id_only and sealed", string(o.Privacy))
	}
	for _, action := range o.Unlock {
		if action != actionAcknowledge && action != actionResolve {
			return fault.Field("unlock", "bad_unlock", "%q is no button; list acknowledge, resolve or both", action)
		}
	}
	return nil
}

// secret is what a sealed push holds for the device alone. Its JSON form is
// the plaintext.
type secret struct {
	Title    string   `json:"title,omitempty"`
	Subtitle string   `json:"subtitle,omitempty"`
	Body     string   `json:"body,omitempty"`
	Service  string   `json:"service,omitempty"`
	By       string   `json:"by,omitempty"`
	Actions  *actions `json:"actions,omitempty"`

	to hpke.PublicKey
}

// sealInfo is HPKE's "info": it binds the ciphertext to this use of the key.
const sealInfo = "nightbell push v1"

// sealOverhead is what HPKE adds: the encapsulated key and the tag.
const sealOverhead = 32 + 16

// CheckSealKey refuses what cannot be a device's X25519 public key, in
// unpadded base64url.
func CheckSealKey(key string) error {
	k, err := sealKey(key)
	if err == nil {
		// A point of low order would hide nothing; HPKE notices when it is used.
		_, _, err = hpke.NewSender(k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), nil)
	}
	if err != nil {
		return fault.Field("seal_key", "bad_seal_key", "the sealing key cannot be used; send the 32 bytes of an X25519 public key in base64url without padding")
	}
	return nil
}

func sealKey(key string) (hpke.PublicKey, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(key)
	if err != nil {
		return nil, err
	}
	pub, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	return hpke.NewDHKEMPublicKey(pub)
}

// protect withholds what the app's privacy keeps from the providers, and puts
// it under seal where the device has a key.
func (n *note) protect() {
	mode := n.options.Privacy
	if n.privacy() == "" {
		return
	}
	if mode == PrivacySealed && n.job.Delivery.Kind != Activity {
		n.underSeal()
	}
	n.text = n.speaks.withheld(n.job)
	n.service, n.by = "", ""
}

func (n *note) underSeal() {
	key, err := sealKey(n.job.Device.Keys.Seal)
	if err != nil {
		n.downgrade = both(n.downgrade, noSealingKey)
		return
	}
	n.sealed = &secret{
		Title: n.text.title, Subtitle: n.text.subtitle, Body: n.text.body, Service: n.service, By: n.by, to: key,
	}
}

// seal encrypts the secret into at most room bytes of base64url, cutting its
// texts where they do not fit.
func (n *note) seal(room int) string {
	if n.sealed == nil {
		return ""
	}
	s := *n.sealed
	s.Actions = n.buttons.tokens()
	var plain []byte
	size := func() int { plain = encode(&s); return len(plain) }
	limit := room/4*3 - sealOverhead
	shrink(limit, size, &s.Body, &s.Subtitle, &s.Service, &s.Title, &s.By)
	size()
	enc, sender, err := hpke.NewSender(s.to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(sealInfo))
	var ciphertext []byte
	if err == nil {
		ciphertext, err = sender.Seal([]byte(n.job.Delivery.ID), plain)
	}
	if err != nil { // a key that slipped past CheckSealKey: the app asks for the rest
		n.sealed, n.downgrade = nil, both(n.downgrade, noSealingKey)
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(enc, ciphertext...))
}

// privacy is what the app must know: where the rest of the texts are.
func (n *note) privacy() Privacy {
	of := n.job.Device.Provider
	switch {
	case n.job.Delivery.Kind == Probe, of != APNs && of != FCM: // browsers' pushes are sealed to them as it is (RFC 8291)
		return ""
	case n.sealed != nil:
		return PrivacySealed
	case n.options.Privacy == PrivacyIDOnly || n.options.Privacy == PrivacySealed:
		return PrivacyIDOnly
	}
	return ""
}
