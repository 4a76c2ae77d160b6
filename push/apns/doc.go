// Package apns sends pushes through Apple's push service.
//
// It is sideshow/apns2 with what that library lacks: our own RoundTripper sets
// the headers (an apns-expiration of 0, the payload's bytes as they are),
// carries a provider token from our own source, keeps status, Retry-After and
// millisecond timestamps of the answer, and runs over push/wire, which warms a
// connection up instead of opening eleven. Each (team, key, environment) has a
// client of its own that is never changed after it is made.
//
// May import: push, push/wire, fault, meter, sideshow/apns2, golang-jwt.
package apns
