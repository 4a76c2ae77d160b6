package phone

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// MaxCallback bounds a callback's body; Twilio's have one or two KiB.
const MaxCallback = 64 << 10

// maxParams bounds how many fields it may have.
const maxParams = 200

// Form reads a callback's body.
func Form(body []byte) (url.Values, error) {
	if strings.Count(string(body), "&") >= maxParams {
		return nil, fault.New(fault.Invalid, "bad_callback", "the form has too many fields")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "bad_callback", "the form cannot be read")
	}
	return form, nil
}

// Genuine checks the X-Twilio-Signature of a callback: HMAC-SHA1, keyed with
// the account's token, over the address that was called and the fields in
// order. uri is the request's path and query.
func (a Account) Genuine(uri string, form url.Values, signature string) error {
	given, err := base64.StdEncoding.DecodeString(signature)
	if err == nil && a.AuthToken != "" && hmac.Equal(given, sum(a.AuthToken, strings.TrimSuffix(a.Base, "/")+uri, form)) {
		return nil
	}
	return fault.New(fault.Forbidden, "callback_unsigned", "this callback is not signed by our telephone account; is public_url the address that Twilio calls?")
}

// Signature is what Twilio puts on a callback to an address.
func Signature(authToken, address string, form url.Values) string {
	return base64.StdEncoding.EncodeToString(sum(authToken, address, form))
}

func sum(authToken, address string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(authToken))
	mac.Write([]byte(address))
	for _, key := range slices.Sorted(maps.Keys(form)) {
		values := slices.Compact(slices.Sorted(slices.Values(form[key])))
		for _, v := range values {
			mac.Write([]byte(key + v))
		}
	}
	return mac.Sum(nil)
}

// What people press or reply.
const (
	Acknowledge = "acknowledge"
	Resolve     = "resolve"
)

// Answer reads a digit or a reply; empty: it means nothing to us.
func Answer(s string) string {
	switch strings.ToLower(strings.Trim(s, " \t\r\n.!\"'")) {
	case "4", "ack", "acknowledge", "a":
		return Acknowledge
	case "6", "res", "resolve", "resolved", "r":
		return Resolve
	default:
		return ""
	}
}
