// Package meter counts what happens, for /metrics.
//
// One Meter is made by app and handed to the rooms that count; nothing is
// registered globally, so tests can run many nodes in one process. All
// methods work on nil and then count nothing, so a room never has to ask.
//
// May import: prometheus/client_golang (its only door).
package meter
