package auth

import "fmt"

// Vault seals small secrets with the instance secret, such as the keys of push
// apps: unreadable, and not to be exchanged, for whoever has only the database.
type Vault struct{ sealer sealer }

// NewVault derives the key of one purpose; what was sealed for another does
// not open. The secret needs [MinSecret] bytes, as for [New].
func NewVault(secret []byte, purpose string) Vault {
	if len(secret) < MinSecret || purpose == "" {
		panic("auth: NewVault needs a secret of at least 32 bytes and a purpose")
	}
	return Vault{newSealerFor(secret, "nightbell "+purpose+" v1")}
}

// Seal hides plain; bound is what it belongs to, and must be the same to open it.
func (v Vault) Seal(plain []byte, bound string) []byte {
	return v.sealer.aead.Seal(nil, nil, plain, []byte(bound))
}

// Open gives back what was sealed with the same secret for the same owner.
func (v Vault) Open(sealed []byte, bound string) ([]byte, error) {
	plain, err := v.sealer.aead.Open(nil, nil, sealed, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("opening the sealed secret of %s; was the instance secret changed?: %w", bound, err)
	}
	return plain, nil
}
