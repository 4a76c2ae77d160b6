// Package push makes a phone ring, and knows whether it did.
//
// It owns devices, deliveries (a promise on its way to one device), the
// payloads each platform gets (compose.go), the one table that sorts provider
// answers into classes and effects (result.go), and the pipeline that claims,
// sends, retries, expires and records (pipeline.go). Providers live in
// push/apns and push/fcm, the strict stand-in of both in push/pushtest.
//
// May import: incident, queue, fault, id, meter. The vendors' libraries only
// in push/apns (apns2) and push/fcm (firebase).
package push
