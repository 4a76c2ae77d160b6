// Package ical reads and writes other people's calendars (RFC 5545).
//
// [Encode] makes a feed of shifts that a calendar application can subscribe
// to; [Decode] turns a calendar that somebody has kept until now into the
// events of a shift-based schedule, and lists what could not be carried over.
// Values in, values out: nothing is fetched here.
//
// May import: oncall, fault, arran4/golang-ical.
package ical
