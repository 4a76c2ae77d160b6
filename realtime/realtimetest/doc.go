// Package realtimetest is a small, honest client of the stream, for tests and
// stories: it says hello, answers pings and hands over what arrives, in order.
//
// It keeps the promises of docs/realtime.md on the client's side and checks
// those of the server's side as it goes: a range that does not follow the one
// before it is an error, never skipped.
//
// May import: realtime (its frames), incident, gorilla/websocket.
package realtimetest
