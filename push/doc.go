// Package push makes a phone ring, and knows whether it did.
//
// It owns devices, deliveries (a promise on its way to one device), the
// payloads each platform gets (compose…, activity.go) in the reader's language
// (language…, words.go), as hard as the device lets it knock (level.go), with
// no more than its app may say (privacy.go) and the right number on the icon
// (badges.go), the one table that sorts provider
// answers (classes.go), what an answer does to the rows of now (verdict.go) and
// to the device (proof.go, evidence.go, held back by guard.go when too many fall
// at once), the lines of the delivery log and the receipts of devices (log.go),
// the judgement whether a page would be heard (pageable.go), and the [Pipeline]
// that carries deliveries there:
//
//	Submit, or the claim loop (claims.go)     what is due, under a lease
//	  → lane (lane.go, backlog.go, gate.go)   its own queue, limit and trouble
//	  → deliver.go                            still wanted? compose, send
//	  → retry.go                              final, or again and when
//	  → recorder.go                           written down, many at a time
//
// Whatever a node holds and does not write down comes back to some node when
// its lease runs out; that is the only rescue there is, and all others build
// on it. Providers live in push/apns, push/fcm and push/webpush, the ways to an
// address (e-mail, webhook, telephone) in push/mail, push/webhook and push/phone;
// the strict stand-ins of them all are in push/pushtest.
//
// May import: incident, queue, fault, id, meter, crash. The vendors' libraries only
// in push/apns (apns2), push/fcm (firebase) and push/mail (go-mail).
package push
