package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nightbell/nightbell/fault"
)

const (
	// keyPeriod is how long one key signs.
	keyPeriod = 30 * 24 * time.Hour
	// keyLead is how long a key is published before it signs, so that every
	// node and every reader of the JWKS knows it by then.
	keyLead = 24 * time.Hour
	// keySlack lets a key sign longer when its successor is late.
	keySlack = 24 * time.Hour
	// keySigns is the longest a key may sign; after it, tokens could outlive it.
	keySigns = keyPeriod + keyLead + keySlack
)

// keyring is the published keys as one immutable value.
type keyring struct {
	keys  []ringKey
	byKID map[string]*ringKey
	jwks  []byte
}

type ringKey struct {
	SigningKey
	private ed25519.PrivateKey
	// action is the HMAC key of the action tokens of this key's time: only this
	// server reads them, and there are two in each page.
	action []byte
}

// actionKey is derived from the private key, so that it is sealed, rotated and
// retired with it.
func actionKey(private ed25519.PrivateKey) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, private.Seed(), nil, "nightbell action tokens", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("deriving the key of action tokens: %w", err)
	}
	return key, nil
}

// signer is the youngest key that may sign at the moment, nil if none may. It
// is asked at each signature: the next key's hour comes between two checks.
func (r *keyring) signer(now time.Time) *ringKey {
	var best *ringKey
	for i := range r.keys {
		k := &r.keys[i]
		signs := !now.Before(k.SignFrom) && now.Before(k.SignFrom.Add(keySigns))
		if signs && (best == nil || k.SignFrom.After(best.SignFrom)) {
			best = k
		}
	}
	return best
}

// successor reports whether a key younger than k is published.
func (r *keyring) successor(k *ringKey) bool {
	return slices.ContainsFunc(r.keys, func(o ringKey) bool { return o.SignFrom.After(k.SignFrom) })
}

// Prepare reads the signing keys, makes the first one, and publishes the next
// when the current one nears its end. Called far more often than keyLead, it
// rotates them in time; when it fails, the keys in memory go on working. Safe to call on many nodes at once.
func (s *Service) Prepare(ctx context.Context) error {
	ring, err := s.loadKeys(ctx)
	if err != nil {
		return err
	}
	added, err := s.addDueKey(ctx, ring)
	if err != nil {
		return fmt.Errorf("adding a signing key: %w", err)
	}
	if added {
		// Whoever was first, this node or another: the table says what is true.
		if ring, err = s.loadKeys(ctx); err != nil {
			return err
		}
	}
	if ring.signer(s.now()) == nil {
		return fmt.Errorf("adding a signing key: none signs at %s", s.now())
	}
	s.keys.Store(ring)
	return nil
}

// addDueKey adds the key that is missing, if one is: the first one signs at
// once, a successor after its lead.
func (s *Service) addDueKey(ctx context.Context, ring *keyring) (asked bool, err error) {
	now := s.now()
	signer := ring.signer(now)
	switch {
	case signer == nil:
		err = s.addKey(ctx, now, now.Add(-keySigns))
	case !ring.successor(signer) && !now.Before(signer.SignFrom.Add(keyPeriod-keyLead)):
		err = s.addKey(ctx, now.Add(keyLead), signer.SignFrom.Add(time.Microsecond))
	default:
		return false, nil
	}
	return true, err
}

// JWKS gives the published keys as a JSON Web Key Set (RFC 7517, RFC 8037).
// It is nil before Prepare. The bytes must not be changed.
func (s *Service) JWKS() []byte {
	if ring := s.keys.Load(); ring != nil {
		return ring.jwks
	}
	return nil
}

func (s *Service) loadKeys(ctx context.Context) (*keyring, error) {
	rows, err := s.store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	now := s.now()
	var keys []ringKey
	for _, k := range rows {
		if !now.Before(k.RetireAt) {
			continue
		}
		private, err := s.sealer.open(k)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "wrong_secret",
				"the signing keys in the database were sealed with another instance secret; start with the secret used before, or delete the rows of signing_keys, which signs everybody out")
		}
		action, err := actionKey(private)
		if err != nil {
			return nil, err
		}
		keys = append(keys, ringKey{k, private, action})
	}
	return newKeyring(keys)
}

func newKeyring(keys []ringKey) (*keyring, error) {
	ring := &keyring{keys: keys, byKID: make(map[string]*ringKey, len(keys))}
	set := jwkSet{Keys: make([]jwk, 0, len(keys))}
	for i, k := range keys {
		ring.byKID[k.KID] = &keys[i]
		set.Keys = append(set.Keys, newJWK(k.KID, k.Public))
	}
	var err error
	if ring.jwks, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("writing the JWKS: %w", err)
	}
	return ring, nil
}

// addKey makes a key, unless another node has made one meanwhile: which of
// them is in the table then does not matter.
func (s *Service) addKey(ctx context.Context, signFrom, noneSince time.Time) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	kid := keyID(public)
	_, err = s.store.AddSigningKey(ctx, SigningKey{
		KID: kid, Public: public, Sealed: s.sealer.seal(kid, private), CreatedAt: s.now(),
		SignFrom: signFrom, RetireAt: signFrom.Add(keySigns + MaxActionLife),
	}, noneSince)
	return err
}

func (s *Service) signingKey() (*ringKey, error) {
	if ring := s.keys.Load(); ring != nil {
		if k := ring.signer(s.now()); k != nil {
			return k, nil
		}
	}
	return nil, fault.New(fault.Unavailable, "keys_not_ready", "the server has no key to sign with yet; try again in a few seconds")
}

// published finds a published key; a foreign kid has none.
func (s *Service) published(kid string) (*ringKey, bool) {
	ring := s.keys.Load()
	if ring == nil {
		return nil, false
	}
	k, ok := ring.byKID[kid]
	return k, ok
}

type jwkSet struct {
	Keys []jwk `json:"keys"`
}

// jwk is an Ed25519 public key as RFC 8037 writes it; the order of the fields
// crv, kty, x is that of the thumbprint.
type jwk struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Alg   string `json:"alg,omitempty"`
	Use   string `json:"use,omitempty"`
	KID   string `json:"kid,omitempty"`
}

func newJWK(kid string, public ed25519.PublicKey) jwk {
	return jwk{Curve: "Ed25519", Type: "OKP", X: base64.RawURLEncoding.EncodeToString(public), Alg: "EdDSA", Use: "sig", KID: kid}
}

// keyID is the first 16 characters (96 bits) of the key's thumbprint (RFC
// 7638): the same key has the same name everywhere, and tokens stay short.
func keyID(public ed25519.PublicKey) string {
	bare := newJWK("", public)
	bare.Alg, bare.Use = "", ""
	text, err := json.Marshal(bare)
	if err != nil {
		panic("auth: writing a key: " + err.Error()) // three strings always marshal
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])[:16]
}
