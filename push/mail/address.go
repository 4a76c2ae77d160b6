package mail

import (
	netmail "net/mail"
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// maxAddress is the most that SMTP carries (RFC 5321, 4.5.3.1.3).
const maxAddress = 254

// Address checks an e-mail address and gives its one spelling: the domain in
// lower case. Only plain addresses are taken: no name beside it, no quotes, no
// comments, and ASCII, because few servers carry more.
func Address(s string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fault.Field("address", "bad_address", "this is no e-mail address that can be used: %s", why)
	}
	s = strings.TrimSpace(s)
	if len(s) > maxAddress {
		return bad("it is longer than 254 characters")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return bad("it has characters beside the visible ones of ASCII; write a domain of other letters in its xn-- form")
		}
	}
	local, domain, _ := strings.Cut(s, "@")
	a, err := netmail.ParseAddress(s)
	if err != nil || a.Address != s || strings.ContainsAny(s, `"()<>,;:\[]`) {
		return bad("write it like ana@example.com, without a name")
	}
	if len(local) > 64 || !strings.Contains(domain, ".") || !isHost(domain) {
		return bad("what follows the @ is no domain")
	}
	return local + "@" + strings.ToLower(domain), nil
}

// isHost reports whether s is a host name as DNS knows them.
func isHost(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}
