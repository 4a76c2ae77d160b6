package pushtest

import (
	"strings"

	"golang.org/x/net/http2/hpack"
)

// bodyLimit is what a request body may hold; both providers stop at 4 KiB of
// payload, so this only bounds memory.
const bodyLimit = 64 << 10

// call is one request on its way through the emulator.
type call struct {
	method, path string
	fields       []hpack.HeaderField // lower-case names, no pseudo headers
	body         []byte
	overlong     bool // body was cut at bodyLimit
	conn         *session
	reply        replier
}

// replier is the way back. Exactly one of its methods is called, once, from
// any goroutine.
type replier interface {
	answer(r answer)
	// refuse resets the stream: "not processed, send it again".
	refuse()
	// goAway declares this and all later streams unprocessed and closes.
	goAway(reason string)
	// cut drops the connection without a word.
	cut()
}

// answer is a response.
type answer struct {
	status int
	header []hpack.HeaderField
	body   []byte
}

// header gives the first value of a header and how often it was sent.
func (c *call) header(name string) (value string, times int) {
	for _, f := range c.fields {
		if f.Name == name {
			if times == 0 {
				value = f.Value
			}
			times++
		}
	}
	return value, times
}

// bearer gives the credentials of the authorization header; the scheme's case
// does not matter (RFC 9110, 11.1).
func (c *call) bearer() string {
	value, _ := c.header("authorization")
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return token
}

func field(name, value string) hpack.HeaderField {
	return hpack.HeaderField{Name: name, Value: value}
}
