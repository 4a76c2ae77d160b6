// Package wire keeps a few HTTP/2 connections to one provider, and fills them.
//
// The standard transports dial a new connection for every request that finds
// the others full: a cold burst of 200 pushes to APNs opened 11 connections
// and took a second, 500 to FCM opened 430. A [Pool] opens at most the number
// it was told, lets a new APNs connection prove itself with one push before
// the rest follow, makes callers wait their turn instead of dialing, resends
// once what HTTP/2 says was never processed, and sorts the other troubles of
// a connection into push results ([Failure]).
//
// It serves push/apns, push/fcm and push/webpush, and the emulator's listeners. [Guard] keeps the
// URLs that people register (webhooks, Web Push) out of our own networks.
//
// May import: push, x/net/http2.
package wire
