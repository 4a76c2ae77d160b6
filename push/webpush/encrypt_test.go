package webpush

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/push"
)

func unbase(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291, 5 and appendix A.
const (
	vectorPlain  = "When I grow up, I want to be a watermelon"
	vectorOurs   = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	vectorSalt   = "DGv6ra1nlYgDCS1FRnbzlw"
	vectorP256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	vectorTheirs = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
	vectorAuth   = "BTBZMqHH6r4Tts7J_aSIgg"
	vectorBody   = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc" +
		"InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

func TestTheExampleOfRFC8291ByteForByte(t *testing.T) {
	t.Parallel()
	sub, err := readKeys(push.Keys{P256DH: vectorP256DH, Auth: vectorAuth})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ecdh.P256().NewPrivateKey(unbase(t, vectorOurs))
	if err != nil {
		t.Fatal(err)
	}
	got, err := sub.seal([]byte(vectorPlain), 0, ours, unbase(t, vectorSalt))
	if err != nil {
		t.Fatal(err)
	}
	if want := unbase(t, vectorBody); !bytes.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", base64.RawURLEncoding.EncodeToString(got), vectorBody)
	}
}

// browser decrypts as a browser does, written from the receiver's side of the
// RFC: only the derivation of the content's keys is shared.
func browser(t interface{ Fatal(...any) }, private *ecdh.PrivateKey, auth, body []byte) []byte {
	if len(body) < headerSize+tagSize+1 || body[20] != 65 {
		t.Fatal("the header is short or has another key's length")
	}
	theirs, err := ecdh.P256().NewPublicKey(body[21:headerSize])
	if err != nil {
		t.Fatal(err)
	}
	if rs := binary.BigEndian.Uint32(body[16:20]); int(rs) <= len(body)-headerSize {
		t.Fatal("the record is not smaller than the record size", rs)
	}
	aead, nonce, err := receiverKeys(private, theirs, auth, body[:16])
	if err != nil {
		t.Fatal(err)
	}
	record, err := aead.Open(nil, nonce, body[headerSize:], nil)
	if err != nil {
		t.Fatal(err)
	}
	record = bytes.TrimRight(record, "\x00")
	if len(record) == 0 || record[len(record)-1] != 2 {
		t.Fatal("the record does not end with the last record's delimiter")
	}
	return record[:len(record)-1]
}

func TestABrowserReadsWhatWeEncrypt(t *testing.T) {
	t.Parallel()
	private, err := ecdh.P256().NewPrivateKey(unbase(t, vectorTheirs))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := readKeys(push.Keys{P256DH: vectorP256DH, Auth: vectorAuth})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, MaxPlain).Draw(t, "plain")
		body, err := sub.encrypt(plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > bodyLimit {
			t.Fatalf("%d bytes leave, push services take %d", len(body), bodyLimit)
		}
		if got := browser(t, private, sub.auth, body); !bytes.Equal(got, plain) {
			t.Fatalf("the browser reads %q, want %q", got, plain)
		}
	})
	for _, n := range []int{0, 1, 254, 255, 256, MaxPlain - 1, MaxPlain} {
		body, err := sub.encrypt(make([]byte, n))
		if err != nil || len(body) > bodyLimit {
			t.Errorf("%d bytes: %v, %d leave", n, err, len(body))
		}
		if record := len(body) - headerSize - tagSize; record%padTo != 0 && record != MaxPlain+1 {
			t.Errorf("%d bytes are sent as %d, which tells their length", n, record)
		}
	}
	if _, err := sub.encrypt(make([]byte, MaxPlain+1)); err == nil {
		t.Error("a payload too long was encrypted")
	}
}

func TestTwoMessagesShareNothing(t *testing.T) {
	t.Parallel()
	sub, err := readKeys(push.Keys{P256DH: vectorP256DH, Auth: vectorAuth})
	if err != nil {
		t.Fatal(err)
	}
	a, errA := sub.encrypt([]byte("same"))
	b, errB := sub.encrypt([]byte("same"))
	if errA != nil || errB != nil || bytes.Equal(a[:16], b[:16]) || bytes.Equal(a[21:86], b[21:86]) {
		t.Errorf("%v, %v: salt or key was used twice", errA, errB)
	}
}

func TestKeysRefused(t *testing.T) {
	t.Parallel()
	p384, err := ecdh.P384().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	point := unbase(t, vectorP256DH)
	x25519 := bytes.Repeat([]byte{9}, 32)
	off := bytes.Clone(point)
	off[64] ^= 1
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	hybrid := bytes.Clone(point)
	hybrid[0] = 6
	for name, c := range map[string]struct{ p256dh, auth, field string }{
		"no base64":              {"#", vectorAuth, "keys.p256dh"},
		"base64, but not url":    {strings.ReplaceAll(vectorP256DH, "_", "/"), vectorAuth, "keys.p256dh"},
		"P-384":                  {b64(p384.PublicKey().Bytes()), vectorAuth, "keys.p256dh"},
		"X25519":                 {b64(x25519), vectorAuth, "keys.p256dh"},
		"compressed":             {b64(compressed), vectorAuth, "keys.p256dh"},
		"hybrid":                 {b64(hybrid), vectorAuth, "keys.p256dh"},
		"off the curve":          {b64(off), vectorAuth, "keys.p256dh"},
		"the point at infinity":  {b64([]byte{0}), vectorAuth, "keys.p256dh"},
		"zeros":                  {b64(append([]byte{4}, make([]byte, 64)...)), vectorAuth, "keys.p256dh"},
		"empty":                  {"", vectorAuth, "keys.p256dh"},
		"bits after the end":     {vectorP256DH[:86] + "5", vectorAuth, "keys.p256dh"},
		"a short secret":         {vectorP256DH, "YWJj", "keys.auth"},
		"a long secret":          {vectorP256DH, b64(make([]byte, 17)), "keys.auth"},
		"no secret":              {vectorP256DH, "", "keys.auth"},
		"a secret with newlines": {vectorP256DH, vectorAuth + "\n", "keys.auth"},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckKeys(push.Keys{P256DH: c.p256dh, Auth: c.auth})
			if !fault.Is(err, "bad_keys") || !strings.Contains(err.Error(), strings.TrimPrefix(c.field, "keys.")) {
				t.Errorf("got %v, want %s refused", err, c.field)
			}
		})
	}
	padded := push.Keys{P256DH: vectorP256DH + "=", Auth: vectorAuth + "=="}
	if err := CheckKeys(padded); err != nil {
		t.Errorf("the padded spelling: %v", err)
	}
}

// FuzzKeys: a browser's keys are usable or a sentence, never a panic.
func FuzzKeys(f *testing.F) {
	f.Add(vectorP256DH, vectorAuth)
	f.Add(vectorP256DH+"=", vectorAuth+"==")
	f.Add("BA", "AA")
	f.Add("\x00", "é")
	f.Fuzz(func(t *testing.T, p256dh, auth string) {
		sub, err := readKeys(push.Keys{P256DH: p256dh, Auth: auth})
		if (err == nil) != (sub.key != nil) {
			t.Fatalf("%v with key %v", err, sub.key)
		}
		if err != nil {
			if !fault.Is(err, "bad_keys") {
				t.Fatalf("%v", err)
			}
			return
		}
		if _, err := sub.encrypt([]byte("x")); err != nil {
			t.Fatalf("keys were taken that cannot be used: %v", err)
		}
	})
}
