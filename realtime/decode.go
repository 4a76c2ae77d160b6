package realtime

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nightbell/nightbell/fault"
	"github.com/nightbell/nightbell/id"
)

// Actions are what a client may do over its socket: those that need no more
// than the incident. The others have forms, and forms go over HTTP.
var actions = []string{"acknowledge", "escalate", "resolve", "unacknowledge"}

// Limits on what a client sends.
const (
	maxToken = 8 << 10 // an access token is under 1 KB; room for other signers
	maxEpoch = 64
	maxDoID  = 64
)

// DecodeClient reads one client frame strictly: one known field, no unknown
// ones inside, every id of the right kind. Its errors are faults that name the
// field, fit to be a close reason.
func DecodeClient(raw []byte) (ClientFrame, error) {
	var f ClientFrame
	if !utf8.Valid(raw) {
		return f, fault.New(fault.Invalid, "bad_utf8", "a frame must be UTF-8")
	}
	var hello, do json.RawMessage
	given, err := fields(raw, "", map[string]any{
		"hello": &hello, "ack": &f.Ack, "token": &f.Token, "pong": &f.Pong, "do": &do,
	})
	if err != nil {
		return ClientFrame{}, err
	}
	if len(given) != 1 {
		return ClientFrame{}, fault.New(fault.Invalid, "bad_frame", "a frame has exactly one field: hello, ack, token, pong or do")
	}
	switch given[0] {
	case "hello":
		f.Hello, err = decodeHello(hello)
	case "do":
		f.Do, err = decodeDo(do)
	default:
		err = f.check()
	}
	if err != nil {
		return ClientFrame{}, err
	}
	return f, nil
}

// check judges the frames that are a single value; a JSON null leaves it unset.
func (f ClientFrame) check() error {
	switch {
	case f.Ack == nil && f.Token == nil && f.Pong == nil:
		return fault.New(fault.Invalid, "bad_frame", "a frame's field must not be null")
	case f.Ack != nil && *f.Ack < 0:
		return fault.Field("ack", "bad_cursor", "ack must be a sequence number")
	case f.Token != nil:
		return checkToken("token", *f.Token)
	}
	return nil
}

func decodeHello(raw []byte) (*Hello, error) {
	var h Hello
	var filter json.RawMessage
	given, err := fields(raw, "hello.", map[string]any{
		"token": &h.Token, "device": &h.Device, "after": &h.After, "epoch": &h.Epoch, "filter": &filter,
	})
	if err != nil {
		return nil, err
	}
	if slices.Contains(given, "filter") {
		h.Filter = new(Filter)
		if _, err := fields(filter, "hello.filter.", map[string]any{"incident": &h.Filter.Incident}); err != nil {
			return nil, err
		}
	}
	return &h, h.check()
}

func (h *Hello) check() error {
	if err := checkToken("hello.token", h.Token); err != nil {
		return err
	}
	if h.After != nil && *h.After < 0 {
		return fault.Field("hello.after", "bad_cursor", "hello.after must be a sequence number; leave it out to start live")
	}
	if (h.After != nil && h.Epoch == "") || len(h.Epoch) > maxEpoch {
		return fault.Field("hello.epoch", "bad_epoch", "hello.epoch must be the epoch that came with the cursor")
	}
	if h.Device != "" {
		if err := id.Check(id.Device, h.Device); err != nil {
			return fault.Wrap(err, fault.Invalid, "bad_id", "hello.device must be a device id, dev_…")
		}
	}
	if h.Filter != nil && h.Filter.Incident != "" {
		if err := id.Check(id.Incident, h.Filter.Incident); err != nil {
			return fault.Wrap(err, fault.Invalid, "bad_id", "hello.filter.incident must be an incident id, inc_…")
		}
	}
	return nil
}

func decodeDo(raw []byte) (*Do, error) {
	var d Do
	into := map[string]any{"id": &d.ID}
	for _, a := range actions {
		into[a] = &d.IncidentID
	}
	given, err := fields(raw, "do.", into)
	if err != nil {
		return nil, err
	}
	given = slices.DeleteFunc(given, func(name string) bool { return name == "id" })
	if len(given) != 1 {
		return nil, fault.Field("do", "bad_do", "do needs exactly one of: %s", strings.Join(actions, ", "))
	}
	d.Action = given[0]
	if d.ID == "" || len(d.ID) > maxDoID {
		return nil, fault.Field("do.id", "bad_do", "do.id must have 1 to %d characters", maxDoID)
	}
	if err := id.Check(id.Incident, d.IncidentID); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "bad_id", "do.%s must be an incident id, inc_…", d.Action)
	}
	return &d, nil
}

func checkToken(field, token string) error {
	if token == "" || len(token) > maxToken {
		return fault.Field(field, "bad_token", "%s must be an access token", field)
	}
	return nil
}

// fields reads an object into the targets by name and gives the names that
// were there, sorted. An unknown name is refused by name, not dropped: a
// client that believes in a filter we do not have must not get the full stream.
func fields(raw []byte, path string, into map[string]any) ([]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return nil, fault.Wrap(err, fault.Invalid, "bad_json", "%s must be a JSON object", cmp.Or(strings.TrimSuffix(path, "."), "a frame"))
	}
	given := slices.Sorted(maps.Keys(object))
	for _, name := range given {
		target, known := into[name]
		if !known {
			return nil, fault.Field(path+name, "unknown_field", "unknown field %s", path+name)
		}
		if err := json.Unmarshal(object[name], target); err != nil {
			return nil, fault.Field(path+name, "bad_type", "%s has the wrong type", path+name)
		}
	}
	return given, nil
}
