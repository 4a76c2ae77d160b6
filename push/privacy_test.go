package push

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nightbell/nightbell/incident"
)

// phoneKey is what a phone keeps to itself.
func phoneKey(t interface{ Fatal(...any) }) (private *ecdh.PrivateKey, public string) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k, base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes())
}

// unseal does what a notification extension does.
func unseal(t interface{ Fatal(...any) }, k *ecdh.PrivateKey, sealed, deliveryID string) (s secret) {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < 32 {
		t.Fatal("no sealed part: ", sealed, err)
	}
	private, err := hpke.NewDHKEMPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := hpke.NewRecipient(raw[:32], private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("nightbell push v1"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.Open([]byte(deliveryID), raw[32:])
	if err != nil {
		t.Fatal("it does not open: ", err)
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func private(mode Privacy) *Composer {
	return &Composer{Signer: signer{}, BaseURL: "https://bell.example", Options: func(Provider, string) AppOptions { return AppOptions{Privacy: mode} }}
}

// everything is all that leaves this server of a message.
func everything(m Message) string { return string(m.Body) + fmt.Sprint(m.Data) + m.CollapseID }

// leaks lists what of the incident can be read in the message. Its ciphertext
// is left out: three letters may stand in it by chance.
func leaks(m Message, secrets ...string) (out []string) {
	text := regexp.MustCompile(`sealed"?:"?[A-Za-z0-9_-]{100,}`).ReplaceAllString(everything(m), "")
	for _, s := range secrets {
		if strings.Contains(text, s) {
			out = append(out, s)
		}
	}
	return out
}

// sealedOf gives the sealed part and the title that anybody may read.
func sealedOf(t interface{ Fatalf(string, ...any) }, m Message) (sealed, title, privacy string) {
	if m.Data != nil {
		return m.Data["sealed"], m.Data["title"], m.Data["privacy"]
	}
	o := object(t, m)
	nb := o["nightbell"].(map[string]any)
	sealed, _ = nb["sealed"].(string)
	privacy, _ = nb["privacy"].(string)
	return sealed, o["aps"].(map[string]any)["alert"].(map[string]any)["title"].(string), privacy
}

// Neither Apple nor Google reads more than that there is something; a phone
// with a key reads everything.
func TestWhatTheProviderMayRead(t *testing.T) {
	t.Parallel()
	secrets := []string{"Checkout answers 500", "Checkout", "Ana", "Kasse", "Ben"}
	key, public := phoneKey(t)
	for name, c := range map[string]struct {
		change func(*Job)
		shown  string
		within secret // what the phone reads under the seal, without buttons
	}{
		"page": {nil, "New incident", secret{Title: "Checkout answers 500", Subtitle: "Checkout", Body: "#42 · critical · triggered 12:00 UTC", Service: "Checkout"}},
		"acknowledged": {func(j *Job) { settle(j, incident.Acknowledged) }, "Acknowledged 02:14 UTC",
			secret{Title: "Acknowledged by Ana 02:14 UTC", Subtitle: "Checkout", Body: "#42 · Checkout answers 500", Service: "Checkout", By: "Ana"}},
		"update": {func(j *Job) { j.Delivery.Kind = Update }, "An incident has changed",
			secret{Title: "Checkout answers 500", Subtitle: "Checkout", Body: "#42 · critical · triggered 12:00 UTC", Service: "Checkout"}},
		"digest": {func(j *Job) {
			*j = alone(j.Device.Provider, Digest, About{Count: 2, Lines: []string{"Checkout answers 500"}})
			j.Content.Locale = ""
		},
			"2 open incidents", secret{Title: "2 open incidents", Body: "Checkout answers 500\nand 1 more"}},
		"notice": {func(j *Job) {
			*j = alone(j.Device.Provider, Notice, About{Topic: TopicUnpageable, Who: "Ben", What: "Kasse"})
			j.Content.Locale = ""
		},
			"Message about your on-call duty", secret{Title: "Ben cannot be paged", Body: "Kasse"}},
	} {
		for _, p := range []Provider{APNs, FCM} {
			for _, lean := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", p, " lean ", lean), func(t *testing.T) {
					t.Parallel()
					compose := func(mode Privacy, key string) Message {
						j := paged(p, c.change)
						j.Device.Keys.Seal = key
						how := private(mode).Compose
						if lean {
							how = private(mode).ComposeLean
						}
						m, err := how(j)
						if err != nil {
							t.Fatal(err)
						}
						return m
					}
					open, bare, sealed := compose(PrivacyIDOnly, public), compose(PrivacySealed, ""), compose(PrivacySealed, public)
					for _, m := range []Message{open, bare, sealed} {
						if got := leaks(m, secrets...); got != nil {
							t.Errorf("%v can be read in %s", got, everything(m))
						}
						if _, title, _ := sealedOf(t, m); title != c.shown {
							t.Errorf("shows %q, want %q", title, c.shown)
						}
					}
					if s, _, mode := sealedOf(t, bare); s != "" || mode != "id_only" || !strings.HasSuffix(bare.Downgrade, noSealingKey) {
						t.Errorf("without a key: sealed %q, privacy %q, downgrade %q", s, mode, bare.Downgrade)
					}
					s, _, mode := sealedOf(t, sealed)
					if mode != "sealed" || strings.Contains(everything(sealed), "tok|") || strings.Contains(sealed.Downgrade, noSealingKey) {
						t.Errorf("privacy %q, downgrade %q, or the buttons are not under the seal: %s", mode, sealed.Downgrade, everything(sealed))
					}
					got := unseal(t, key, s, sealed.DeliveryID)
					if paged(p, c.change).Delivery.Kind == Page && (got.Actions == nil || !strings.HasPrefix(got.Actions.Acknowledge, "tok|acknowledge|inc_1")) {
						t.Errorf("the buttons are not under the seal: %+v", got.Actions)
					}
					if got.Actions = nil; !lean {
						if diff := cmp.Diff(c.within, got, cmp.AllowUnexported(secret{})); diff != "" {
							t.Error(diff)
						}
					}
				})
			}
		}
	}
}

// A Live Activity has nobody to open a seal: it shows where the incident
// stands, and nothing else.
func TestALiveActivityKeepsTheAppsPrivacy(t *testing.T) {
	t.Parallel()
	for _, mode := range []Privacy{PrivacyIDOnly, PrivacySealed} {
		j := paged(APNs, func(j *Job) {
			settle(j, incident.Acknowledged)
			j.Delivery.Kind, j.Delivery.About, j.Device.LiveActivity.StartToken = Activity, &About{Event: ActivityStart}, "5aa5"
		})
		m, err := private(mode).Compose(j)
		if err != nil {
			t.Fatal(err)
		}
		if got := leaks(m, "Checkout", "Ana"); got != nil {
			t.Errorf("%s: %v can be read in %s", mode, got, m.Body)
		}
	}
}

// The ciphertext is for one delivery and one key.
func TestASealIsForOneDelivery(t *testing.T) {
	t.Parallel()
	key, public := phoneKey(t)
	m, err := private(PrivacySealed).Compose(paged(FCM, func(j *Job) { j.Device.Keys.Seal = public }))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(m.Data["sealed"])
	k, _ := hpke.NewDHKEMPrivateKey(key)
	r, err := hpke.NewRecipient(raw[:32], k, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(sealInfo))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open([]byte("dlv_another"), raw[32:]); err == nil {
		t.Error("it opens as another delivery's")
	}
}

// Any texts: within the budget, whole, and only under the seal.
func TestAnySealedTextFits(t *testing.T) {
	t.Parallel()
	key, public := phoneKey(t)
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			return "§" + strings.Repeat(rapid.SampledFrom([]string{"a", "🔥", "م", "\"", "<"}).Draw(t, name), rapid.IntRange(20, 10_000).Draw(t, name+" length"))
		}
		p := rapid.SampledFrom([]Provider{APNs, FCM}).Draw(t, "provider")
		j := paged(p, func(j *Job) {
			j.Device.Keys.Seal = public
			j.Content.Title, j.Content.ServiceName = text("title"), text("service")
		})
		c := private(PrivacySealed)
		length := rapid.IntRange(1, 700).Draw(t, "token")
		c.Signer = signer{length: length}
		for limit, how := range map[int]func(Job) (Message, error){softLimit: c.Compose, leanLimit + 1000: c.ComposeLean} {
			m, err := how(j)
			if err != nil {
				t.Fatal(err)
			}
			if size := len(m.Body) + dataSize(m.Data); size > limit || strings.Contains(everything(m), "§") {
				t.Fatalf("%d bytes, or readable: %s", size, everything(m))
			}
			s, _, _ := sealedOf(t, m)
			got := unseal(t, key, s, m.DeliveryID)
			if len(got.Actions.Acknowledge) != length || len(got.Actions.Resolve) != length || limit == softLimit && !strings.HasPrefix(got.Title, "§") {
				t.Fatalf("under the seal is %+v", got)
			}
		}
	})
}

