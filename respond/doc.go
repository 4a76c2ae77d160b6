// Package respond is the desk every change of an incident comes to.
//
// Events (ingest.go), people's actions (act.go) and the buttons of their phones
// (tap.go), what those phones report (report.go, digest.go), the clock
// (escalate.go, ladder.go) and the auditor (audit.go) all end here: one transaction reads the incident,
// lets the pure rooms decide, and writes incident, timeline, notifications and
// deliveries together. What was committed is then handed to push in memory,
// never before (I2).
//
// Beside the desk stands the [Watch] (watch.go, notice.go, testpush.go): it
// changes no incident, but asks beforehand whether a page would wake those who
// are on call, tells them of their shifts and rings their phones to try.
//
// May import: incident, oncall, push (its nouns), queue, fault, id, meter.
package respond
