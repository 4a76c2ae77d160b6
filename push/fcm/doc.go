// Package fcm sends pushes through Firebase Cloud Messaging, HTTP v1.
//
// It is the firebase library with what makes it fit for paging: its requests
// run over push/wire instead of a transport that opens a connection for each
// one that waits; access tokens come from our own source; its own retries
// (503 and network errors, up to seven seconds) are switched off by never
// showing it such an answer, since only the pipeline knows whether a page is
// still wanted; and the true answer is kept beside what the library makes of it.
//
// May import: push, push/wire, fault, meter, firebase, google.golang.org/api,
// golang-jwt. It is the only package that links firebase, which is half of the
// binary.
package fcm
