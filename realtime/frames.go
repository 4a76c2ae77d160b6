package realtime

import (
	"encoding/json"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// ServerFrame is one message from the server: exactly one field is set.
type ServerFrame struct {
	Welcome *Welcome `json:"welcome,omitempty"`
	Events  *Events  `json:"events,omitempty"`
	Reset   *Reset   `json:"reset,omitempty"`
	Token   *Renewed `json:"token,omitempty"`
	Ping    *int64   `json:"ping,omitempty"`
	Done    *Done    `json:"done,omitempty"`
}

// Welcome accepts a hello: events follow, beginning with From.
type Welcome struct {
	// Conn names the connection in the server's log.
	Conn string `json:"conn"`
	// Ping is the longest silence to expect from the server, in seconds.
	Ping int `json:"ping"`
	// Epoch must be sent back with the cursor when resuming.
	Epoch string `json:"epoch"`
	// From is the first sequence number this connection will cover.
	From int64 `json:"from"`
	// Head is the newest one at this moment.
	Head int64 `json:"head"`
}

// Events covers From..To of the log, both included. Items holds what this
// client may see and asked for, in order; the rest of the range is not for it,
// and its cursor becomes To all the same.
type Events struct {
	From  int64            `json:"from"`
	To    int64            `json:"to"`
	Items []incident.Entry `json:"items"`
}

// Why a cursor is void.
const (
	// ResetRetention: what follows the cursor is no longer kept.
	ResetRetention = "retention"
	// ResetEpoch: the log was restored or rewritten since.
	ResetEpoch = "epoch"
	// ResetAhead: the cursor lies beyond the end of the log.
	ResetAhead = "ahead"
	// ResetGap: the log itself has a hole, which must not happen and is alarmed.
	ResetGap = "gap"
)

// Reset says that the client's cursor is void and nothing follows until it
// took a snapshot and said hello again.
type Reset struct {
	Epoch string `json:"epoch"`
	Head  int64  `json:"head"`
	Why   string `json:"why"`
}

// Renewed answers a fresh token.
type Renewed struct {
	ExpiresAt time.Time `json:"expires_at"`
}

// Done answers a do: Answer is the same JSON the HTTP API would give, or Error
// says why not.
type Done struct {
	ID     string          `json:"id"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Error  *Refusal        `json:"error,omitempty"`
}

// Refusal is a fault as the socket shows it.
type Refusal struct {
	// Kind is one of fault's kinds, Code the stable name of the fault.
	Kind    string `json:"kind"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// ClientFrame is one message from the client: exactly one field is set.
type ClientFrame struct {
	Hello *Hello  `json:"hello,omitempty"`
	Ack   *int64  `json:"ack,omitempty"`
	Token *string `json:"token,omitempty"`
	Pong  *int64  `json:"pong,omitempty"`
	Do    *Do     `json:"do,omitempty"`
}

// Hello is the first frame, and the first after each reset.
type Hello struct {
	Token string `json:"token"`
	// Device, where the app is a registered device: a newer connection of the
	// same device replaces the older.
	Device string `json:"device,omitempty"`
	// After is the last sequence number seen; nil starts live, at the head.
	After *int64 `json:"after,omitempty"`
	// Epoch is the one After belongs to; required with it.
	Epoch  string  `json:"epoch,omitempty"`
	Filter *Filter `json:"filter,omitempty"`
}

// Filter narrows the stream; empty fields do not narrow.
type Filter struct {
	// Incident keeps only this incident's entries.
	Incident string `json:"incident,omitempty"`
}

// Do asks for an action; ID is its idempotency key and comes back in Done.
// On the wire the action is the name of the field that holds the incident:
// {"do":{"id":"k1","acknowledge":"inc_…"}}.
type Do struct {
	ID         string
	Action     string
	IncidentID string
}

// MarshalJSON writes the action as a field name.
func (d Do) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"id": d.ID, d.Action: d.IncidentID})
}
