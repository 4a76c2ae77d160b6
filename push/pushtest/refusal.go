package pushtest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nightbell/nightbell/push"
)

// ReasonStrict is the reason of refusals that Apple itself would not make:
// it would accept the push, and the phone would stay silent.
const ReasonStrict = "EmulatorRefused"

// Refusal is a push the emulator did not take, for people to read.
type Refusal struct {
	At       time.Time     `json:"at"`
	Provider push.Provider `json:"provider"`
	Token    string        `json:"token,omitempty"`
	Status   int           `json:"status"`
	Reason   string        `json:"reason"`
	Why      string        `json:"why"`
}

// refusal is an APNs answer other than 200.
type refusal struct {
	status int
	reason string
	why    string
	since  time.Time // of a 410
}

func refuse(status int, reason, why string, args ...any) *refusal {
	return &refusal{status: status, reason: reason, why: fmt.Sprintf(why, args...)}
}

// answer gives the refusal Apple's form: a reason, and for 410 a timestamp in
// milliseconds.
func (r *refusal) answer(apnsID string) answer {
	body := struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp,omitempty"`
	}{Reason: r.reason}
	if !r.since.IsZero() {
		body.Timestamp = r.since.UnixMilli()
	}
	raw, _ := json.Marshal(body) // a string and a number always encode
	a := answer{status: r.status, body: raw}
	if apnsID != "" {
		a.header = append(a.header, field("apns-id", apnsID))
	}
	if r.why != "" {
		a.header = append(a.header, field("emulator-why", headerSafe(r.why)))
	}
	return a
}

// headerSafe keeps visible ASCII, which is all a header value may hold.
func headerSafe(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// keepRefusals is how many refusals are remembered.
const keepRefusals = 500

func (e *Emulator) noteRefusal(r Refusal) {
	r.At = e.now()
	e.mu.Lock()
	if len(e.refusals) >= keepRefusals {
		e.refusals = append(e.refusals[:0], e.refusals[keepRefusals/2:]...)
	}
	e.refusals = append(e.refusals, r)
	e.mu.Unlock()
	e.cfg.Log.Info("refused a push", "provider", r.Provider, "status", r.Status, "reason", r.Reason, "why", r.Why, "token", r.Token)
	e.changed.raise()
}

// Refusals gives the latest pushes that were not taken, oldest first. In a
// test of a correct sender it stays empty.
func (e *Emulator) Refusals() []Refusal {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return append([]Refusal(nil), e.refusals...)
}
