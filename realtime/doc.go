// Package realtime shows every committed change to every open screen.
//
// It follows the timeline (tail.go), keeps the newest entries encoded once in
// a ring, and serves WebSockets whose cursor belongs to the client
// (protocol nightbell.v1.json, docs/realtime.md). A socket is a cursor into
// the ring: live, slow and resuming clients run the same loop.
//
// May import: incident, fault, id, meter, gorilla/websocket (its only door).
package realtime
