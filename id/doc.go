// Package id mints and checks Nightbell's identifiers: a prefix that says
// what the thing is, an underscore and a ULID ("inc_01J…"), so that ids sort
// by birth, copy cleanly and cannot be taken for one another.
//
// It reads the clock and the system's randomness, so pure rooms receive ids
// as values instead of minting them.
//
// May import: fault, and oklog/ulid (its only door).
package id
