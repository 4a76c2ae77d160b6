// Package demo shows Nightbell in a terminal: a real node on an embedded
// database, the real APNs and FCM senders, and two stand-in phones (the
// emulator of push/pushtest) whose notifications it draws.
//
// It knows the node as any client does: it signs in and registers the phones
// over HTTP, so what is seen here is what an app would see.
//
// May import: app, setup (the seed), push/pushtest, fault. Imported by cmd.
package demo
