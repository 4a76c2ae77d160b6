// Package api speaks HTTP.
//
// The /v1 server is generated from openapi.yaml (server.gen.go, by make
// generate); the handlers here translate between it and the rooms below, one
// file per noun. What a request may look like is decided in one place, by the
// contract itself (contract.go, validate.go), before a handler sees it. Events
// (event_*.go) are hand-written for their liberal rules and their speed. One
// table in errors.go turns a fault's kind into a status.
//
// What holds:
//   - Every answer of /v1 that is not a success is application/problem+json,
//     unknown addresses and methods included; every answer to an event has
//     PagerDuty's three fields. Never HTML, never a redirect, never a stack.
//   - Who asks is settled before the body is read, and how big a body may be
//     before it is read on.
//
// May import: respond, realtime, push, auth, the pure rooms, fault, id, meter
// and the root package (the spec). It reads through the small interfaces in
// ports.go.
package api
