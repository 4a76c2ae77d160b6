package fcm

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// defaultTokenURI is Google's token endpoint.
const defaultTokenURI = "https://oauth2.googleapis.com/token"

// Account is a Google service account that may send for a Firebase project.
type Account struct {
	ProjectID string
	Email     string
	KeyID     string
	TokenURI  string
	key       *rsa.PrivateKey
}

// ParseServiceAccount reads the JSON key file of a service account. What
// cannot send pushes is refused with a sentence that says what is missing
// (fault.Invalid, code bad_service_account).
func ParseServiceAccount(file []byte) (Account, error) {
	var f struct {
		Type         string          `json:"type"`
		ProjectID    string          `json:"project_id"`
		PrivateKeyID string          `json:"private_key_id"`
		PrivateKey   string          `json:"private_key"`
		ClientEmail  string          `json:"client_email"`
		TokenURI     string          `json:"token_uri"`
		ProjectInfo  json.RawMessage `json:"project_info"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return Account{}, badAccount("it is not a JSON file")
	}
	switch {
	case f.ProjectInfo != nil:
		return Account{}, badAccount("it is google-services.json, which is for the app; the server needs a service account")
	case f.Type != "" && f.Type != "service_account":
		return Account{}, badAccount("its type is %q instead of \"service_account\"", f.Type)
	case f.ProjectID == "":
		return Account{}, badAccount("it names no project_id")
	case f.ClientEmail == "":
		return Account{}, badAccount("it names no client_email")
	case f.PrivateKey == "":
		return Account{}, badAccount("it holds no private_key")
	}
	key, err := parseRSA(f.PrivateKey)
	if err != nil {
		return Account{}, err
	}
	a := Account{ProjectID: f.ProjectID, Email: f.ClientEmail, KeyID: f.PrivateKeyID, TokenURI: f.TokenURI, key: key}
	if a.TokenURI == "" {
		a.TokenURI = defaultTokenURI
	}
	if u, err := url.Parse(a.TokenURI); err != nil || u.Scheme != "https" || u.Host == "" {
		return Account{}, badAccount("its token_uri %q is no https address", a.TokenURI)
	}
	return a, nil
}

// AtGoogle reports whether tokens are fetched from Google itself, as Google's
// own key files say. Any other address is one that its author has written.
func (a Account) AtGoogle() bool {
	u, err := url.Parse(a.TokenURI)
	return err == nil && (u.Host == "accounts.google.com" || strings.HasSuffix(u.Host, ".googleapis.com"))
}

func parseRSA(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, badAccount("its private_key is not a PEM block (are the \\n in it intact?)")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, badAccount("its private_key is damaged")
	}
	r, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, badAccount("its private_key is a %T instead of an RSA key", key)
	}
	return r, nil
}

func badAccount(what string, args ...any) error {
	const fix = "; make a new key in the Firebase console, Project settings, Service accounts"
	return fault.New(fault.Invalid, "bad_service_account", "the FCM service account cannot be used: "+what+fix, args...)
}
