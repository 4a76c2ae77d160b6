package realtime

import (
	"fmt"
	"math/rand/v2"
	"time"
	"unicode/utf8"
)

// Protocol is the WebSocket subprotocol a client must ask for.
const Protocol = "nightbell.v1.json"

// Close codes. Below 4100 the client comes back by itself; from 4400 on the
// same attempt would end the same way, so it must not.
const (
	// CloseDrain: this node is going away; reconnect, to another if there is one.
	CloseDrain = 4001
	// CloseSlow: the client did not read; reconnect and resume by cursor.
	CloseSlow = 4002
	// CloseTokenExpired: get a fresh access token, then reconnect.
	CloseTokenExpired = 4003
	// CloseHeartbeat: nothing was heard from the client in time; reconnect.
	CloseHeartbeat = 4004
	// CloseOverloaded: we cannot serve this now; reconnect after the pause given.
	CloseOverloaded = 4005
	// CloseProtocol: the client broke the protocol; the reason says how.
	CloseProtocol = 4400
	// CloseBadToken: sign in again.
	CloseBadToken = 4401
	// CloseForbidden: this user may not have this stream.
	CloseForbidden = 4403
	// CloseReplaced: the same device opened a newer connection.
	CloseReplaced = 4409
)

// Reconnect advice: each client is told its own random moment within this
// window, so that a restarting node is not met by everybody at once.
const (
	retryLeast = 500 * time.Millisecond
	retryMost  = 10 * time.Second
)

// advise appends the pause, drawn for this client alone, to a close reason.
// The form "retry_ms=<n>" is part of the protocol.
func advise(reason string) string {
	pause := retryLeast + rand.N(retryMost-retryLeast)
	return fmt.Sprintf("%s; retry_ms=%d", reason, pause.Milliseconds())
}

// reasonBytes is what RFC 6455 §5.5 leaves for words in a close frame:
// a control frame carries 125 bytes and the code takes two.
const reasonBytes = 123

// trimReason cuts a reason to what fits, at a rune boundary: a close frame
// with broken UTF-8 is itself a protocol error.
func trimReason(s string) string {
	if len(s) <= reasonBytes {
		return s
	}
	s = s[:reasonBytes]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}
