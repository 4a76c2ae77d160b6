// Package incident says what is wrong and what may happen to it. Pure.
//
// It owns the incident's states and timers, one constructor per transition
// (machine.go), the words of the timeline (timeline.go) and what must follow a
// change (intent.go). Time and ids come in as arguments; a new value goes out.
// Nothing here fetches, logs, sleeps or starts a goroutine.
//
// May import: the standard library and fault.
package incident
