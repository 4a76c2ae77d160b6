package id

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/oklog/ulid/v2"

	"github.com/nightbell/nightbell/fault"
)

// Prefixes of the things that have ids. They are part of the API: an id of
// the wrong kind is refused by its prefix.
const (
	Incident     = "inc"
	Alert        = "alr"
	Service      = "svc"
	Integration  = "int"
	Policy       = "pol"
	Schedule     = "sch"
	Layer        = "lay"
	User         = "usr"
	Device       = "dev"
	Rule         = "rul"
	Notification = "ntf"
	Delivery     = "dlv"
	Session      = "ses"
	Change       = "chg"
	Request      = "req"
)

var names = map[string]string{
	Incident: "an incident", Alert: "an alert", Service: "a service", Integration: "an integration",
	Policy: "an escalation policy", Schedule: "a schedule", Layer: "a layer", User: "a user",
	Device: "a device", Rule: "a notification rule", Notification: "a notification",
	Delivery: "a delivery", Session: "a session", Change: "a change event", Request: "a request",
}

//nolint:gochecknoglobals // ids of one process sort by birth only if one counter makes them all
var mint = struct {
	sync.Mutex
	entropy *ulid.MonotonicEntropy
}{entropy: ulid.Monotonic(rand.Reader, 0)}

// New mints an id with the prefix. Ids minted by one process sort in the
// order of minting, within a millisecond too.
func New(prefix string) string {
	mint.Lock()
	u, err := ulid.New(ulid.Timestamp(time.Now()), mint.entropy)
	mint.Unlock()
	if err != nil {
		// The monotonic counter of this millisecond is exhausted (2^80 ids):
		// a fresh random one is still unique, only its order is not kept.
		u = ulid.Make()
	}
	return prefix + "_" + u.String()
}

// Check refuses s unless it is a well-formed id with this prefix, and says
// which kind of id it was given instead.
func Check(prefix, s string) error {
	p, rest, ok := strings.Cut(s, "_")
	if ok && p == prefix {
		if _, err := ulid.ParseStrict(rest); err == nil && rest == strings.ToUpper(rest) {
			return nil
		}
	}
	if other, known := names[p]; ok && known && p != prefix {
		return fault.New(fault.Invalid, "wrong_id", "expected %s id (%s_…), got %s id; check which id you are passing", names[prefix], prefix, other)
	}
	return fault.New(fault.Invalid, "bad_id", "expected %s id: %s_ followed by 26 characters", names[prefix], prefix)
}

// UUID gives the same 128 bits as a lower-case UUID: providers such as APNs
// want one, and the delivery keeps one identity under both spellings. It
// returns "" for a malformed id.
func UUID(s string) string {
	_, rest, _ := strings.Cut(s, "_")
	u, err := ulid.ParseStrict(rest)
	if err != nil {
		return ""
	}
	return uuid.UUID(u).String()
}

// FromUUID is the inverse of [UUID].
func FromUUID(prefix, s string) (string, error) {
	u, err := uuid.Parse(s)
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "bad_id", "expected a UUID")
	}
	return prefix + "_" + ulid.ULID(u).String(), nil
}
