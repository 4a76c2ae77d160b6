package push

import (
	"encoding/json"
	"time"
)

// KeptApp is a push app that lives in the database instead of the file: what
// may be shown of it, and its credentials, sealed.
type KeptApp struct {
	Provider Provider
	Name     string
	// Settings is a JSON object of what is no secret.
	Settings  json.RawMessage
	Sealed    []byte
	CreatedAt time.Time
	UpdatedAt time.Time
	// UpdatedBy is a user's id, or "system".
	UpdatedBy string
}
