// Package api speaks HTTP.
//
// The /v1 server is generated from openapi.yaml (server.gen.go); the handlers
// here translate between it and the rooms below, one file per noun. Events
// (/v2) are hand-written for their liberal rules and their speed. One table in
// errors.go turns a fault's kind into a status.
//
// May import: respond, realtime, push, auth, the pure rooms, fault, id, meter
// and the root package (the spec). It reads through the small interfaces in
// ports.go.
package api
