package realtime

import (
	"context"
	"time"

	"github.com/nightbell/nightbell/incident"
)

// Head is where the log stands.
type Head struct {
	// Epoch changes when the log was restored or rewritten; cursors of another
	// epoch are void.
	Epoch string
	// Seq is the newest committed entry, 0 when there is none.
	Seq int64
	// Oldest is the oldest entry still kept, 0 when there is none.
	Oldest int64
}

// Log is the committed timeline.
type Log interface {
	// Since gives entries with Seq > after in order, at most limit.
	Since(ctx context.Context, after int64, limit int) ([]incident.Entry, error)
	// Head says where the log stands.
	Head(ctx context.Context) (Head, error)
}

// Viewer is who looks at the stream, as the token says.
type Viewer struct {
	UserID    string
	SessionID string
	ExpiresAt time.Time
}

// Authenticator turns an access token into a viewer, or a fault.
type Authenticator interface {
	Viewer(ctx context.Context, token string) (Viewer, error)
}

// Actor carries out an action asked for over the socket; the answer is JSON.
// Its key is the message's own id, so a repeat gives the same answer.
type Actor interface {
	Do(ctx context.Context, v Viewer, key, action, incidentID string) (answer []byte, err error)
}
