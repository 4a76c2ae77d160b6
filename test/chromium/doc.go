// Package chromium shows that a real browser rings: a headless Chromium
// subscribes with the key that a node made, and its service worker shows what
// the node encrypted.
//
// Chromium's push service is Google's, which is not to be reached from a test.
// gcm.go stands in for the four parts of it that Chromium talks to: check-in,
// registration, the connection on which messages come (MCS), and the address
// that pushes are sent to. Run it with `make chromium`.
package chromium
