package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"
)

// secretPrefix marks a secret of Standard Webhooks.
const secretPrefix = "whsec_"

// Sizes of a secret in bytes: ours, and the least the specification allows.
const (
	secretSize    = 32
	minSecretSize = 24
)

// NewSecret makes a secret to sign with: whsec_ and base64.
func NewSecret() string {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // it never fails (Go 1.24)
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Sign gives the webhook-signature header: one "v1,…" per secret, so that a
// receiver that knows any of them is content.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	var out []string
	for _, s := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, secretPrefix))
		if err != nil || len(key) < minSecretSize {
			return "", errors.New("a webhook's secret cannot be read")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " "), nil
}
