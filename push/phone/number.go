package phone

import (
	"strings"

	"github.com/nightbell/nightbell/fault"
)

// Number checks a telephone number and gives its one spelling, E.164: a plus
// and 8 to 15 digits. Spaces, dashes, dots and brackets, as people write them,
// are left out.
func Number(s string) (string, error) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/\u00a0", r) {
			return -1
		}
		return r
	}, s)
	digits, ok := strings.CutPrefix(s, "+")
	bad := !ok || len(digits) < 8 || len(digits) > 15 || digits[0] == '0'
	for i := range len(digits) {
		bad = bad || digits[i] < '0' || digits[i] > '9'
	}
	if bad {
		return "", fault.Field("address", "bad_address", "this is no telephone number that can be used; write it in international form, such as +4915112345678")
	}
	return s, nil
}
