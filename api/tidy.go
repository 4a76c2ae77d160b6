package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	// maxDepth is deeper than anything in the contract.
	maxDepth = 32
	// maxDigits holds every whole number of 64 bits.
	maxDigits = 20
)

// untidy finds what JSON allows but two readers may understand differently, or
// what costs more to judge than to send: a field given twice, of which the
// contract would judge the last and the decoder read the first; 1e999999, which
// takes a tenth of a second; and nesting without end. What is not JSON at all
// is left to whoever reads it.
func untidy(body []byte) []ProblemItem {
	if !utf8.Valid(body) {
		return []ProblemItem{problemItem("bad_encoding", "", "the body is not UTF-8; send JSON in that encoding")}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var open nest
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		if wrong := open.take(token); wrong != nil {
			return wrong
		}
	}
}

// nest is where in a document we are, the outermost first.
type nest []*container

// container is an object or a list that has begun.
type container struct {
	keys  map[string]bool // nil: a list
	key   string          // of the value that is next or was last
	named bool            // the key was read, its value was not
	n     int             // of a list, how many values have begun
}

// take goes on by one token and says what is wrong with it.
func (n *nest) take(token json.Token) []ProblemItem {
	if token == json.Delim('}') || token == json.Delim(']') {
		*n = (*n)[:len(*n)-1]
		return nil
	}
	if at := n.innermost(); at != nil {
		if isKey, twice := at.next(token); twice {
			place := n.place()
			return []ProblemItem{problemItem("repeated_field", place, place+" is given more than once; give it once")}
		} else if isKey {
			return nil
		}
	}
	switch v := token.(type) {
	case json.Number:
		if len(v) > maxDigits || strings.ContainsAny(string(v), "eE") {
			place := n.place()
			return []ProblemItem{problemItem("wrong_type", place, subject(place)+" is no number that belongs here; write it in digits, without an exponent")}
		}
	case json.Delim:
		if len(*n) >= maxDepth {
			place := n.place()
			return []ProblemItem{problemItem("bad_value", place, place+" is nested too deeply; look at its description")}
		}
		c := &container{}
		if v == '{' {
			c.keys = map[string]bool{}
		}
		*n = append(*n, c)
	}
	return nil
}

func (n nest) innermost() *container {
	if len(n) == 0 {
		return nil
	}
	return n[len(n)-1]
}

// next notes a key, or that a value begins.
func (c *container) next(token json.Token) (isKey, twice bool) {
	switch {
	case c.keys == nil:
		c.n++
	case c.named:
		c.named = false
	default:
		c.key, c.named = token.(string), true // JSON has no other keys
		twice = c.keys[c.key]
		c.keys[c.key] = true
		return true, twice
	}
	return false, false
}

// place names the value we are at, such as items.0.delay_seconds.
func (n nest) place() string {
	var at []string
	for _, c := range n {
		if c.keys == nil {
			at = append(at, strconv.Itoa(c.n-1))
		} else {
			at = append(at, c.key)
		}
	}
	return strings.Join(at, ".")
}

// dateTime judges moments by what the handlers can read and answers can hold:
// RFC 3339 as Go reads it, in the years 1 to 9999 of UTC. The validator's own
// format takes leap seconds and small letters, which would fail later; and a
// moment of the year 10000 could be stored, but never shown again.
func dateTime() *jsonschema.Format {
	return &jsonschema.Format{Name: "date-time", Validate: func(v any) error {
		s, ok := v.(string)
		if !ok {
			return nil // its type says so
		}
		var t time.Time
		if err := t.UnmarshalText([]byte(s)); err != nil {
			return err
		}
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return errors.New("no calendar of ours has that year")
		}
		return nil
	}}
}
