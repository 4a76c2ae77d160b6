// Package incident says what is wrong and what may happen to it. Pure.
//
// It owns the incident's states and timers, one constructor per transition
// (machine.go and a file per verb), the words of the timeline (timeline.go) and
// what must follow a change (intent.go). Time and ids come in as arguments; a
// new value goes out. Nothing here fetches, logs, sleeps or starts a goroutine.
//
// Rules of all transitions: the receiver is never changed; a change is exactly
// one revision, and all its entries carry that revision and the same snapshot;
// an action already done is Changed false and no error; an illegal one is a
// fault.Conflict with its own code. docs/state-machine.md shows them all, and
// a test holds it to the truth.
//
// May import: the standard library and fault.
package incident
