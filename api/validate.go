package api

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/nightbell/nightbell/fault"
)

// check judges a request by the contract and puts its body back for the
// handler. Everything that is wrong with it is said at once.
func (op *operation) check(r *http.Request) error {
	items, err := op.checkQuery(r.URL)
	if err != nil {
		return err
	}
	items = append(items, op.checkHeaders(r.Header)...)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		more, err := op.checkBody(r)
		if err != nil {
			return err
		}
		items = append(items, more...)
	}
	if len(items) > 0 {
		return &httpError{http.StatusBadRequest, items}
	}
	return nil
}

func (op *operation) checkQuery(u *url.URL) (items []ProblemItem, err error) {
	if u.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, newHTTPError(http.StatusBadRequest, "bad_value", "", "the query of the address cannot be read; percent-encode its values")
	}
	for name, values := range query {
		p, known := op.params["query "+name]
		if !known {
			items = append(items, problemItem("unknown_parameter", name, "there is no parameter "+quote(name)+" here; remove it or correct its name"))
			continue
		}
		items = append(items, p.check(values)...)
	}
	slices.SortFunc(items, func(a, b ProblemItem) int { return strings.Compare(field(a), field(b)) })
	return items, nil
}

func (op *operation) checkHeaders(h http.Header) (items []ProblemItem) {
	for key, p := range op.params {
		if name, isHeader := strings.CutPrefix(key, "header "); isHeader && len(h[name]) > 0 {
			items = append(items, p.check(h[name])...)
		}
	}
	return items
}

// check judges a parameter's values as the contract types them.
func (p *parameter) check(values []string) []ProblemItem {
	if len(values) > 1 && !p.list {
		return []ProblemItem{problemItem("repeated_parameter", p.name, p.name+" is given more than once; give it once")}
	}
	if slices.ContainsFunc(values, func(v string) bool { return strings.ContainsRune(v, 0) }) {
		return []ProblemItem{nulItem(p.name)}
	}
	var value any = values[0]
	switch {
	case p.list:
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		value = list
	case p.number:
		n, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil {
			return []ProblemItem{problemItem("wrong_type", p.name, p.name+" must be a whole number")}
		}
		value = n
	case p.flag:
		if values[0] != "true" && values[0] != "false" {
			return []ProblemItem{problemItem("wrong_type", p.name, p.name+" must be true or false")}
		}
		value = values[0] == "true"
	}
	return violations(p.name, p.schema.Validate(value))
}

func (op *operation) checkBody(r *http.Request) ([]ProblemItem, error) {
	body, err := readBody(r, maxBody)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(bytes.TrimSpace(body)) == 0 {
		if op.bodyRequired {
			return nil, newHTTPError(http.StatusBadRequest, "body_missing", "", "the request has no body; send a JSON object")
		}
		return nil, nil
	}
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if items := untidy(body); len(items) > 0 {
		return items, nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return nil, newHTTPError(http.StatusBadRequest, "invalid_json", "", "the body is not valid JSON ("+err.Error()+"); send one JSON object")
	}
	items := violations("", op.body.Validate(value))
	if place, found := findNUL(value); found {
		items = append(items, nulItem(place))
	}
	return items, nil
}

// checkMediaType takes JSON under any of its names, and no name at all.
func checkMediaType(given string) error {
	if given == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(given)
	if err == nil && (media == "application/json" || strings.HasSuffix(media, "+json")) {
		return nil
	}
	return newHTTPError(http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type", "the body must be JSON; send it with Content-Type: application/json")
}

// errTooLarge is what readBody says of a body over the limit.
func errTooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "too_large", "the body is larger than the %d bytes this address takes; send less", limit)
}

// readBody reads at most limit bytes, and nothing when the length is known to
// be more.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge(limit)
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= smallBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "body_cut", "the body ended before it was complete; send it again")
	}
	if n > limit {
		return nil, errTooLarge(limit)
	}
	return buf.Bytes(), nil
}

// smallBody is how much is allocated on a sender's word alone.
const smallBody = 16 << 10

// findNUL finds text with a NUL character, which PostgreSQL cannot keep.
func findNUL(v any) (where string, found bool) {
	switch v := v.(type) {
	case string:
		return "", strings.ContainsRune(v, 0)
	case []any:
		for i, e := range v {
			if where, found = findNUL(e); found {
				return strings.TrimSuffix(join(strconv.Itoa(i), where), "."), true
			}
		}
	case map[string]any:
		for k, e := range v {
			if where, found = findNUL(e); found {
				return strings.TrimSuffix(join(k, where), "."), true
			}
		}
	}
	return "", false
}

func nulItem(name string) ProblemItem {
	return problemItem("bad_value", name, name+" holds a NUL character; remove it")
}

func field(i ProblemItem) string {
	if i.Field == nil {
		return ""
	}
	return *i.Field
}
