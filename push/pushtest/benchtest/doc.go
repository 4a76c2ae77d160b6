// Package benchtest runs the emulator in a process of its own, so that a
// benchmark's CPU seconds are the sender's alone.
//
// The process is the test binary itself: its TestMain calls [Serve] first.
//
// May import: push, push/pushtest.
package benchtest
