package api

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// text is a string that senders may also write as a number, a truth value or
// a whole object: what they wrote is then the text.
type text string

// UnmarshalJSON implements json.Unmarshaler; it refuses nothing.
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) >= 2 && b[0] == '"':
		if bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
			*t = text(b[1 : len(b)-1])
			return nil
		}
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
	case string(b) == "null":
		*t = ""
	default:
		*t = text(b)
	}
	return nil
}

// tidy takes out what a database of text could not keep: bytes that are no
// UTF-8, and NUL characters, which JSON writes as an escape. The replacement
// character stands for them.
func tidy(body []byte) []byte {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	if !bytes.Contains(body, []byte(`\u0000`)) {
		return body
	}
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			out = append(out, body[i])
			continue
		}
		if bytes.HasPrefix(body[i:], []byte(`\u0000`)) {
			out = append(out, `\ufffd`...)
			i += 5
			continue
		}
		out = append(out, body[i], body[i+1]) // an escape is two bytes: \\u0000 is no NUL
		i++
	}
	return out
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{'
}

// isBlank reports whether there is nothing but white space.
func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// moment reads a time however it is written, also as seconds or milliseconds
// since 1970; the zero time when it cannot be read.
func moment(t text) time.Time {
	if t == "" {
		return time.Time{}
	}
	s := strings.TrimSpace(string(t))
	for _, layout := range stamps {
		if at, err := time.Parse(layout, s); err == nil {
			return sane(at)
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}
	}
	if n > 1e11 { // as seconds, that would be the year 5138
		n /= 1000
	}
	if n < 0 || n > 1e11 || math.IsNaN(n) {
		return time.Time{}
	}
	return sane(time.UnixMicro(int64(n * 1e6)))
}

// sane keeps times that a database can hold and people can mean.
func sane(at time.Time) time.Time {
	at = at.UTC().Truncate(time.Microsecond)
	if at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}

// image and link are what may stand beside an event, if it can be shown.
type image struct {
	Src  text `json:"src"`
	Href text `json:"href,omitempty"`
	Alt  text `json:"alt,omitempty"`
}

type link struct {
	Href text `json:"href"`
	Text text `json:"text,omitempty"`
}

func (i image) usable() bool {
	return isWeb(i.Src, "https") && (i.Href == "" || isWeb(i.Href, "https", "http"))
}
func (l link) usable() bool { return isWeb(l.Href, "https", "http") }

// isWeb refuses what would run or open something else than a page.
func isWeb(address text, schemes ...string) bool {
	u, err := url.Parse(string(address))
	if err != nil || u.Host == "" {
		return false
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return true
		}
	}
	return false
}

// maxExtras bounds the images and the links kept of one event.
const maxExtras = 50

// usable keeps the good entries of a list of images or links, and gives
// nothing when there is no list or no good entry.
func usable[T interface{ usable() bool }](raw json.RawMessage) json.RawMessage {
	var entries []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &entries) != nil {
		return nil
	}
	var good []T
	for _, entry := range entries {
		var t T
		if json.Unmarshal(entry, &t) == nil && t.usable() && len(good) < maxExtras {
			good = append(good, t)
		}
	}
	if len(good) == 0 {
		return nil
	}
	out, err := json.Marshal(good)
	if err != nil {
		return nil // strings always marshal
	}
	return out
}
