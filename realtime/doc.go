// Package realtime shows every committed change to every open screen.
//
// It follows the timeline (tail.go), keeps the newest entries encoded once in
// a ring (ring.go), and serves WebSockets whose cursor belongs to the client
// (protocol nightbell.v1.json, docs/realtime.md). A socket is a cursor into
// the log: live, slow and resuming clients run the same loop, "send next to
// head". There is no queue per socket to overflow and none to lose.
//
// Who writes to a socket, and who waits:
//
//   - a shard (shard.go), one goroutine per CPU, owns its sockets' order and
//     timers and sends the ring's newest entries;
//   - a replayer (replay.go), a few goroutines, sends what is older than the
//     ring, page by page from the database, and gives the socket back;
//   - the socket's own reader (reader.go) answers what the client asks.
//
// All three hold socket.mu while they write, and nothing they call blocks: the
// wire (wire.go) keeps what the kernel refuses and only then spends a
// goroutine. Locks are taken in the order socket.mu, then one of hub.mu,
// shard.mu, ring.mu, wire.mu; never the other way.
//
// May import: incident, fault, id, meter, gorilla/websocket (its only door).
package realtime
