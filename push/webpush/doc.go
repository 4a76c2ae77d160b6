// Package webpush rings browsers, and web apps installed from them, with no
// account anywhere: the server's own key pair (VAPID) is all it takes.
//
// It is written over the standard library. The payload is encrypted to the
// browser (encrypt.go: RFC 8291 over RFC 8188's aes128gcm), the server names
// itself with a signed token (vapid.go: RFC 8292, one token for each push
// service and six hours), and the request is RFC 8030's (send.go). Each push
// service has connections and a limit of its own (origin.go) on push/wire, with
// HTTP/1.1 for those that speak nothing newer.
//
// The address to push to comes from whoever registers a device, so it is not
// believed (guard.go): its host must be a known push service's or allowed by
// the operator, what it resolves to must be a public address, checked on the
// address that is dialled, and no redirect is followed.
//
// May import: push, push/wire, fault, meter, golang-jwt.
package webpush