func TestSealingKeysAreChecked(t *testing.T) {
	t.Parallel()
	_, good := phoneKey(t)
	for key, ok := range map[string]bool{
		good: true, "": false, good[:40]: false, good + "AA": false, good + "=": false,
		base64.RawURLEncoding.EncodeToString(make([]byte, 32)): false,
	} {
		if err := CheckSealKey(key); (err == nil) != ok {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func FuzzSealKey(f *testing.F) {
	f.Add("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, key string) {
		if CheckSealKey(key) != nil {
			return
		}
		m, err := private(PrivacySealed).Compose(paged(FCM, func(j *Job) { j.Device.Keys.Seal = key }))
		if err != nil || m.Data["sealed"] == "" {
			t.Errorf("a key that was taken seals nothing: %v", err)
		}
	})
}

// The set of buttons depends on what may be done and on what needs an
// unlocked phone; acknowledge comes first.
func TestCategories(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unlock         []string
		triggered, ack string // the category of a page, and once acknowledged
		data           string // Android's unlock, of a page
	}{
		{nil, "NIGHTBELL_INCIDENT", "NIGHTBELL_ACKNOWLEDGED", ""},
		{[]string{"resolve"}, "NIGHTBELL_INCIDENT_RESOLVE_LOCKED", "NIGHTBELL_ACKNOWLEDGED_RESOLVE_LOCKED", "resolve"},
		{[]string{"acknowledge"}, "NIGHTBELL_INCIDENT_ACKNOWLEDGE_LOCKED", "NIGHTBELL_ACKNOWLEDGED", "acknowledge"},
		{[]string{"resolve", "acknowledge"}, "NIGHTBELL_INCIDENT_ALL_LOCKED", "NIGHTBELL_ACKNOWLEDGED_RESOLVE_LOCKED", "acknowledge,resolve"},
	} {
		composer := &Composer{Signer: signer{}, Options: func(Provider, string) AppOptions { return AppOptions{Unlock: c.unlock} }}
		category := func(p Provider, change func(*Job)) (string, string) {
			m, err := composer.Compose(paged(p, change))
			if err != nil {
				t.Fatal(err)
			}
			if p == FCM {
				return m.Data["category"], m.Data["unlock"]
			}
			got, _ := object(t, m)["aps"].(map[string]any)["category"].(string)
			return got, ""
		}
		acked := func(j *Job) { settle(j, incident.Acknowledged) }
		page, _ := category(APNs, nil)
		android, unlock := category(FCM, nil)
		after, _ := category(APNs, acked)
		over, _ := category(APNs, func(j *Job) { settle(j, incident.Resolved) })
		if diff := cmp.Diff([]string{c.triggered, c.triggered, c.ack, "", c.data}, []string{page, android, after, over, unlock}); diff != "" {
			t.Errorf("%v: %s", c.unlock, diff)
		}
	}
}

func TestAppOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o  AppOptions
		ok bool
	}{
		{AppOptions{}, true}, {AppOptions{Privacy: PrivacySealed, Unlock: []string{"resolve"}}, true},
		{AppOptions{Privacy: "secret"}, false}, {AppOptions{Unlock: []string{"snooze"}}, false},
	} {
		if err := c.o.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}
